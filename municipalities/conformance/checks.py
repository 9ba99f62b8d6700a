"""All checks by name: how each of ``checks.csv`` is made; what it asks and why is written there."""

from . import files, lines, records

CHECKS = {**records.CHECKS, **lines.CHECKS, **files.CHECKS}
