"""Chaos: everything of a running hub is killed, cut off, emptied and misled at random, and nothing may be lost."""
