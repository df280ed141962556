"""`manage.py css`: builds the style sheet from assets/app.css."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.runtime import assets


class Command(BaseCommand):
    help = "Builds portal/static/portal/app.css from assets/app.css."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            built = assets.build_css()
        except assets.NoStyle as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Wrote {assets.TARGET}" if built else f"Nothing to build: {assets.SOURCE} is not there.")
