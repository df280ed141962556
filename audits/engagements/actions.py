"""Open, confirm and end an auditor's engagement; note what an auditor reads."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from audits.engagements.models import LONGEST, Engagement, ReadLog
from audits.engagements.queries import read_log_stream
from portal.access.may import may_at, roles_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.access.roles import Role
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

CONFIRM_WITHIN = timedelta(hours=72)


@transaction.atomic
def open_engagement(
    *,
    name: str,
    auditor: User,
    window_from: datetime,
    window_to: datetime,
    starts_at: datetime,
    ends_at: datetime,
    repositories: Iterable[str],
    by: User,
    at: datetime,
) -> Engagement:
    """Prepare an engagement. It opens nothing until another person confirms it within 72 hours. Raises ``Refused``."""
    _check_maker(by, auditor_id=auditor.pk, at=at)
    if roles_at(auditor, at=at) != {Role.AUDITOR}:
        raise _refused(f"{auditor.name} is no auditor.", "Give the role Auditor first; two people do.")
    if window_to <= window_from:
        raise _refused("The period ends before it begins.", "Choose a later end.")
    if not starts_at < ends_at <= starts_at + LONGEST:
        raise _refused("An engagement is open for at most 90 days.", "Choose an earlier end, and a new engagement afterwards.")
    new = Engagement(
        name=name.strip(),
        auditor=auditor,
        window_from=window_from,
        window_to=window_to,
        starts_at=starts_at,
        ends_at=ends_at,
        repositories=sorted(set(repositories)),
        created_by=by,
        created_at=at,
    )
    new.digest = digest_of(new)
    new.save()
    _tell("engagement.opened", new, by)
    return new


@transaction.atomic
def confirm_engagement(*, engagement: Engagement, digest: str, by: User, at: datetime) -> None:
    """Let the auditor in. ``by`` is another person, who repeats the digest of what they read."""
    waiting = _lock(engagement)
    _check_maker(by, auditor_id=waiting.auditor_id, at=at)
    if by.pk == waiting.created_by_id:
        raise _refused("You prepared this engagement yourself.", "Another person confirms it.")
    if waiting.confirmed_at is not None or waiting.ended_at is not None:
        raise Stale("Somebody decided on this engagement already.")
    if at >= waiting.created_at + CONFIRM_WITHIN:
        raise Stale("Nobody confirmed this engagement within 72 hours. Prepare a new one.")
    if waiting.digest != digest or digest_of(waiting) != digest:
        raise Stale("The engagement is not the one that you read.")
    _check_no_other(waiting)
    waiting.confirmed_by, waiting.confirmed_at = by, at
    waiting.save(update_fields=["confirmed_by", "confirmed_at"])
    _tell("engagement.confirmed", waiting, by)


@transaction.atomic
def end_engagement(*, engagement: Engagement, by: User, at: datetime) -> None:
    """Close it at once: the auditor's next request is refused."""
    running = _lock(engagement)
    _check_maker(by, auditor_id=running.auditor_id, at=at)
    if running.ended_at is not None:
        raise Stale("This engagement was ended already.")
    running.ended_by, running.ended_at = by, at
    running.save(update_fields=["ended_by", "ended_at"])
    _tell("engagement.ended", running, by)


@transaction.atomic(durable=True)
def note_reading(
    *,
    engagement: Engagement,
    path: str,
    objects_named: Iterable[str],
    session_digest: str,
    slowed: bool,
    at: datetime,
) -> None:
    """Write one row of the read log and commit it, before anything is answered.

    The first refusal of a burst also goes into the ledger, where the compliance manager sees it.
    """
    outcome = ReadLog.Outcome.SLOWED if slowed else ReadLog.Outcome.READ
    row = ReadLog(
        engagement=engagement,
        auditor_id=engagement.auditor_id,
        path=path[:2000],
        objects_named=list(objects_named),
        session_digest=session_digest,
        outcome=outcome,
        at=at,
    )
    burst = ReadLog.objects.filter(engagement=engagement, outcome=outcome, at__gt=at - timedelta(minutes=1))
    if slowed and not burst.exists():
        fact = {"engagement": engagement.pk, "auditor": engagement.auditor_id, "path": row.path}
        append(stream=_stream(engagement), kind="auditor.slowed", actor=PORTAL, fact=fact)
    row.save(force_insert=True)


@transaction.atomic
def seal_readings(*, day: date) -> str:
    """Write the digest of one UTC day's read log into the ledger; returns it. Call it when the day is over."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    rows = ReadLog.objects.filter(at__gte=start, at__lt=start + timedelta(days=1)).order_by("pk")
    digest, pages = hashlib.sha256(), 0
    for row in rows.iterator():
        said = [row.pk, row.engagement_id, row.auditor_id, row.path, row.objects_named, row.session_digest, row.outcome]
        digest.update(json.dumps([*said, row.at.isoformat()]).encode() + b"\n")
        pages += 1
    fact = {"day": day.isoformat(), "pages": pages, "sha256": digest.hexdigest()}
    append(stream=read_log_stream(day), kind="read_log.sealed", actor=PORTAL, fact=fact)
    return digest.hexdigest()


def digest_of(engagement: Engagement) -> str:
    """SHA-256 over everything that the second person reads, as 64 hex digits."""
    text = {
        "name": engagement.name,
        "auditor": engagement.auditor_id,
        "window": [engagement.window_from.isoformat(), engagement.window_to.isoformat()],
        "open": [engagement.starts_at.isoformat(), engagement.ends_at.isoformat()],
        "repositories": engagement.repositories,
        "created_by": engagement.created_by_id,
    }
    return hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest()


def _check_maker(by: User, *, auditor_id: int, at: datetime) -> None:
    if by.pk == auditor_id or not may_at(by, P.ENGAGEMENT_MAKE, at=at):
        raise _refused(f"{by.name} may not decide on engagements.")


def _check_no_other(engagement: Engagement) -> None:
    """One engagement at a time, so that there is one scope at a time. The auditor's row is locked while we look."""
    User.objects.select_for_update(no_key=True).get(pk=engagement.auditor_id)
    confirmed = Engagement.objects.filter(auditor_id=engagement.auditor_id, confirmed_at__isnull=False, ended_at=None)
    if confirmed.filter(starts_at__lt=engagement.ends_at, ends_at__gt=engagement.starts_at).exists():
        raise _refused("This auditor has another engagement at that time.", "End it, or choose other dates.")


def _lock(engagement: Engagement) -> Engagement:
    return Engagement.objects.select_for_update().get(pk=engagement.pk)


def _stream(engagement: Engagement) -> str:
    return f"engagement:{engagement.pk}"


def _refused(why: str, instead: str = "") -> Refused:
    return Refused(Clause.AUDITED, why, instead)


def _tell(kind: str, engagement: Engagement, by: User) -> None:
    append(
        stream=_stream(engagement),
        kind=kind,
        actor=actor_of(by),
        fact={
            "engagement": engagement.pk,
            "name": engagement.name,
            "auditor": engagement.auditor_id,
            "window": [engagement.window_from.isoformat(), engagement.window_to.isoformat()],
            "open": [engagement.starts_at.isoformat(), engagement.ends_at.isoformat()],
            "repositories": list(engagement.repositories),
        },
        rows=(engagement,),
    )
