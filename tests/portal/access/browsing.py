"""Signing in without the form, for tests that are about something else."""

import time

from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY, AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from portal.access.models import User


def sign_in(client: Client, user: User, *, minutes_ago: float = 60) -> Client:
    """Sign a person in who proved who they are that long ago."""
    client.force_login(user)
    prove(client, user, minutes_ago=minutes_ago)
    return client


def prove(client: Client, user: User, *, minutes_ago: float = 0) -> None:
    """Let the person of this session have proved who they are."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time() - minutes_ago * 60}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session.save()
