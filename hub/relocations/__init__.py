"""Relocations: what a citizen files once, the journey it takes, and what each town is told and answers."""
