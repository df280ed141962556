"""The Django app `portal`."""

import os
from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from portal import telemetry

# Registers the check that every address says who may see it.
from portal.access import checks

# Every Django process gets the Celery application, so that tasks know their broker.
from portal.celery import app as celery_app
from portal.ledger.guards import after_migrate

__all__ = ["PortalConfig", "celery_app", "checks"]


class PortalConfig(AppConfig):
    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # What ends with a person who leaves.
        import_module("portal.access.outside_sign_in")
        import_module("portal.access.scim.tokens")
        # Who comes in, is refused and leaves is logged.
        import_module("portal.access.sign_in_log").listen()
        # What is sealed, for the rotation of keys.
        import_module("portal.access.sealed")
        # Health of what the answers stand on, and of broker, scheduler and worker; figures for a monitor.
        import_module("portal.home.foundations")
        import_module("portal.home.background")
        import_module("portal.home.measures")
        # What the portal itself does in the background for people.
        import_module("portal.home.own_exports")
        # The reference of a request goes along with the work that it causes; errors and traces go where somebody wants them.
        import_module("portal.causes")
        telemetry.start(environment=os.environ)
        # Triggers, roles and privileges follow the code, not the migrations (docs/ledger.md).
        post_migrate.connect(after_migrate, dispatch_uid="portal.ledger.guards")
