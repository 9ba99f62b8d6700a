"""A town's change to another connection: planned for a date, and its standard tried in the shadow before it.

``cutover`` ends the present connection the day before and creates the next. Deliveries are bound to the connection
of the day on which they are queued, so nothing under way changes layout. Until the date ``services`` writes what
went out in the next standard too and keeps, per day and item, how it differs: counts alone, no personal data.
The courier knows nothing of it.
"""
