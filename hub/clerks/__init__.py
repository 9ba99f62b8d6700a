"""Clerks: who may see what, and the review desk in Django's admin."""
