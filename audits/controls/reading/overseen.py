"""The policy, the meetings, the people, and who reads what (P-25, P-28, P-29, P-30, P-31)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from audits.controls.result import Flat, Row, Window, deviating, judged, when
from audits.controls.rows import reader
from audits.engagements.models import Admission, Engagement, ReadLog
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.meetings.models import Meeting
from changes.training import queries as training
from changes.training.figures import Lateness, lateness_of
from changes.training.models import Course
from portal.access.scope import Scope
from portal.access.walk import routes, rule_of
from portal.policy.models import PolicyVersion

YEAR = timedelta(days=366)
AT_ONCE = 500


@reader
def policy_reviewed(window: Window, scope: Scope) -> Iterator[Row]:
    """P-25: versions in force within the window; one without a decision deviates, and so does a year without any.

    The version that an installation begins with has no decision, and is no deviation.
    """
    rows = PolicyVersion.objects.filter(state=PolicyVersion.State.ADOPTED, effective_at__lt=window.until).order_by("number")
    for row in rows:
        bare = row.decision == "" and row.sent_by_id is not None
        facts: dict[str, Flat] = {"decision": row.decision, "decided_at": when(row.decided_at), "digest": row.digest}
        facts["effective_at"] = when(row.effective_at)
        words = ["No decision of a meeting is on record."] if bare else []
        yield judged(str(row), words, facts=facts, ref=f"policy:{row.number}")
    last = PolicyVersion.objects.filter(decided_at__lt=window.until).order_by("-decided_at").first()
    if last is not None and last.decided_at is not None and last.decided_at < window.until - YEAR:
        sentence = f"The last decision about the policy was on {last.decided_at:%Y-%m-%d}."
        yield deviating("review of the policy", sentence, facts={"decided_at": when(last.decided_at)}, ref=f"policy:{last.number}")


@reader
def meetings_held(window: Window, scope: Scope) -> Iterator[Row]:
    """P-30: meetings that were due in the window; one that was missed, or held without its quorum, deviates."""
    rows = Meeting.objects.filter(planned_at__gte=window.since, planned_at__lt=window.until).order_by("number")
    for row in rows.exclude(state__in=(Meeting.State.PLANNED, Meeting.State.CANCELLED)).iterator(chunk_size=AT_ONCE):
        off = row.state == Meeting.State.MISSED or row.quorate is False
        facts: dict[str, Flat] = {"planned_at": when(row.planned_at), "state": row.state, "quorate": row.quorate}
        facts["reason"] = row.reason
        yield judged(str(row), [_why_off(row)] if off else [], facts=facts, ref=f"meeting:{row.number}")


def _why_off(row: Meeting) -> str:
    said = f" The reason given: {row.reason}" if row.reason else " No reason is given."
    return f"{'It was missed.' if row.state == Meeting.State.MISSED else 'It had no quorum.'}{said}"


@reader
def people_trained(window: Window, scope: Scope) -> Iterator[Row]:
    """P-28: the roster at the end of the window; who signed too late in it, or not yet, deviates. Nobody without a course."""
    if not Course.objects.filter(published_at__lt=window.until).exists():
        return
    members = training.members(at=window.until)
    late: dict[int, list[str]] = {}
    for item in lateness_of(members, at=window.until):
        if item.due.signed_at is None or item.due.signed_at >= window.since:
            late.setdefault(item.member.person.pk, []).append(_late(item))
    for member in members:
        last = member.last
        facts: dict[str, Flat] = {"roles": ", ".join(member.roles), "joined_at": when(member.joined_at)}
        facts |= {"signed_version": last.version if last else None, "signed_at": when(last.at) if last else None}
        key = f"{member.person.name} ({member.person.pk})"
        yield judged(key, late.get(member.person.pk, []), facts=facts, ref=f"person:{member.person.pk}")


def _late(item: Lateness) -> str:
    done = f"signed {item.due.signed_at:%Y-%m-%d}" if item.due.signed_at else "not signed yet"
    return f"Policy {item.due.version} was due on {item.due.due_at:%Y-%m-%d}; {done}, {item.by.days} days late."


@reader
def exceptions_answered(window: Window, scope: Scope) -> Iterator[Row]:
    """P-29: exceptions that had to be answered within the window; one that is still open deviates."""
    rows = ExceptionRecord.objects.exclude(state=ExceptionState.CLEARED).order_by("happened_at", "pk")
    rows = rows.filter(due_at__gte=window.since, due_at__lt=window.until).select_related("repository", "owner")
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    for row in rows.defer("evidence").iterator(chunk_size=AT_ONCE):
        owner = row.owner.name if row.owner else "nobody"
        facts: dict[str, Flat] = {"kind": row.kind, "subject": row.subject, "sentence": row.sentence, "state": row.state}
        facts |= {"owner": owner, "happened_at": when(row.happened_at), "due_at": when(row.due_at)}
        words = [f"Nobody has answered it: {row.sentence}"] if row.state == ExceptionState.OPEN else []
        name = row.repository.name if row.repository else ""
        yield judged(f"exception {row.pk} {row.kind}:{row.subject}", words, facts=facts, ref=f"exception:{row.pk}", repository=name)


@reader
def records_confidential(window: Window, scope: Scope) -> Iterator[Row]:
    """P-31: every address of the portal as it is now, and every page that an auditor asked for in the window.

    An address that names neither a right nor a reason to be public deviates, and so does a reading outside its engagement.
    """
    for route in routes():
        rule = rule_of(route.view, route.name)
        asks = "nothing" if rule is None else "token" if rule.by_token else rule.reason or str(rule.permission)
        words = ["It asks for no right and gives no reason to be public."] if rule is None else []
        facts: dict[str, Flat] = {"address": f"/{route.pattern}", "asks_for": asks, "public": rule is not None and rule.public}
        yield judged(f"page {route.name} /{route.pattern}", words, facts=facts)
    rows = ReadLog.objects.filter(at__gte=window.since, at__lt=window.until).order_by("pk")
    readings = rows.select_related("engagement").prefetch_related("engagement__admissions")
    for row in readings.iterator(chunk_size=AT_ONCE):
        facts = {"engagement": row.engagement_id, "path": row.path, "outcome": row.outcome, "at": when(row.at)}
        yield judged(f"reading {row.pk}", _against(row, row.engagement), facts=facts)


def _against(row: ReadLog, engagement: Engagement) -> Iterator[str]:
    if row.outcome == ReadLog.Outcome.PREVIEW:
        return  # the compliance manager, who may see it all anyway, looked with the auditor's eyes
    own = [one for one in engagement.admissions.all() if one.person_id == row.reader_id]
    if not own:
        yield "It was read by somebody else than an auditor of the engagement."
    ended = engagement.ended_at if engagement.ended_at is not None else engagement.ends_at
    begun = engagement.confirmed_at is not None and engagement.starts_at <= row.at
    if not begun or row.at >= min(ended, engagement.ends_at):
        yield "It was read while the engagement was not open."
    elif own and not any(_lets_in(one, row.at) for one in own):
        yield "It was read before its reader came into the engagement, or after they had left it."


def _lets_in(admission: Admission, at: datetime) -> bool:
    ended = admission.ended_at if admission.ended_at is not None else admission.ends_at
    return (admission.starts_at is None or admission.starts_at <= at) and at < min(ended, admission.ends_at)
