"""``manage.py reconcile``: match what is new; with ``--full``, run everything again from the raw data and compare."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from changes.completeness.rerunning import rerun
from changes.connectors.models import Source
from changes.connectors.settling import settle_due
from changes.exceptions.edits import judge_edits

SHOWN = 50


class Command(BaseCommand):
    """A thin caller: what happens stands in ``changes.completeness.rerunning``."""

    help = "Match commits, releases and edits with changes: what is new, or with --full everything again, compared and taken back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether everything is done again, and in which order."""
        parser.add_argument("--full", action="store_true", help="from the raw data; changes nothing, exits 1 when anything differs")
        parser.add_argument("--seed", type=int, default=1, help="order in which stored deliveries are applied again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what was done. Raises ``CommandError`` when the full run came to another result."""
        if not options["full"]:
            settled = settle_due(now=now)
            opened = sum(judge_edits(source=row.name, since=row.connected_at, at=now()) for row in Source.objects.order_by("id"))
            self.stdout.write(f"{settled} slices of repositories settled, {opened} exceptions opened about edits.")
            return
        found = rerun(at=now(), seed=options["seed"], say=self.stdout.write)
        self.stdout.write(
            f"{found.deliveries} deliveries, {found.repositories} repositories and {found.edits} edits again; "
            f"{found.compared} results compared."
        )
        for sentence in found.differences[:SHOWN]:
            self.stdout.write(f"  {sentence}")
        if found.differences:
            raise CommandError(f"{len(found.differences)} results differ.")
        self.stdout.write("The same result.")
