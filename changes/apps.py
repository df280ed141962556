"""The Django app `changes`."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from changes.proposals.searching.install import after_migrate

JOINS = (
    "changes.calendar.leaving",
    "changes.calendar.providers",
    "changes.approvals.leaving",
    "changes.delivery.accounts",
    "changes.entitlements.accounts",
    "changes.meetings.own_sources",
    "changes.connectors.effects",
    "changes.connectors.wellbeing",
    "changes.connectors.sealed",
    "changes.desk.agenda_emergencies",
    "changes.desk.agenda_exceptions",
    "changes.desk.agenda_policy",
    "changes.desk.measures",
    "changes.desk.meetings.entries",
    "changes.gates.training_waking",
    "changes.desk.needs",
    "changes.desk.needs_access",
    "changes.desk.needs_approvals",
    "changes.desk.needs_decisions",
    "changes.desk.needs_exceptions",
    "changes.desk.needs_meetings",
    "changes.desk.needs_outcomes",
    "changes.desk.needs_inventory",
    "changes.desk.needs_setup",
    "changes.desk.needs_training",
    "changes.desk.training.holders",
    "changes.connectors.slack.emergency",
    "changes.desk.needs_emergencies",
    "changes.desk.needs_calendar",
)
"""Modules that register something elsewhere (inbox, palette, outbox, doctor) when they are imported."""


class ChangesConfig(AppConfig):
    name = "changes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for name in JOINS:
            import_module(name)
        # Functions and triggers of the search follow the code, not the migrations.
        post_migrate.connect(after_migrate, sender=self, dispatch_uid="changes.proposals.searching")
