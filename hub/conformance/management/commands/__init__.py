"""Commands of the conformance reports."""
