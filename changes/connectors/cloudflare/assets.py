"""What a Cloudflare account has: zones with records, Access with policies, groups and tokens, roles and members (P-19, P-23)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from changes.connectors.cloudflare import payloads
from changes.connectors.cloudflare.run import ACCOUNT, APPS, EVERY, Run
from changes.connectors.errors import NotJson
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.keeping import keep
from changes.connectors.turns import in_turn
from changes.entitlements.actions import take
from changes.inventory.facts import Seen


def read_assets(run: Run, whole: bool) -> None:
    """All lists; then those inside each zone and application in turn, at once when the log has something new."""
    every = EVERY if whole else timedelta(0)
    zones: list[Seen] = []
    applications: list[Seen] = []
    told_zones = run.part("Zone Read", lambda: zones.extend(_zones(run)))
    told_apps = run.part(APPS, lambda: applications.extend(_applications(run)))
    for permission, act in OTHERS:
        run.part(permission, partial(act, run))
    finished = [
        not told or _each(run, inside, {row.external_id for row in rows}, every)
        for told, inside, rows in ((told_zones, ZONE, zones), (told_apps, APPLICATION, applications))
    ]
    keep(source=run.source, missing=sorted(run.missing), **({"assets_at": run.at.isoformat()} if all(finished) else {}))


def _zones(run: Run) -> list[Seen]:
    return run.observe("cloudflare.zone", (payloads.zone(row, run.environments) for row in run.cloudflare.zones()))


def _applications(run: Run) -> list[Seen]:
    rows = (payloads.application(row, run.environments) for row in run.cloudflare.applications())
    return run.observe("cloudflare.access_app", rows)


def _reusable(run: Run) -> None:
    run.observe("cloudflare.reusable_policy", (payloads.policy(row, kind="reusable_policy") for row in run.cloudflare.policies()))


def _groups(run: Run) -> None:
    run.observe("cloudflare.access_group", map(payloads.group, run.cloudflare.groups()))


def _service_tokens(run: Run) -> None:
    run.observe("cloudflare.service_token", map(payloads.service_token, run.cloudflare.service_tokens()))


def _members(run: Run) -> None:
    """Roles, and who holds which."""
    account = run.cloudflare.account
    run.observe("cloudflare.role", map(payloads.role, run.cloudflare.roles()))
    try:
        held = [right for row in run.cloudflare.members() for right in payloads.member(row, account)]
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"Cloudflare: the list of members cannot be used: {wrong}") from None
    take(source=run.source.name, things={f"cloudflare.account:{account}"}, held=held, at=run.at)


def _records(run: Run, zone: str) -> None:
    rows = (payloads.record(row, zone, run.environments) for row in run.cloudflare.records(zone=zone))
    run.observe("cloudflare.dns_record", rows, within=zone)


def _policies(run: Run, application: str) -> None:
    rows = (payloads.policy(row, application) for row in run.cloudflare.policies(application=application))
    run.observe("cloudflare.access_policy", rows, within=application)


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
        run.observe(inside.kind, [], within=vendor_id)
        del run.read[f"{inside.what}:{vendor_id}"]
    names = {f"{inside.what}:{vendor_id}" for vendor_id in present}
    for name in in_turn(names=names, read=run.read, at=run.at, every=every):
        if not run.cloudflare.allowance.goes_on():
            return False
        if run.part(inside.permission, partial(inside.read, run, name.partition(":")[2])):
            run.read[name] = run.at.isoformat()
    return True
