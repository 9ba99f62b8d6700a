"""Commands of the relocations."""
