"""Persons who are filed twice: a case for a clerk of the municipality that keeps them, never a merge or a refusal."""
