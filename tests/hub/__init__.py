"""Tests of ``hub``."""
