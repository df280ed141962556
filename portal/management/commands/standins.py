"""``manage.py standins``: stand-ins of GitHub, Fly and Slack, run or driven from the shell."""

import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.environment import boolean
from portal.standins import __file__ as package

LIVE_SECONDS = 240.0


class Command(BaseCommand):
    """Hands everything to the stand-ins' own program in this process, which then holds nothing of the portal any more."""

    help = (
        "Run the stand-ins of GitHub, Fly and Slack (serve, the default), or do one thing at them: open-pr, review, check, merge, …"
    )

    def run_from_argv(self, argv: list[str]) -> None:
        """Becomes the stand-ins; arguments of Django's own do not exist here."""
        given = argv[2:]
        data = ["--data", str(settings.DATA_DIR / "standins")]
        if not given or (given[0].startswith("--") and "--help" not in given):
            given = ["serve", *self._serving(given)]
        elif given[0] == "serve":
            given = ["serve", *self._serving(given[1:])]
        program = str(Path(package).with_name("__main__.py"))
        os.execv(sys.executable, [sys.executable, "-P", program, *data, *given])  # noqa: S606 (our own file, no shell)

    def _serving(self, given: list[str]) -> list[str]:
        """Where the portal is, and whether the company lives; what the person says comes later and wins."""
        live = settings.DEMO and boolean("COUNTERSIGN_DEMO_LIVE", default=True)
        chosen = {
            "--port": os.environ.get("COUNTERSIGN_STANDINS_PORT", "0"),
            "--portal": settings.BASE_URL,
            "--live": str(LIVE_SECONDS if live else 0.0),
        }
        return [part for pair in chosen.items() for part in pair] + given
