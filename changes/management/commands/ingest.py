"""`flyctl apps list --json | manage.py ingest fly apps-list`: the inventory from what the command line prints."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from changes.connectors.fly.ingest import NEEDED, TAKERS, NotPrinted, ingest
from changes.connectors.models import Source

LARGEST = 50 * 1024 * 1024
"""Bytes of one output."""


class Command(BaseCommand):
    help = "Take what flyctl … --json printed, from standard input, into the inventory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("vendor", choices=["fly"])
        parser.add_argument("printed_by", choices=list(TAKERS), metavar="command", help=", ".join(TAKERS))
        parser.add_argument("--of", default="", help=f"the app, volume or cluster, for {', '.join(NEEDED)}")
        parser.add_argument("--source", default="fly", help="name of the connected source (default fly)")

    def handle(self, *args: Any, **options: Any) -> None:
        source = Source.objects.filter(name=options["source"], kind=options["vendor"]).first()
        if source is None:
            raise CommandError(f"There is no source {options['source']!r}. Connect Fly first: manage.py connect fly --help.")
        text = sys.stdin.buffer.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise CommandError("The input is larger than 50 MB.")
        try:
            said = ingest(source=source, command=options["printed_by"], text=text, of=options["of"], at=now())
        except NotPrinted as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(said)
