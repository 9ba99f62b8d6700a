"""Where the workers of the naive design begin: Django is set up before the first task asks for its tables."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.bench.naive.settings")
django.setup()

from hub.bench.naive.tasks import app  # noqa: E402 - Django comes first

__all__ = ["app"]
