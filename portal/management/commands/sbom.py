"""`manage.py sbom`: the software bill of materials of what is installed here, CycloneDX 1.6 in JSON."""

import json
import tomllib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.runtime import bill


class Command(BaseCommand):
    help = "Prints what the portal is made of (CycloneDX 1.6, JSON), from what is installed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, help="write it to this file instead")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lines = (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
            found = [*bill.parts(requirements=lines), *bill.IN_OUR_TREE]
        except (OSError, bill.NotInstalled) as problem:
            raise CommandError(str(problem)) from problem
        text = json.dumps(bill.bill(parts=found, version=self._version(), at=timezone.now()), indent=1)
        if options["output"]:
            options["output"].write_text(text + "\n")
            self.stderr.write(f"{len(found)} parts in {options['output']}")
        else:
            self.stdout.write(text)

    def _version(self) -> str:
        """The portal's own; the image carries no pyproject.toml, and says which release it is by the environment."""
        project = settings.BASE_DIR / "pyproject.toml"
        return str(tomllib.loads(project.read_text())["project"]["version"]) if project.exists() else "unknown"
