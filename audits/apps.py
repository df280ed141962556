"""The Django app `audits`."""

from importlib import import_module

from django.apps import AppConfig

JOINS = ("audits.controls.demo", "audits.engagements.demo", "audits.proof.needs")
"""Modules that register something elsewhere (the inbox, the demo company) when they are imported."""


class AuditsConfig(AppConfig):
    name = "audits"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for name in JOINS:
            import_module(name)
