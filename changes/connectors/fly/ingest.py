"""What ``flyctl … --json`` printed, taken into the inventory: the same assets as the API gives (P-23).

flyctl runs where people work, with their own rights; Countersign gets its output, and asks Fly nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from changes.connectors.fields import Fields, read_json
from changes.connectors.fly import assets, payloads, recording
from changes.connectors.fly.inventory import clear_after, environment_in
from changes.connectors.fly.payloads import Incomplete, Unreadable
from changes.connectors.fly.sync import apps_of
from changes.connectors.models import Source
from changes.inventory.actions import observe
from changes.inventory.facts import Seen


class NotPrinted(ValueError):
    """The text is not what this command of flyctl prints, or something is missing. Said in words that a person can act on."""


@dataclass(frozen=True)
class Printed:
    """One output of flyctl: of which command, from which app, volume or cluster, and when it came."""

    source: Source
    body: Any
    of: str
    at: datetime


def ingest(*, source: Source, command: str, text: bytes, of: str = "", at: datetime) -> str:
    """Take the output of one command. ``of``: the app, volume or cluster that it was asked about, where it does not say so itself.

    Returns what came of it in one sentence. Raises ``NotPrinted``.
    """
    taker = TAKERS.get(command)
    if taker is None:
        raise NotPrinted(f"{command} is not taken. There are: {', '.join(TAKERS)}.")
    if command in NEEDED and not of:
        raise NotPrinted(f"Say with --of which {NEEDED[command]} it is about: its output does not.")
    try:
        return taker(Printed(source, read_json(body=text), of, at))
    except (Unreadable, Incomplete) as wrong:
        raise NotPrinted(f"This is not what flyctl prints for {command} with --json: {wrong}") from None


def _take(printed: Printed, kind: str, seen: Sequence[Seen], within: str | None = None) -> str:
    found = observe(source=printed.source.name, kinds={kind}, within=within, seen=seen, at=printed.at)
    clear_after(source=printed.source, found=found, at=printed.at)
    return f"{len(seen)} read, {len(found)} of them new, changed, gone or back."


def _apps(printed: Printed) -> str:
    return _take(printed, assets.APP, assets.apps(printed.body, environment=environment_in(printed.source)))


def _organisations(printed: Printed) -> str:
    return _take(printed, assets.ORGANISATION, assets.organisations(printed.body))


def _members(printed: Printed) -> str:
    slug, seen = assets.members(printed.body)
    return _take(printed, assets.MEMBER, seen, slug)


def _machines(printed: Printed) -> str:
    seen = assets.machines(printed.body, app=printed.of, environment=environment_in(printed.source))
    return _take(printed, assets.MACHINE, seen, printed.of)


def _status(printed: Printed) -> str:
    whole = Fields.of(value=printed.body, path="status")
    app = whole.needed_text("Name")
    seen = assets.machines(whole.values.get("Machines"), app=app, environment=environment_in(printed.source))
    return _take(printed, assets.MACHINE, seen, app)


def _volumes(printed: Printed) -> str:
    seen = assets.volumes(printed.body, app=printed.of, environment=environment_in(printed.source))
    return _take(printed, assets.VOLUME, seen, printed.of)


def _snapshots(printed: Printed) -> str:
    return _take(printed, assets.SNAPSHOT, assets.snapshots(printed.body, volume=printed.of), printed.of)


def _secrets(printed: Printed) -> str:
    seen = assets.secrets(printed.body, app=printed.of, environment=environment_in(printed.source))
    return _take(printed, assets.SECRET, seen, printed.of)


def _backups(printed: Printed) -> str:
    return _take(printed, assets.BACKUP, assets.backups(printed.body, cluster=printed.of), printed.of)


def _releases(printed: Printed) -> str:
    """Releases are no assets: they are recorded as if the API had said them."""
    app = next((one for one in apps_of(printed.source) if one.name == printed.of), None)
    if app is None:
        raise NotPrinted(f"{printed.of} is not among the apps in scope.")
    reported = payloads.releases_of_flyctl(printed.body)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"fly:{app.name}"])
        moved = recording.record(
            app=app.name,
            environment=app.environment,
            repository=app.repository,
            reported=reported,
            machines=[],
            at=printed.at,
        )
    return f"{len(reported)} read, {len(moved)} of them new or changed."


TAKERS: dict[str, Callable[[Printed], str]] = {
    "apps-list": _apps,
    "orgs-list": _organisations,
    "orgs-show": _members,
    "machine-list": _machines,
    "status": _status,
    "volumes-list": _volumes,
    "volumes-snapshots-list": _snapshots,
    "secrets-list": _secrets,
    "mpg-backup-list": _backups,
    "releases": _releases,
}
"""By the command of flyctl, with a hyphen for each space."""
NEEDED = {
    "machine-list": "app",
    "volumes-list": "app",
    "volumes-snapshots-list": "volume",
    "secrets-list": "app",
    "mpg-backup-list": "cluster",
    "releases": "app",
}
