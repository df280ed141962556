"""People whom another system makes known: a file of people, or an identity provider. They hold no role and no password.

They sign in with the company's sign-in, choose a password with a letter ("Forgotten your password?"), or accept an invitation.
"""

from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError, transaction

from portal.access.models import User
from portal.access.people import stream_of
from portal.access.roster.describing import Description, checked, refused
from portal.ledger.actions import append

CHECK = EmailValidator()
LONGEST_MAIL = 254


def provision(*, email: str, said: Description, actor: str) -> User:
    """Make one person. Raises ``Refused`` when the address is none, or somebody's already, in whatever case."""
    user = unsaved(email=address(email), said=checked(said))
    try:
        with transaction.atomic():
            user.save()
            fact = {"person": user.pk, "name": user.name, "kind": user.kind}
            append(stream=stream_of(user), kind="person.provisioned", actor=actor, fact=fact)
    except IntegrityError as taken:
        raise refused(f"{user.email} is somebody's already.", "Two cases of one address are the same person.") from taken
    return user


def unsaved(*, email: str, said: Description) -> User:
    """The person, not written yet. ``email`` and ``said`` were checked."""
    return User(email=email, password=make_password(None), **vars(said))


def address(email: str) -> str:
    """The address as it is kept. Raises ``Refused`` when it is none."""
    plain = email.strip().lower()
    try:
        CHECK(plain)
    except ValidationError as wrong:
        raise refused(f"“{email[:80]}” is no e-mail address.") from wrong
    if len(plain) > LONGEST_MAIL:
        raise refused(f"An e-mail address has at most {LONGEST_MAIL} characters.")
    return plain


def known(emails: Iterable[str]) -> dict[str, User]:
    """The people with these addresses (in small letters), by address."""
    return {user.email.lower(): user for user in User.objects.filter(email__in=list(emails))}
