"""Invite somebody from the command line, and print the address that they open."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils import timezone

from portal.access import shell
from portal.access.invitations import address_of, invite_at_shell
from portal.access.roles import Role


class Command(BaseCommand):
    help = "Invite somebody: manage.py invite ann@northwind.example 'Ann Ash' engineer"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name")
        parser.add_argument("role", nargs="*", choices=[[], *shell.ROLES], metavar="role", help=", ".join(shell.ROLES))
        shell.add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
        except ValidationError as problem:
            raise CommandError(f"{options['email']} is not an e-mail address.") from problem
        with shell.in_words():
            invitation, token = invite_at_shell(
                email=options["email"],
                name=options["name"],
                roles=[Role(code) for code in options["role"]],
                os_user=shell.os_user(),
                by=shell.find(options["by"]) if options["by"] else None,
                at=timezone.now(),
            )
        self.stdout.write(f"Invited {invitation.name} <{invitation.email}>. The letter is on its way; the same address is here:")
        self.stdout.write(address_of(token))
        self.stdout.write(f"It works once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC.")
