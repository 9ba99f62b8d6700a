"""Drafts the folder of a standard from a vendor's file: what is in it, what its items mean, what remains to be said."""
