"""Consents (message 04): adults filed by somebody else, and the head of a household that is joined, are asked."""
