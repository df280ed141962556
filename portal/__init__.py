"""What everything stands on, and where it is put together."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
