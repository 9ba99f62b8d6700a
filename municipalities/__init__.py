"""Municipalities: who they are, which record standard each uses and how a notice reaches it."""
