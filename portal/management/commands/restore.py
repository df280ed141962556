"""`manage.py restore COPY`: brings a copy into the empty database that DATABASE_URL names, and proves it."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from portal.ledger import guards, verification
from portal.ledger.places import places
from portal.management.commands.migrate import become_owner
from portal.runtime import backup


class Command(BaseCommand):
    help = "Restores a copy into the empty database of DATABASE_URL (as DATABASE_OWNER_URL), compares counts, verifies the ledger."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("copy", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        url = os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL", "")
        try:
            described = backup.restore(url=url, copy=options["copy"])
        except backup.BackupTrouble as problem:
            raise CommandError(str(problem)) from problem
        rows = sum(described.tables.values())
        self.stdout.write(f"Restored as of {described.made_at}: {len(described.tables)} tables, {rows:,} rows, all counts equal.")
        become_owner(alias="default")
        connection.close()
        # A restored database describes its definitions in other words: triggers and rights are made anew, as the code says.
        guards.install(connection)
        found = verification.verify(where=places(), full=True)
        for remark in found.remarks:
            self.stdout.write(f"REMARK  {remark}")
        for broken in found.problems:
            self.stdout.write(f"BROKEN  {broken.place}: {broken.sentence}")
        if not found.ok:
            raise CommandError(f"The restored ledger does not verify. First: {found.problems[0].place}.")
        self.stdout.write(f"The ledger verifies: {found.entries} entries, {found.checkpoints} checkpoints.")
