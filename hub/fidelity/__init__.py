"""Fidelity: what reached a town otherwise than it was filed, and what clerks decided to write instead."""
