"""Give somebody a role from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.access import shell
from portal.access.actions import grant_at_shell
from portal.access.roles import Role


class Command(BaseCommand):
    help = "Give a role: manage.py grant rex@northwind.example administrator"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("role", choices=shell.ROLES)
        parser.add_argument("--reason", default="Given at the command line")
        shell.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with shell.in_words():
            grant = grant_at_shell(
                user=shell.find(options["email"]),
                role=Role(options["role"]),
                os_user=shell.os_user(),
                by=shell.find(options["by"]) if options["by"] else None,
                reason=options["reason"],
                at=timezone.now(),
            )
        self.stdout.write(f"{grant.user.name} is {Role(grant.role).label} now. The ledger has it.")
