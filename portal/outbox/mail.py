"""E-mail as an effect. The key becomes the Message-ID, so that a mail system can drop a second copy.

SMTP cannot be asked whether a message is there already, so a worker that dies between the server's answer and the commit
sends it twice with the same Message-ID: the one effect where looking first is not possible.
"""

import hashlib
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives, get_connection

from portal.outbox.actions import enqueue
from portal.outbox.errors import Passing, Permanent
from portal.outbox.registry import deliverer

KIND = "mail"


def send_mail(
    *, key: str, to: Sequence[str], subject: str, text: str, at: datetime, html: str = "", calendar: Mapping[str, str] | None = None
) -> None:
    """Ask once, in the caller's transaction, for a mail to ``to``. ``html`` is an optional second form of ``text``.

    ``calendar`` goes along as an invitation: its ``text`` (iCalendar) and its ``method`` (RFC 5546: REQUEST or CANCEL).
    """
    payload: dict[str, Any] = {"to": list(to), "subject": subject, "text": text, "html": html}
    if calendar is not None:
        payload["calendar"] = dict(calendar)
    enqueue(kind=KIND, key=key, payload=payload, at=at)


@deliverer(KIND)
def deliver_mail(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Hand one mail to the mail server; returns its Message-ID."""
    message_id = message_id_of(key=payload["key"])
    message = EmailMultiAlternatives(
        subject=payload["subject"], body=payload["text"], to=payload["to"], headers={"Message-ID": message_id}
    )
    if payload.get("html"):
        message.attach_alternative(payload["html"], "text/html")
    if payload.get("calendar"):
        _invite(message, **payload["calendar"])
    try:
        # Closed whatever happens: left to itself the backend forgets a line on which its name was refused.
        with get_connection() as message.connection:
            message.send()
    except (smtplib.SMTPRecipientsRefused, BadHeaderError) as problem:
        raise Permanent(f"the mail was refused: {problem}") from problem
    except (smtplib.SMTPException, OSError) as problem:
        raise Passing(reason=f"the mail server did not take it: {problem}") from problem
    return {"message_id": message_id}


def _invite(message: EmailMultiAlternatives, *, text: str, method: str) -> None:
    """As the third form of the mail (RFC 6047 §2.4), which programs answer to, and as a file for those that know only files."""
    message.attach_alternative(text, f"text/calendar; method={method}")
    message.attach("meeting.ics", text.encode(), "application/ics")


def message_id_of(*, key: str) -> str:
    """The Message-ID (RFC 5322 §3.6.4) of the effect ``key``: always the same for the same key."""
    host = urlsplit(settings.BASE_URL).hostname or "countersign"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{host}>"
