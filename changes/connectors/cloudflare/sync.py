"""One run over one Cloudflare account: the audit log, then its assets and its members where they are due (P-19, P-23, P-24).

The audit log is read oldest first, and after every page the place is kept, so that nothing is left out however a run ends; an
hour is read again each time, and what is known already is recognised by its id. Each list is taken only as a whole. What the
token may not read is remembered by the name of the permission, and everything else is read all the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from changes.connectors.cloudflare import payloads
from changes.connectors.cloudflare.audit import event_v1, event_v2
from changes.connectors.cloudflare.client import Cloudflare
from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson, Permanent, Unauthorised
from changes.connectors.github.fields import Fields, Incomplete, Unreadable
from changes.connectors.keeping import keep, note_rate
from changes.connectors.models import Source
from changes.connectors.turns import in_turn
from changes.entitlements.actions import take
from changes.inventory.actions import note_events, observe
from changes.inventory.facts import Seen, VendorEvent

ASSETS_EVERY = timedelta(minutes=10)
"""Assets are read so often, and at once when the audit log has something new."""
OVERLAP = timedelta(hours=1)
FIRST = timedelta(days=90)
AHEAD = timedelta(days=1)
"""The log is asked for up to tomorrow: clocks differ."""
ACCOUNT, APPS = "Account Settings Read", "Access: Apps and Policies Read"


@dataclass
class Run:
    """One run: who is asked, what it has found out so far. ``read`` says when each zone and application was read last."""

    source: Source
    at: datetime
    cloudflare: Cloudflare
    missing: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)

    @property
    def environments(self) -> Mapping[str, str]:
        """The environments by domain, as the administrator named them."""
        return dict(self.source.settings.get("environments", {}))

    def part(self, permission: str, act: Callable[[], None]) -> bool:
        """Do one part. What is forbidden or cannot be used is noted; anything else ends the run. True when it was done."""
        try:
            act()
        except Forbidden:
            self.missing.add(permission)
            return False
        except (NotFound, NotJson, Invalid) as problem:
            self.problems.append(problem.reason)
            return False
        return True


def sync(*, source: Source, at: datetime) -> int:
    """Read what is due as of ``at``; returns how many entries of the audit log are new.

    Raises ``Passing`` when Cloudflare cannot go on now, and ``Permanent`` naming what could not be read after all else was.
    """
    run = Run(source, at, Cloudflare(source=source), read=dict(source.settings.get("read", {})))
    new: list[int] = []
    try:
        whole = _is_due(source, at)
        if whole:
            _look_at_token(run)
        run.part(ACCOUNT, lambda: new.extend(_read_log(run)))
        if whole or new:
            _read_assets(run, whole)
    finally:
        keep(source=source, read=run.read)
        note_rate(source=source, allowance=run.cloudflare.allowance, at=at)
    if run.problems:
        raise Permanent("; ".join(run.problems))
    return len(new)


def _is_due(source: Source, at: datetime) -> bool:
    last = source.settings.get("assets_at", "")
    return not last or datetime.fromisoformat(last) <= at - ASSETS_EVERY


def _look_at_token(run: Run) -> None:
    """Whether the token is good, and until when."""
    state = run.cloudflare.token_state()
    if state.status != "active":
        raise Unauthorised(f"Cloudflare: the token is {state.status[:20]}; make another one and connect again")
    keep(source=run.source, token_expires=state.expires_at.isoformat() if state.expires_at else "")


def _read_log(run: Run) -> list[int]:
    """Version 2 of the audit log; where the account has none, version 1. Changing between them reads nothing twice."""
    settings = run.source.settings
    newest = settings.get("log_newest", "")
    since = datetime.fromisoformat(newest) if newest else run.at - FIRST
    span = {"since": since - (OVERLAP if newest else timedelta()), "before": run.at + AHEAD}
    try:
        return _note(run, run.cloudflare.audit_v2(**_from(span, settings, "v2", since)), event_v2, "v2")
    except (NotFound, Forbidden, Invalid):
        return _note(run, run.cloudflare.audit_v1(**_from(span, settings, "v1", since)), event_v1, "v1")


def _from(span: dict[str, datetime], settings: Mapping[str, Any], version: str, since: datetime) -> dict[str, datetime]:
    """The two versions know an entry by two ids: whoever changes between them begins behind the last entry."""
    if settings.get("log_version", version) == version:
        return span
    return {**span, "since": since + timedelta(seconds=1)}


def _note(
    run: Run,
    pages: Iterator[list[Fields]],
    read: Callable[[Fields, Mapping[str, str]], VendorEvent | None],
    version: str,
) -> list[int]:
    """Keep every page, then the place behind it. An entry that cannot be read is named, and the others are kept."""
    new: list[int] = []
    for page in pages:
        events = [event for event in (_readable(run, item, read) for item in page) if event is not None]
        new += note_events(source=run.source.name, events=events, at=run.at)
        moments = [event.at.isoformat() for event in events]
        newest = max([*moments, run.source.settings.get("log_newest", "")])
        keep(source=run.source, log_version=version, **({"log_newest": newest} if newest else {}))
    return new


def _readable(run: Run, item: Fields, read: Callable[[Fields, Mapping[str, str]], VendorEvent | None]) -> VendorEvent | None:
    try:
        return read(item, run.environments)
    except (Unreadable, Incomplete) as wrong:
        run.problems.append(f"Cloudflare: an entry of the audit log cannot be used: {wrong}")
        return None


def _read_assets(run: Run, whole: bool) -> None:
    """All lists; then those inside each zone and application in turn, at once when the log has something new."""
    at, environments, cloudflare = run.at, run.environments, run.cloudflare
    zones: list[Seen] = []
    applications: list[Seen] = []
    every = ASSETS_EVERY if whole else timedelta(0)
    told_zones = run.part(
        "Zone Read", lambda: zones.extend(_observed(run, (payloads.zone(row, environments) for row in cloudflare.zones()), "zone"))
    )
    told_apps = run.part(
        APPS,
        lambda: applications.extend(
            _observed(run, (payloads.application(row, environments) for row in cloudflare.applications()), "access_app")
        ),
    )
    for permission, act in OTHERS:
        run.part(permission, partial(act, run))
    finished = [
        not told or _each(run, inside, {row.external_id for row in rows}, every)
        for told, inside, rows in ((told_zones, ZONE, zones), (told_apps, APPLICATION, applications))
    ]
    keep(source=run.source, missing=sorted(run.missing), **({"assets_at": at.isoformat()} if all(finished) else {}))


def _observed(run: Run, found: Iterable[Seen], thing: str, *, within: str | None = None) -> list[Seen]:
    """A list that was read to its end, into the inventory. One that cannot be read whole is not taken."""
    try:
        seen = list(found)
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"Cloudflare: the list of {thing.replace('_', ' ')}s cannot be used: {wrong}") from None
    observe(source=run.source.name, kinds={f"cloudflare.{thing}"}, within=within, seen=seen, at=run.at)
    return seen


def _reusable(run: Run) -> None:
    _observed(run, (payloads.policy(row, kind="reusable_policy") for row in run.cloudflare.policies()), "reusable_policy")


def _groups(run: Run) -> None:
    _observed(run, map(payloads.group, run.cloudflare.groups()), "access_group")


def _service_tokens(run: Run) -> None:
    _observed(run, map(payloads.service_token, run.cloudflare.service_tokens()), "service_token")


def _members(run: Run) -> None:
    """Roles, and who holds which."""
    account = run.cloudflare.account
    _observed(run, map(payloads.role, run.cloudflare.roles()), "role")
    try:
        held = [right for row in run.cloudflare.members() for right in payloads.member(row, account)]
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"Cloudflare: the list of members cannot be used: {wrong}") from None
    take(source=run.source.name, things={f"cloudflare.account:{account}"}, held=held, at=run.at)


def _records(run: Run, zone: str) -> None:
    rows = (payloads.record(row, zone, run.environments) for row in run.cloudflare.records(zone=zone))
    _observed(run, rows, "dns_record", within=zone)


def _policies(run: Run, application: str) -> None:
    rows = (payloads.policy(row, application) for row in run.cloudflare.policies(application=application))
    _observed(run, rows, "access_policy", within=application)


@dataclass(frozen=True)
class Inside:
    """What is read inside each of something: of a zone its records, of an application its policies."""

    what: str
    kind: str
    permission: str
    read: Callable[[Run, str], None]


ZONE = Inside("zone", "cloudflare.dns_record", "DNS Read", _records)
APPLICATION = Inside("app", "cloudflare.access_policy", APPS, _policies)
OTHERS: tuple[tuple[str, Callable[[Run], None]], ...] = (
    (APPS, _reusable),
    ("Access: Organizations, Identity Providers, and Groups Read", _groups),
    ("Access: Service Tokens Read", _service_tokens),
    (ACCOUNT, _members),
)


def _each(run: Run, inside: Inside, present: set[str], every: timedelta) -> bool:
    """Read what stands inside each of these, in turn, as long as the run may ask; True when nothing is left over.

    What is inside one that is gone is gone too.
    """
    known = {name.partition(":")[2] for name in run.read if name.startswith(f"{inside.what}:")}
    for vendor_id in sorted(known - present):
        observe(source=run.source.name, kinds={inside.kind}, within=vendor_id, seen=[], at=run.at)
        del run.read[f"{inside.what}:{vendor_id}"]
    names = {f"{inside.what}:{vendor_id}" for vendor_id in present}
    for name in in_turn(names=names, read=run.read, at=run.at, every=every):
        if not run.cloudflare.allowance.goes_on():
            return False
        if run.part(inside.permission, partial(inside.read, run, name.partition(":")[2])):
            run.read[name] = run.at.isoformat()
    return True
