"""What the commands about people share: who types, whom they mean, and refusals in words."""

import getpass
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from portal.access.models import User
from portal.access.roles import Role
from portal.policy.refusal import Refused, Stale

ROLES = [role.value for role in Role]


def os_user() -> str:
    """The operating system's account of whoever types; recorded as the actor."""
    return getpass.getuser()


def find(email: str) -> User:
    """The person with this address. Raises ``CommandError`` with the next step."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise CommandError(f"Nobody has the address {email}. Invite them: manage.py invite {email} 'Their Name'")
    return user


def add_by(parser: ArgumentParser) -> None:
    """The option that names who answers for what is done here."""
    parser.add_argument("--by", metavar="EMAIL", help="who answers for it; needed once somebody holds the role")


@contextmanager
def in_words() -> Iterator[None]:
    """Turn a refusal into the command's error."""
    try:
        yield
    except Refused as refusal:
        raise CommandError(refusal.words) from refusal
    except Stale as stale:
        raise CommandError(str(stale)) from stale
