"""Conformance reports that the hub keeps, and the grade a town's adapter needs before its connection goes live."""
