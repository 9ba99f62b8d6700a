"""Scenarios: the whole hub as real processes, seen from outside."""
