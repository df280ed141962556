"""The Django app `portal`."""

from django.apps import AppConfig

# Every Django process gets the Celery application, so that tasks know their broker.
from portal.celery import app as celery_app

__all__ = ["PortalConfig", "celery_app"]


class PortalConfig(AppConfig):
    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"
