"""Begin to connect a vendor, give its credential, test it, leave it. Each beginning and leaving has its entry in the ledger."""

import secrets
from datetime import datetime

from django.db import IntegrityError, transaction

from changes.connectors.checked import Checked
from changes.connectors.checks import check
from changes.connectors.connecting.guides import GUIDES
from changes.connectors.connecting.models import Connecting
from changes.connectors.models import Source
from portal import vault
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append

OFFERED = 500
"""Repositories, apps or domains that the page offers."""


def begin(*, kind: str, api_url: str, by: User, at: datetime) -> Connecting:
    """Begin, or go on with what somebody has begun for this vendor."""
    standing = Connecting.objects.filter(kind=kind, ended_at=None).first()
    if standing is not None:
        return standing
    try:
        with transaction.atomic():
            made = Connecting.objects.create(kind=kind, api_url=api_url, begun_by=by, begun_at=at)
            note(made, "connect_begun", by=by, at=at)
    except IntegrityError:
        return Connecting.objects.get(kind=kind, ended_at=None)
    return made


def give(
    *, draft: Connecting, api_url: str, token: str, secret: str, app_id: str, installation_id: str, settings: dict[str, str]
) -> str:
    """Keep a credential, sealed; an empty ``token`` leaves the one that is there. It has to be tested again.

    Returns the webhook's secret if it was made here and now: it is shown once.
    """
    made = ""
    if GUIDES[draft.kind].signed == "ours" and not draft.secret_encrypted:
        made = secret = secrets.token_hex(32)
    draft.api_url, draft.app_id, draft.installation_id = api_url, app_id, installation_id
    draft.settings = settings
    if token:
        draft.token_encrypted = vault.seal(token)
    if secret:
        draft.secret_encrypted = vault.seal(secret)
    draft.works, draft.words, draft.checked_at = False, "", None
    draft.save()
    return made


def new_secret(*, draft: Connecting) -> str:
    """Another secret for the webhook, shown once; the one before is forgotten."""
    made = secrets.token_hex(32)
    draft.secret_encrypted = vault.seal(made)
    draft.save(update_fields=["secret_encrypted"])
    return made


def try_out(*, draft: Connecting, at: datetime) -> Checked:
    """Ask the vendor now with what was given."""
    found = check(source=as_source(draft), at=at)
    draft.works, draft.words, draft.checked_at = found.works, found.sentence(at=at), at
    draft.offers = list(found.offers[:OFFERED])
    if found.installation_id:
        draft.installation_id = found.installation_id
    draft.save(update_fields=["works", "words", "checked_at", "offers", "installation_id"])
    return found


def as_source(draft: Connecting) -> Source:
    """A source that is not saved, for a test."""
    return Source(
        name=draft.kind,
        kind=draft.kind,
        api_url=draft.api_url,
        token_encrypted=bytes(draft.token_encrypted),
        app_id=draft.app_id,
        installation_id=draft.installation_id,
        settings=dict(draft.settings),
    )


@transaction.atomic
def leave(*, draft: Connecting, by: User, at: datetime) -> None:
    """Stop connecting: what was given is wiped."""
    end(draft=draft, at=at)
    note(draft, "connect_left", by=by, at=at)


def end(*, draft: Connecting, at: datetime) -> None:
    """Nothing is asked of it any more, and its secrets are gone."""
    draft.ended_at, draft.token_encrypted, draft.secret_encrypted, draft.state_digest = at, b"", b"", ""
    draft.save()


def note(draft: Connecting, what: str, *, by: User, at: datetime) -> None:
    """One entry in the ledger about connecting this vendor."""
    append(
        stream=f"connecting:{draft.pk}",
        kind=f"source.{what}",
        actor=actor_of(by),
        fact={"vendor": draft.kind, "by": by.name, "at": at.isoformat()},
        rows=[],
    )
