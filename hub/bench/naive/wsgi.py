"""WSGI entry point of the naive design."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.bench.naive.settings")

application = get_wsgi_application()
