"""``manage.py bench``: the figures of docs/performance.md. Run it by ./bin/bench, which starts a database of its own."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from changes.desk.bench.run import LARGE, SMALL, Bench

PARTS = ("pages", "door", "matching", "syncing", "applying", "ledger", "proof", "packs", "whole")


class Command(BaseCommand):
    """A thin caller: what happens stands in ``changes.desk.bench``."""

    help = "Measure the workloads against baselines of the same run. Fills the database: only by ./bin/bench."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Sizes, and which parts to run."""
        parser.add_argument("--large", action="store_true", help=f"also with {LARGE:,} changes")
        parser.add_argument("--quick", action="store_true", help="a look: few changes, few requests")
        parser.add_argument("--cold", action="store_true", help="also a fresh clone with package downloads")
        parser.add_argument("--changes", type=int, default=0, help="so many changes instead")
        parser.add_argument("--entries", type=int, default=0, help="so many entries in the ledger that is verified")
        parser.add_argument("--only", default=",".join(PARTS), help=f"parts, with commas: {', '.join(PARTS)}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses any database but the one that ./bin/bench started."""
        if not {"COUNTERSIGN_SUPERUSER_URL", "DATABASE_OWNER_URL"} <= os.environ.keys():
            raise CommandError("Made-up changes belong into a database of their own. Run ./bin/bench.")
        quick = options["quick"]
        first = options["changes"] or (2000 if quick else SMALL)
        Bench(
            sizes=(first, LARGE) if options["large"] else (first,),
            rounds=40 if quick else 200,
            deliveries=400 if quick else 1000,
            seconds=1.0 if quick else 2.0,
            entries=options["entries"] or (20_000 if quick else LARGE),
            parts=frozenset(options["only"].split(",")),
            cold=options["cold"],
            commits=(20_000, 2_000) if quick else (1_000_000, 100_000),
            rows=first,
            pulls=1000 if quick else 10_000,
            say=self._say,
        ).run()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
