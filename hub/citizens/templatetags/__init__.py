"""Filters of the citizen's pages."""
