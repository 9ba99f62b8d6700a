"""Hikkoshi Hub: a citizen files a move once and every municipality concerned is told, and held to its answer."""

from hub.celery import app as celery_app

__all__ = ["celery_app"]
