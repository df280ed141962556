"""Registers: exceptions, waivers, emergencies and limitations."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from audits.populations.facts import IDS, TIME, Asked, Column, Kind, Row, ids, moment
from changes.approvals.models import Waiver
from changes.emergencies.models import Emergency
from changes.entitlements.segregation.models import Limitation
from changes.entitlements.segregation.policy import RULES
from changes.exceptions.kinds import KINDS as KINDS_OF_EXCEPTIONS
from changes.exceptions.models import Acceptance, ExceptionRecord, ExceptionState, ExceptionStep
from portal.access.models import User

PIECE = 1000


def name_of(person: User | None) -> str:
    """A person by name; empty for nobody."""
    return person.name if person else ""


def exceptions_in(asked: Asked) -> QuerySet[ExceptionRecord]:
    """Those of what happened in the window."""
    rows = ExceptionRecord.objects.filter(happened_at__gte=asked.since, happened_at__lt=asked.until)
    if asked.scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(asked.scope.repositories))
    steps = Prefetch("steps", ExceptionStep.objects.select_related("by").order_by("id"))
    accepted = Prefetch("acceptances", Acceptance.objects.filter(confirmed_at__isnull=False).order_by("id"))
    rows = rows.select_related("repository", "change", "owner", "judged_by").prefetch_related(steps, accepted)
    return rows.defer("evidence").order_by("happened_at", "id")


def read_exceptions(asked: Asked) -> Iterator[Row]:
    """The rows, oldest first."""
    for row in exceptions_in(asked).iterator(chunk_size=PIECE):
        kind = KINDS_OF_EXCEPTIONS.get(row.kind)
        accepted = list(row.acceptances.all())
        said = [step for step in row.steps.all() if step.outcome != ExceptionState.OPEN]
        yield {
            "key": f"EXC-{row.pk}",
            "kind": kind.label if kind else row.kind,
            "clause": row.clause,
            "subject": row.subject,
            "sentence": row.sentence,
            "repository": row.repository.name if row.repository else "",
            "change": str(row.change) if row.change else "",
            "happened_at": moment(row.happened_at),
            "found_at": moment(row.found_at),
            "due_at": moment(row.due_at),
            "owner": name_of(row.owner),
            "outcome": row.get_state_display(),
            "answer": said[-1].note if said else "",
            "answered_by": name_of(said[-1].by) if said else "",
            "answered_at": moment(said[-1].at) if said else "",
            "judged_by": name_of(row.judged_by),
            "judged_at": moment(row.judged_at),
            "accepted_until": moment(accepted[-1].until) if accepted else "",
        }


def waivers_in(asked: Asked) -> QuerySet[Waiver]:
    """Those proposed in the window."""
    rows = Waiver.objects.filter(proposed_at__gte=asked.since, proposed_at__lt=asked.until)
    if asked.scope.repositories is not None:
        rows = rows.filter(change__repository_names__overlap=sorted(asked.scope.repositories))
    return rows.select_related("change", "proposed_by", "chair", "compliance", "reviewed_by").order_by("id")


def read_waivers(asked: Asked) -> Iterator[Row]:
    """The rows, oldest first."""
    for row in waivers_in(asked).iterator(chunk_size=PIECE):
        yield {
            "key": f"waiver-{row.pk}",
            "change": str(row.change),
            "reason": row.reason,
            "proposed_by": row.proposed_by.name,
            "proposed_at": moment(row.proposed_at),
            "chair": name_of(row.chair),
            "chair_at": moment(row.chair_at),
            "compliance": name_of(row.compliance),
            "compliance_at": moment(row.compliance_at),
            "commit": row.head_sha,
            "review_at": moment(row.review_at),
            "reviewed_by": name_of(row.reviewed_by),
            "reviewed_at": moment(row.reviewed_at),
            "outcome": _of_waiver(row),
            "digest": row.digest,
        }


def _of_waiver(row: Waiver) -> str:
    if row.withdrawn_at:
        return "Withdrawn"
    if not (row.chair_at and row.compliance_at):
        return "Not decided"
    return "Lapsed" if row.lapsed_at else "Decided"


def emergencies_in(asked: Asked) -> QuerySet[Emergency]:
    """Those declared in the window, by a person or by the portal."""
    rows = Emergency.objects.filter(at__gte=asked.since, at__lt=asked.until)
    if asked.scope.repositories is not None:
        rows = rows.filter(change__repository_names__overlap=sorted(asked.scope.repositories))
    rows = rows.select_related("change", "declared_by", "thread")
    return rows.prefetch_related("change__approvals__by", "change__reviews_after", "causes").order_by("at", "id")


def read_emergencies(asked: Asked) -> Iterator[Row]:
    """The rows, oldest first."""
    for row in emergencies_in(asked).iterator(chunk_size=PIECE):
        change = row.change
        given = [word for word in change.approvals.all() if word.verdict == "yes"]
        reviews = {review.kind: review for review in change.reviews_after.all()}
        retrospective, after = reviews.get("retrospective"), reviews.get("post_implementation")
        yield {
            "key": f"emergency-{change.number}",
            "change": str(change),
            "title": change.title,
            "via": row.get_via_display(),
            "declared_by": name_of(row.declared_by),
            "declared_at": moment(row.at),
            "broken": row.broken,
            "fix": row.fix,
            "plus_one_by": ids(word.by.name for word in given),
            "plus_one_at": moment(min((word.at for word in given), default=None)),
            "thread": row.thread.permalink if hasattr(row, "thread") else "",
            "merged_at": moment(change.merged_at),
            "retrospective_due_at": moment(change.retrospective_due_at),
            "retrospective_at": moment(retrospective.at if retrospective else None),
            "review_due_at": moment(change.review_due_at),
            "reviewed_at": moment(after.at if after else None),
            "exceptions": ids(f"EXC-{cause.record_id}" for cause in row.causes.all()),
            "outcome": "Declared afterwards by the portal" if change.undeclared else "Declared by a person",
        }


def limitations_in(asked: Asked) -> QuerySet[Limitation]:
    """Those in force, or proposed, at some moment of the window."""
    rows = Limitation.objects.filter(proposed_at__lt=asked.until, until__gt=asked.since)
    rows = rows.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=asked.since))
    return rows.select_related("person", "proposed_by", "confirmed_by").order_by("id")


def read_limitations(asked: Asked) -> Iterator[Row]:
    """The rows, oldest first."""
    words = {code: rule.label for code, rule in RULES.items()}
    for row in limitations_in(asked).iterator(chunk_size=PIECE):
        yield {
            "key": f"limitation-{row.pk}",
            "person": row.person.name,
            "conflict": words.get(row.rule, row.rule),
            "reason": row.reason,
            "control": row.control,
            "until": moment(row.until),
            "proposed_by": row.proposed_by.name,
            "proposed_at": moment(row.proposed_at),
            "confirmed_by": name_of(row.confirmed_by),
            "confirmed_at": moment(row.confirmed_at),
            "withdrawn_at": moment(row.withdrawn_at),
            "outcome": of_limitation(row, asked.at),
        }


def of_limitation(row: Limitation, at: datetime) -> str:
    """What became of a limitation by a moment."""
    if not row.confirmed_at:
        return "Not confirmed"
    if row.withdrawn_at:
        return "Withdrawn"
    return "In force" if row.until > at else "Run out"


EXCEPTIONS = Kind(
    code="exceptions",
    title="Exceptions",
    one="Something that should not have happened, and happened in the window. Also those that later evidence cleared.",
    columns=(
        Column("key", "Exception"),
        Column("kind", "Kind"),
        Column("clause", "Clause"),
        Column("subject", "Subject"),
        Column("sentence", "What happened"),
        Column("repository", "Repository"),
        Column("change", "Change"),
        Column("happened_at", "Happened", TIME),
        Column("found_at", "Found", TIME),
        Column("due_at", "Due", TIME),
        Column("owner", "Owner"),
        Column("outcome", "Outcome"),
        Column("answer", "Last answer"),
        Column("answered_by", "By"),
        Column("answered_at", "Answered", TIME),
        Column("judged_by", "Judged by"),
        Column("judged_at", "Judged", TIME),
        Column("accepted_until", "Accepted until", TIME),
    ),
    read=read_exceptions,
    count_sql="""
SELECT count(*) FROM changes_exceptionrecord x LEFT JOIN changes_repository r ON r.id = x.repository_id
WHERE x.happened_at >= %(since)s AND x.happened_at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR r.name = ANY (%(repositories)s::text[]))
""",
    source="Countersign's detectors",
    systems=("portal", "git"),
    filters=("kind", "clause", "repository", "outcome"),
    shown=("key", "kind", "subject", "happened_at", "owner", "outcome"),
)
WAIVERS = Kind(
    code="waivers",
    title="Waivers",
    one="A waiver in place of an approval that nobody could give, proposed in the window.",
    columns=(
        Column("key", "Waiver"),
        Column("change", "Change"),
        Column("reason", "Reason"),
        Column("proposed_by", "Proposed by"),
        Column("proposed_at", "Proposed", TIME),
        Column("chair", "Chair"),
        Column("chair_at", "Chair decided", TIME),
        Column("compliance", "Compliance manager"),
        Column("compliance_at", "Compliance decided", TIME),
        Column("commit", "Commit"),
        Column("review_at", "Review due", TIME),
        Column("reviewed_by", "Reviewed by"),
        Column("reviewed_at", "Reviewed", TIME),
        Column("outcome", "Outcome"),
        Column("digest", "Digest"),
    ),
    read=read_waivers,
    count_sql="""
SELECT count(*) FROM changes_waiver w JOIN changes_change c ON c.id = w.change_id
WHERE w.proposed_at >= %(since)s AND w.proposed_at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR c.repository_names::text[] && %(repositories)s::text[])
""",
    source="Countersign",
    systems=("portal",),
    filters=("outcome",),
    shown=("key", "change", "reason", "proposed_at", "chair", "compliance", "outcome"),
)
EMERGENCIES = Kind(
    code="emergencies",
    title="Emergencies",
    one="An emergency that a person or the portal declared in the window.",
    columns=(
        Column("key", "Emergency"),
        Column("change", "Change"),
        Column("title", "Title"),
        Column("via", "Declared where"),
        Column("declared_by", "Declared by"),
        Column("declared_at", "Declared", TIME),
        Column("broken", "What was broken"),
        Column("fix", "Fix"),
        Column("plus_one_by", "+1 by", IDS),
        Column("plus_one_at", "First +1", TIME),
        Column("thread", "Thread in Slack"),
        Column("merged_at", "Merged to production", TIME),
        Column("retrospective_due_at", "Retrospective due", TIME),
        Column("retrospective_at", "Retrospective", TIME),
        Column("review_due_at", "Review due", TIME),
        Column("reviewed_at", "Reviewed", TIME),
        Column("exceptions", "Exceptions", IDS),
        Column("outcome", "Outcome"),
    ),
    read=read_emergencies,
    count_sql="""
SELECT count(*) FROM changes_emergency e JOIN changes_change c ON c.id = e.change_id
WHERE e.at >= %(since)s AND e.at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR c.repository_names::text[] && %(repositories)s::text[])
""",
    source="Countersign and Slack",
    systems=("portal", "slack"),
    filters=("via", "outcome"),
    shown=("change", "title", "declared_at", "plus_one_by", "retrospective_at", "outcome"),
)
LIMITATIONS = Kind(
    code="limitations",
    title="Limitations",
    one="A conflict of rights that was lived with, or proposed to be, at some moment of the window.",
    columns=(
        Column("key", "Limitation"),
        Column("person", "Person"),
        Column("conflict", "Conflict"),
        Column("reason", "Reason"),
        Column("control", "Done instead"),
        Column("until", "Until", TIME),
        Column("proposed_by", "Proposed by"),
        Column("proposed_at", "Proposed", TIME),
        Column("confirmed_by", "Confirmed by"),
        Column("confirmed_at", "Confirmed", TIME),
        Column("withdrawn_at", "Withdrawn", TIME),
        Column("outcome", "Outcome"),
    ),
    read=read_limitations,
    count_sql="""
SELECT count(*) FROM changes_limitation l
WHERE l.proposed_at < %(until)s AND l.until > %(since)s AND (l.withdrawn_at IS NULL OR l.withdrawn_at > %(since)s)
""",
    source="Countersign",
    systems=("portal",),
    filters=("outcome",),
    wide="A limitation is about a person, not about a repository.",
    shown=("person", "conflict", "control", "until", "outcome"),
)
