"""What happens at the entrance is in the log: who came in and by what, who was refused, who left. Never what was typed.

An address that nobody has is not written down: people type passwords into the wrong field.
"""

from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.signals import authentication_step_completed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from portal.access.models import User

log = structlog.get_logger("portal.entrance")


def came_in(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """Django's signal: somebody signed in."""
    log.info("entrance.came_in", user=user.pk, sender=_sender(request))


def proved(sender: object, request: HttpRequest, user: User, method: str, **extra: Any) -> None:
    """allauth's signal: somebody proved who they are, to sign in or anew, by a password, a factor or a provider."""
    again = bool(extra.get("reauthenticated"))
    log.info("entrance.proved", user=user.pk, by=method, again=again, sender=_sender(request))


def refused(sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Django's signal: what somebody typed opens nothing. ``user`` is whose account it was tried on; None for nobody's."""
    address = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    user = User.objects.filter(email=address).values_list("pk", flat=True).first() if "\0" not in address else None
    log.warning("entrance.refused", user=user, sender=_sender(request))


def left(sender: object, request: HttpRequest, user: User | None, **_: Any) -> None:
    """Django's signal: somebody signed out, or was signed out."""
    log.info("entrance.left", user=user.pk if user else None, sender=_sender(request))


def _sender(request: HttpRequest | None) -> str:
    """The sender's address, as the limits of sign-in count it; empty where none can be told."""
    try:
        return str(get_adapter().get_client_ip(request)) if request else ""
    except (PermissionDenied, KeyError):
        return ""


def listen() -> None:
    """Connect them; done at the start."""
    authentication_step_completed.connect(proved, dispatch_uid="portal.entrance.proved")
    user_logged_in.connect(came_in, dispatch_uid="portal.entrance.in")
    user_login_failed.connect(refused, dispatch_uid="portal.entrance.refused")
    user_logged_out.connect(left, dispatch_uid="portal.entrance.out")
