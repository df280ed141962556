"""Open, confirm and end an auditor's engagement; note what an auditor reads."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from audits.engagements.criteria import IDS
from audits.engagements.facts import Invited, Wish
from audits.engagements.models import LONGEST, Admission, Engagement, ReadLog
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
def open_engagement(*, wish: Wish, by: User, at: datetime) -> Engagement:
    """Prepare an engagement. It opens nothing until another person confirms it within 72 hours. Raises ``Refused``."""
    check_maker(by, kind=wish.kind, people=[one.person.pk for one in wish.people], at=at)
    _check_dates(wish, at)
    check_people(wish.kind, wish.people, at)
    if set(wish.criteria) - set(IDS):
        raise _refused("A criterion is none of the AICPA's ids.", "Name them like CC8.1.")
    new = Engagement(
        name=wish.name.strip(),
        kind=wish.kind,
        window_from=wish.window_from,
        window_to=wish.window_to,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        systems=sorted(set(wish.systems)),
        repositories=sorted(set(wish.repositories)),
        criteria=sorted(set(wish.criteria), key=IDS.index),
        created_by=by,
        created_at=at,
    )
    new.digest = digest_of(new, [(one.person.pk, one.ends_at) for one in wish.people])
    new.save()
    people = Admission.objects.bulk_create(
        [Admission(engagement=new, person=one.person, ends_at=one.ends_at) for one in wish.people]
    )
    _tell("engagement.opened", new, by, rows=people)
    return new


@transaction.atomic
def confirm_engagement(*, engagement: Engagement, digest: str, by: User, at: datetime) -> None:
    """Let the auditors in. ``by`` is another person, who repeats the digest of what they read."""
    waiting = lock(engagement)
    people = list(waiting.admissions.order_by("pk"))
    check_maker(by, kind=waiting.kind, people=[one.person_id for one in people], at=at)
    if by.pk == waiting.created_by_id:
        raise _refused("You prepared this engagement yourself.", "Another person confirms it.")
    if waiting.confirmed_at is not None or waiting.ended_at is not None:
        raise Stale("Somebody decided on this engagement already.")
    if at >= waiting.created_at + CONFIRM_WITHIN:
        raise Stale("Nobody confirmed this engagement within 72 hours. Prepare a new one.")
    if waiting.digest != digest or digest_of(waiting, [(one.person_id, one.ends_at) for one in people]) != digest:
        raise Stale("The engagement is not the one that you read.")
    if waiting.kind == Engagement.Kind.EXTERNAL:
        check_no_other(waiting, [one.person_id for one in people], begins=waiting.starts_at)
    waiting.confirmed_by, waiting.confirmed_at = by, at
    waiting.save(update_fields=["confirmed_by", "confirmed_at"])
    _tell("engagement.confirmed", waiting, by)


@transaction.atomic
def end_engagement(*, engagement: Engagement, by: User, at: datetime) -> None:
    """Close it at once: the auditors' next request is refused."""
    running = lock(engagement)
    people = list(running.admissions.values_list("person_id", flat=True))
    check_maker(by, kind=running.kind, people=people, at=at)
    if running.ended_at is not None:
        raise Stale("This engagement was ended already.")
    running.ended_by, running.ended_at = by, at
    running.save(update_fields=["ended_by", "ended_at"])
    _tell("engagement.ended", running, by)


@transaction.atomic
def end_admission(*, admission: Admission, by: User, at: datetime) -> None:
    """One auditor leaves before the others: their next request is refused."""
    engagement = lock(admission.engagement)
    leaving = Admission.objects.select_for_update(of=("self",)).select_related("person").get(pk=admission.pk)
    check_maker(by, kind=engagement.kind, people=[leaving.person_id], at=at)
    if leaving.ended_at is not None or engagement.ended_at is not None:
        raise Stale("This was ended already.")
    leaving.ended_by, leaving.ended_at = by, at
    leaving.save(update_fields=["ended_by", "ended_at"])
    fact = {"engagement": engagement.pk, "person": leaving.person_id, "name": leaving.person.name}
    append(stream=stream_of(engagement), kind="engagement.left", actor=actor_of(by), fact=fact, rows=(leaving,))


@transaction.atomic
def note_preview(*, engagement: Engagement, begins: bool, by: User, at: datetime) -> None:
    """Somebody looks with the auditors' eyes from now on, or does so no longer. Nothing can be written meanwhile."""
    if begins and not may_at(by, P.READ_LOG_SEE, at=at):
        raise _refused("Only the compliance manager sees what the auditors see.")
    if begins and engagement.kind != Engagement.Kind.EXTERNAL:
        raise _refused("An internal audit has no auditors from outside, so there is nothing to preview.")
    if begins and not Engagement.objects.filter(pk=engagement.pk, ended_at=None, ends_at__gt=at).exists():
        raise Stale("This engagement is over.")
    kind = "engagement.preview_begun" if begins else "engagement.preview_ended"
    append(stream=stream_of(engagement), kind=kind, actor=actor_of(by), fact={"engagement": engagement.pk, "by": by.name})


@transaction.atomic(durable=True)
def note_reading(
    *,
    engagement: Engagement,
    reader: User,
    path: str,
    objects_named: Iterable[str],
    session_digest: str,
    outcome: str,
    at: datetime,
) -> None:
    """Write one row of the read log and commit it, before anything is answered. ``outcome`` as in ``ReadLog.Outcome``.

    The first refusal of a burst also goes into the ledger, where the compliance manager sees it.
    """
    row = ReadLog(
        engagement=engagement,
        reader=reader,
        path=path[:2000],
        objects_named=list(objects_named),
        session_digest=session_digest,
        outcome=outcome,
        at=at,
    )
    burst = ReadLog.objects.filter(engagement=engagement, reader=reader, outcome=outcome, at__gt=at - timedelta(minutes=1))
    if outcome == ReadLog.Outcome.SLOWED and not burst.exists():
        fact = {"engagement": engagement.pk, "auditor": reader.pk, "path": row.path}
        append(stream=stream_of(engagement), kind="auditor.slowed", actor=PORTAL, fact=fact)
    row.save(force_insert=True)


@transaction.atomic
def seal_readings(*, day: date) -> str:
    """Write the digest of one UTC day's read log into the ledger; returns it. Call it when the day is over."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    rows = ReadLog.objects.filter(at__gte=start, at__lt=start + timedelta(days=1)).order_by("pk")
    digest, pages = hashlib.sha256(), 0
    for row in rows.iterator():
        said = [row.pk, row.engagement_id, row.reader_id, row.path, row.objects_named, row.session_digest, row.outcome]
        digest.update(json.dumps([*said, row.at.isoformat()]).encode() + b"\n")
        pages += 1
    fact = {"day": day.isoformat(), "pages": pages, "sha256": digest.hexdigest()}
    append(stream=read_log_stream(day), kind="read_log.sealed", actor=PORTAL, fact=fact)
    return digest.hexdigest()


def digest_of(engagement: Engagement, people: Iterable[tuple[int, datetime]]) -> str:
    """SHA-256 over everything that the second person reads, as 64 hex digits. ``people`` are ids, each with its end."""
    text = {
        "name": engagement.name,
        "kind": engagement.kind,
        "people": sorted([pk, ends_at.isoformat()] for pk, ends_at in people),
        "window": [engagement.window_from.isoformat(), engagement.window_to.isoformat()],
        "open": [engagement.starts_at.isoformat(), engagement.ends_at.isoformat()],
        "systems": engagement.systems,
        "repositories": engagement.repositories,
        "criteria": engagement.criteria,
        "created_by": engagement.created_by_id,
    }
    return hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest()


def check_maker(by: User, *, kind: str, people: Iterable[int], at: datetime) -> None:
    """Chair and compliance, and never the auditor. Testers of an internal audit gain no sight by it, so they may."""
    own = kind == Engagement.Kind.EXTERNAL and by.pk in set(people)
    if own or not may_at(by, P.ENGAGEMENT_MAKE, at=at):
        raise _refused(f"{by.name} may not decide on engagements.")


def _check_dates(wish: Wish, at: datetime) -> None:
    if wish.window_to <= wish.window_from:
        raise _refused("The period ends before it begins.", "Choose a later end.")
    if wish.window_from > at:
        raise _refused("The period lies in the future, and nothing has happened there yet.", "Choose an earlier first day.")
    if not wish.starts_at < wish.ends_at <= wish.starts_at + LONGEST:
        raise _refused("An engagement is open for at most 90 days.", "Choose an earlier end, and a new engagement afterwards.")
    if wish.ends_at <= at:
        raise _refused("The engagement would be over already.", "Choose a later end.")
    if not all(wish.starts_at < one.ends_at <= wish.ends_at for one in wish.people):
        raise _refused("Everybody's last day lies within the engagement.", "Choose a day on which it is open.")


def check_people(kind: str, people: Sequence[Invited], at: datetime) -> None:
    """Who may be in an engagement of this kind: auditors in an external one, who tests in an internal one. Raises ``Refused``."""
    external = kind == Engagement.Kind.EXTERNAL
    if external and not people:
        raise _refused("Nobody is invited.", "Choose at least one auditor.")
    for one in people:
        roles = roles_at(one.person, at=at)
        if external and roles != {Role.AUDITOR}:
            raise _refused(f"{one.person.name} is no auditor.", "Give the role Auditor first; two people do.")
        if not external and (Role.AUDITOR in roles or not may_at(one.person, P.AUDIT_WORK, at=at)):
            raise _refused(f"{one.person.name} may not test in an internal audit.", "Choose a compliance manager.")


def check_no_other(engagement: Engagement, people: Iterable[int], *, begins: datetime) -> None:
    """One engagement at a time for each, so that there is one scope at a time. The people's rows are locked meanwhile."""
    ids = sorted(people)
    list(User.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    external = Engagement.objects.filter(kind=Engagement.Kind.EXTERNAL, confirmed_at__isnull=False, ended_at=None)
    running = external.filter(starts_at__lt=engagement.ends_at, ends_at__gt=begins).exclude(pk=engagement.pk)
    if Admission.objects.filter(engagement__in=running, person__in=ids, ended_at=None, ends_at__gt=begins).exists():
        raise _refused("An auditor has another engagement at that time.", "End it, or choose other dates.")


def lock(engagement: Engagement) -> Engagement:
    """The engagement as it is now; nobody else decides on it until the transaction ends."""
    return Engagement.objects.select_for_update().get(pk=engagement.pk)


def stream_of(engagement: Engagement) -> str:
    """The ledger's stream about one engagement."""
    return f"engagement:{engagement.pk}"


def _refused(why: str, instead: str = "") -> Refused:
    return Refused(Clause.AUDITED, why, instead)


def _tell(kind: str, engagement: Engagement, by: User, rows: Iterable[Admission] = ()) -> None:
    people = engagement.admissions.order_by("pk").values_list("person_id", "ends_at")
    append(
        stream=stream_of(engagement),
        kind=kind,
        actor=actor_of(by),
        fact={
            "engagement": engagement.pk,
            "name": engagement.name,
            "kind": engagement.kind,
            "people": [[pk, ends_at.isoformat()] for pk, ends_at in people],
            "window": [engagement.window_from.isoformat(), engagement.window_to.isoformat()],
            "open": [engagement.starts_at.isoformat(), engagement.ends_at.isoformat()],
            "systems": list(engagement.systems),
            "repositories": list(engagement.repositories),
            "criteria": list(engagement.criteria),
        },
        rows=(engagement, *rows),
    )
