"""WSGI entry point for the web process."""

import os
from threading import Thread

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

application = get_wsgi_application()

from hub import ready  # noqa: E402 - Django comes first

# Beside the first requests: a server that is told to stop while this module is read may not hear it.
Thread(target=ready.web, name="ready", daemon=True).start()
