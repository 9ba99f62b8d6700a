"""Deliveries: one notice on its way to one municipality. Knows nothing of forms, journeys or people's pages."""
