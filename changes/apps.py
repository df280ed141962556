"""The Django app `changes`."""

from importlib import import_module

from django.apps import AppConfig

JOINS = ("changes.connectors.effects", "changes.desk.needs", "changes.desk.needs_exceptions")
"""Modules that register something elsewhere (inbox, palette, outbox) when they are imported."""


class ChangesConfig(AppConfig):
    name = "changes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for name in JOINS:
            import_module(name)
