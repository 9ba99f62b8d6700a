"""Formats: rows or trees of texts to bytes, and back. None knows what the texts mean."""
