"""Writes docs/policy-map.md from the clauses, the gates and the controls."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from audits.controls.coverage import policy_map


class Command(BaseCommand):
    help = "Write docs/policy-map.md: clause, gate, control, test."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--print", action="store_true", help="print it instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["print"]:
            self.stdout.write(policy_map(), ending="")
            return
        path = settings.BASE_DIR / "docs" / "policy-map.md"
        path.write_text(policy_map())
        self.stdout.write(f"Wrote {path.relative_to(settings.BASE_DIR)}.")
