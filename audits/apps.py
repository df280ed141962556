"""The Django app `audits`."""

from importlib import import_module

from django.apps import AppConfig

JOINS = (
    "audits.jobs.exported",
    "audits.jobs.news",
    "audits.controls.checks",
    "audits.controls.needs",
    "audits.controls.run_later",
    "audits.findings.held",
    "audits.engagements.demo",
    "audits.engagements.needs",
    "audits.requests.needs",
    "audits.requests.news",
    "audits.findings.needs",
    "audits.findings.news",
    "audits.findings.agenda",
    "audits.populations.frozen_later",
    "audits.populations.compared_later",
    "audits.packs.exported",
    "audits.packs.found",
    "audits.packs.news",
    "audits.room.finding_again",
    "audits.room.demo",
    "audits.room.beginning",
    "audits.samples.demo",
    "audits.controls.demo",
    "audits.proof.needs",
)
"""Modules that register something elsewhere (inbox, palette, notices, agenda, the demo company) when they are imported."""


class AuditsConfig(AppConfig):
    name = "audits"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for name in JOINS:
            import_module(name)
