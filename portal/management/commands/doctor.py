"""`manage.py doctor`: says what is missing or unsafe and how to mend it. Exit code 1 when something is bad."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portal.runtime import keys
from portal.runtime.doctor.finding import Level
from portal.runtime.doctor.mail import send_test
from portal.runtime.doctor.run import examine


class Command(BaseCommand):
    help = "Looks at database, broker, keys, programs and exposure; says what to mend. Exit code 1 when something is bad."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mail", metavar="ADDRESS", help="send one test mail there, say what came of it, and leave")
        parser.add_argument("--make-key", action="store_true", help="print a new key for COUNTERSIGN_ENCRYPTION_KEYS and leave")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make_key"]:
            self.stdout.write(keys.new_encryption_key())
            return
        findings = [send_test(to=options["mail"])] if options["mail"] else list(examine())
        for finding in findings:
            self.stdout.write(f"{finding.level.value:>4}  {finding.text}")
            if finding.mend:
                self.stdout.write(f"      → {finding.mend}")
        count = sum(finding.level is Level.BAD for finding in findings)
        self.stdout.write("Nothing bad was found." if not count else f"{count} to mend.")
        sys.exit(1 if count else 0)
