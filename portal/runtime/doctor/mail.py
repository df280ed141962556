"""Checks of the mail server: does it answer, encrypted as it should be, does it take our name. No word of it is repeated."""

import smtplib
import ssl
from collections.abc import Iterator
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from portal.mail_server import NOBODY, SENDER, VARIABLE
from portal.runtime.doctor.finding import Finding, bad, good, note

PATIENCE = 4
"""Seconds for connecting and for each answer: a person waits for it."""
SUBJECT = "Countersign: a test"
TEXT = "Somebody asked the portal at {url} for a test of its mail (manage.py doctor --mail). It works; nothing else is to be done."


def mail() -> Iterator[Finding]:
    """Connect and sign in, as a mail would, and send nothing."""
    if not _sends():
        if not settings.DEMO:
            yield note("mail is printed, not sent", mend=f"Set {VARIABLE} and {SENDER}; docs/operations.md.")
        return
    if settings.DEFAULT_FROM_EMAIL == NOBODY:
        yield note("mail says that it comes from this machine, and will be refused", mend=f"Set {SENDER} to an address of yours.")
    trouble = _trouble()
    yield trouble if trouble else good(f"the mail server {_name()} answers{', encrypted' if _encrypted() else ', in the clear'}")


def send_test(*, to: str) -> Finding:
    """Send one mail, at once and past the outbox."""
    if "@" not in parseaddr(to)[1]:
        return bad(f"{to} is no address", mend="Write --mail somebody@example.com.")
    if not _sends():
        return bad("mail is printed, not sent", mend=f"Set {VARIABLE} and {SENDER}; docs/operations.md.")
    try:
        with get_connection(timeout=PATIENCE) as line:
            EmailMessage(SUBJECT, TEXT.format(url=settings.BASE_URL), to=[to], connection=line).send()
    except (smtplib.SMTPException, OSError) as problem:
        return _said(problem)
    return good(f"the mail server took a mail for {to}: look whether it arrives, and is no spam")


def _trouble() -> Finding | None:
    line = get_connection(timeout=PATIENCE)
    try:
        line.open()
    except (smtplib.SMTPException, OSError) as problem:
        return _said(problem)
    finally:
        line.close()
    return None


def _said(problem: Exception) -> Finding:
    """What went wrong, by its kind and number alone: a server may repeat in its words what it was told."""
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return bad(
            f"the mail server {_name()} refuses our name or password ({problem.smtp_code})", mend=f"Correct them in {VARIABLE}."
        )
    if isinstance(problem, ssl.SSLError):
        return bad(
            f"the mail server {_name()} cannot be trusted: {problem.reason or type(problem).__name__}",
            mend="Its certificate has to be good for its name. SSL_CERT_FILE names other authorities; smtps:// is for port 465.",
        )
    if isinstance(problem, smtplib.SMTPNotSupportedError):
        return bad(f"the mail server {_name()} does not offer what {VARIABLE} asks for", mend="Another port, or smtps://.")
    code = getattr(problem, "smtp_code", None) or type(problem).__name__
    return bad(f"the mail server {_name()} does not take it ({code})", mend="Start it, or correct it. Mail waits in the outbox.")


def _sends() -> bool:
    return not settings.EMAIL_BACKEND.endswith("console.EmailBackend")


def _name() -> str:
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"


def _encrypted() -> bool:
    return bool(settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL)
