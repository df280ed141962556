"""`manage.py backup FOLDER`: a copy of the database with its description (docs/operations.md)."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from portal.runtime import backup


class Command(BaseCommand):
    help = "Copies the database into a folder, with digest, counts and the ledger's head beside it. Keys and anchors are not in it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--keep", type=int, default=0, help="delete all but so many copies; 0 keeps every one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = backup.make(url=backup.address(env=os.environ), folder=options["folder"], at=now())
        except backup.BackupTrouble as problem:
            raise CommandError(str(problem)) from problem
        gone = backup.thin_out(folder=options["folder"], keep=options["keep"]) if options["keep"] else []
        self.stdout.write(f"{made} ({made.stat().st_size:,} bytes); {len(gone)} older ones deleted.")
