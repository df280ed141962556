"""Somebody who is signed in: an approver with a second factor, as most readers of many changes are."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.access import sessions
from portal.access.models import RoleGrant, User
from portal.access.people import stream_of
from portal.access.roles import Role
from portal.ledger.actions import append

SHELL = "bench"


@transaction.atomic
def approver(*, email: str, name: str, at: datetime) -> User:
    """The person with this address, made if there is none: an approver with a second factor."""
    known = User.objects.filter(email=email).first()
    if known is not None:
        return known
    person = User.objects.create_user(email, name)
    grant = RoleGrant.objects.create(
        user=person, role=Role.APPROVER, at_shell=SHELL, valid_from=at, reason="reads in the benchmark"
    )
    append(stream=stream_of(person), kind="role.granted", actor=f"shell:{SHELL}", fact={"role": grant.role}, rows=[grant])
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "none"})
    return person


def signed_in(person: User, *, at: datetime) -> str:
    """The value of a ``Cookie`` header for a new session of this person."""
    store = SessionStore()
    store.update(session_of(person, at=at))
    store.create()
    return f"{settings.SESSION_COOKIE_NAME}={store.session_key}"


def session_of(person: User, *, at: datetime) -> dict[str, object]:
    """What a session of this person holds."""
    return {
        SESSION_KEY: str(person.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: person.get_session_auth_hash(),
        sessions.BEGAN: at.timestamp(),
        sessions.SEEN: at.timestamp(),
    }


def queries_of(path: str, cookie: str) -> int:
    """How many statements the product sends to the database for one page, the session and the person included."""
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie.partition("=")[2]
    client.get(path)
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answers {answer.status_code}")
    return len(seen)
