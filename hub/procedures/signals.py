"""What procedures tell who wants to know: ``decided`` (``relocation_id``), a clerk said that a rule applies."""

from django.dispatch import Signal

decided = Signal()
