"""`manage.py keys` counts what is sealed under which key; `manage.py keys rotate` seals it all under the newest one."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.timezone import now

from portal import keyring, vault


class Command(BaseCommand):
    help = "Count what is encrypted under which key, or encrypt it anew under the newest one (COUNTERSIGN_ENCRYPTION_KEYS)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", nargs="?", choices=["count", "rotate"], default="count")

    def handle(self, *args: Any, **options: Any) -> None:
        rotates = options["what"] == "rotate"
        found = keyring.rotate(actor=f"shell:{getpass.getuser()}", at=now()) if rotates else keyring.counts()
        self.stdout.write(f"newest key {vault.fingerprint()}")
        for one in found:
            verb = "sealed anew" if rotates else "under an older key"
            self.stdout.write(f"{one.name}: {one.newest} under the newest, {one.older} {verb}, {one.unreadable} unreadable")
        unreadable = sum(one.unreadable for one in found)
        if unreadable:
            self.stdout.write(f"{unreadable} cannot be opened with any key given: give those credentials again.")
        elif rotates or not any(one.older for one in found):
            self.stdout.write("Older keys can be taken out of COUNTERSIGN_ENCRYPTION_KEYS.")
