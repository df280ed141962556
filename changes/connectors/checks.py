"""Test a connection: ask the vendor now with the credential that is given or stored. Kinds of sources are listed by hand."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from changes.connectors.checked import Checked
from changes.connectors.cloudflare import checking as cloudflare
from changes.connectors.doppler import checking as doppler
from changes.connectors.errors import Passing, Permanent
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.fly import checking as fly
from changes.connectors.gitea import checking as gitea
from changes.connectors.github import checking as github
from changes.connectors.gitlab import checking as gitlab
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.connectors.slack import checking as slack
from portal.ledger.actions import append
from portal.ui.doorbell import ring

CHECKS: dict[str, Callable[..., Checked]] = {
    "github": github.check,
    "gitea": gitea.check,
    "gitlab": gitlab.check,
    "fly": fly.check,
    "slack": slack.check,
    "doppler": doppler.check,
    "cloudflare": cloudflare.check,
}


def check(*, source: Source, at: datetime) -> Checked:
    """What the vendor says of this credential now. The source need not be saved. Never raises: a refusal is a finding."""
    try:
        return CHECKS[source.kind](source=source, at=at)
    except (Passing, Permanent) as problem:
        return Checked(False, problem.reason)
    except (Unreadable, Incomplete) as problem:
        return Checked(False, f"The answer cannot be used: {problem}")


def try_source(*, source: Source, actor: str, at: datetime) -> Checked:
    """Test a connected source; what was found stands on it, and in the ledger who asked."""
    found = check(source=source, at=at)
    kept = {"works": found.works, "words": found.sentence(at=at), "at": at.isoformat()}
    with transaction.atomic():
        keep(source=source, checked=kept)
        if found.expires_at is not None:
            keep(source=source, token_expires=found.expires_at.isoformat())
        append(
            stream=f"source:{source.pk}",
            kind="source.tested",
            actor=actor,
            fact={"name": source.name, **kept, "missing": list(found.missing)},
            rows=[],
        )
        ring("integrations")
    return found
