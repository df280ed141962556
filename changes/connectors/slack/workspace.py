"""Which workspace a source is, and who is who in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from changes.connectors.errors import NotFound
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.connectors.slack.client import Account, Slack, Workspace
from changes.connectors.slack.payloads import Asked
from portal.access.accounts.seeing import note_met
from portal.access.models import Identity, User

PROVIDER = "slack"
IDENTITY, EMAIL = "identity", "email"


@dataclass(frozen=True)
class Known:
    """A person, and how they were recognised; without a person, ``why`` says what is the matter and what to do."""

    person: User | None
    by: str = ""
    why: str = ""


def workspace(*, source: Source, client: Slack) -> dict[str, Any]:
    """The source's settings with ``team``, ``user`` and ``bot``; asked once, and again by every poll."""
    if "team" not in source.settings:
        remember(source=source, found=client.whoami())
    return dict(source.settings)


def remember(*, source: Source, found: Workspace) -> None:
    """Keep who we are at Slack in the source's settings."""
    kept = {"team": found.team, "team_name": found.team_name, "url": found.url, "user": found.user, "bot": found.bot}
    keep(source=source, **kept)


def person_of(*, asked: Asked, team: str, client: Slack, at: datetime) -> Known:
    """Who did this: by the linked Slack account, else by the confirmed e-mail address of the account at Slack.

    An account that is linked to nobody is noted, so that somebody explains it. Raises ``Passing`` when Slack cannot say now,
    ``Permanent`` when it never will.
    """
    linked = Identity.objects.select_related("user").filter(provider=PROVIDER, uid=f"{team}:{asked.user}", ended_at=None).first()
    if linked is not None:
        return _there(linked.user, IDENTITY)
    account = client.account(user=asked.user)
    note_met(
        provider=PROVIDER,
        uid=f"{account.team or team}:{asked.user}",
        login=account.login,
        name=account.name,
        email=account.email,
        is_bot=account.is_bot,
        at=at,
    )
    if account.team != team:
        return Known(
            None, why="Your Slack account belongs to another workspace. Ask somebody here to do it, or do it in the portal."
        )
    found = User.objects.filter(email__iexact=account.email).first() if account.email else None
    if found is None or not account.is_person:
        return Known(None, why=_stranger())
    return _there(found, EMAIL)


def _there(person: User, by: str) -> Known:
    if not person.is_active or person.left_at is not None:
        return Known(None, why="Your account in the portal has been closed. Ask an administrator.")
    return Known(person, by)


def _stranger() -> str:
    return (
        "Countersign does not know who you are: your Slack account is linked to nobody, and nobody in the portal has its confirmed "
        f"e-mail address. Sign in at {settings.BASE_URL} and link your Slack account, or ask an administrator for an invitation."
    )


def account_of(*, person: User, team: str, client: Slack) -> Account | str:
    """The Slack account of a person, or why there is none: their linked account, else the one with their e-mail address."""
    linked = (
        Identity.objects.filter(provider=PROVIDER, uid__startswith=f"{team}:", user=person, ended_at=None).order_by("id").first()
    )
    if linked is not None:
        return Account(id=linked.uid.partition(":")[2], team=team, email="", is_person=True)
    try:
        found = client.account_with(email=person.email)
    except NotFound:
        return f"Slack knows nobody with the e-mail address of {person.name}. They can link their Slack account in the portal."
    return found if found.is_person else f"The Slack account with the e-mail address of {person.name} is deactivated or a bot."
