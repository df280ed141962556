"""Tokens for the API from the command line: make, list, revoke."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.access import shell
from portal.access.models import ApiToken
from portal.access.people import shell_actor
from portal.access.permissions import FOR_TOKENS, P
from portal.access.queries import tokens_of
from portal.access.tokens import make_token, revoke_token

SCOPES = sorted(permission.value for permission in FOR_TOKENS)


class Command(BaseCommand):
    help = "Tokens for the API: manage.py token make ann@northwind.example --name ci --scope change.see"

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        make = verbs.add_parser("make", help="make a token and print it once")
        make.add_argument("email")
        make.add_argument("--name", required=True, help="what it is for")
        make.add_argument("--scope", action="append", required=True, choices=SCOPES, metavar="SCOPE", help=", ".join(SCOPES))
        make.add_argument("--days", type=int, default=90, help="how long it is valid, at most 365")
        listing = verbs.add_parser("list", help="list somebody's tokens")
        listing.add_argument("email")
        revoke = verbs.add_parser("revoke", help="end a token")
        revoke.add_argument("prefix", help="its first characters, as the list shows them")

    def handle(self, *args: Any, **options: Any) -> None:
        with shell.in_words():
            {"make": self._make, "list": self._list, "revoke": self._revoke}[options["verb"]](options)

    def _make(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        _, text = make_token(
            user=shell.find(options["email"]),
            name=options["name"],
            scopes=[P(code) for code in options["scope"]],
            expires_at=now + timedelta(days=options["days"]),
            by=shell_actor(shell.os_user()),
            at=now,
        )
        self.stdout.write(text)

    def _list(self, options: dict[str, Any]) -> None:
        for token in tokens_of(shell.find(options["email"])):
            end = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else f"until {token.expires_at:%Y-%m-%d}"
            self.stdout.write(f"{token.prefix}  {token.name}  {end}  {' '.join(token.scopes)}")

    def _revoke(self, options: dict[str, Any]) -> None:
        token = ApiToken.objects.select_related("user").filter(prefix=options["prefix"]).first()
        if token is None:
            raise CommandError("No token begins so. `manage.py token list` shows how they begin.")
        revoke_token(token=token, by=shell_actor(shell.os_user()), at=timezone.now())
        self.stdout.write(f"{token.name} of {token.user.name} is revoked.")
