"""Changes: decided, categorised, approved, with a way back, and with a verdict (P-01, P-05, P-17, P-18, P-19, P-26)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import F, Min, Q, QuerySet

from audits.controls.reading.found import Found, ref_to
from audits.controls.reading.gates import MERGE, failed_frozen, failed_now, told_since
from audits.controls.result import Flat, Row, Window, deviating, judged, when
from audits.controls.rows import reader
from changes.delivery.rule_models import RuleEvent
from changes.entitlements.reviews import policy
from changes.entitlements.reviews.models import AccessReview
from changes.entitlements.reviews.queries import due_since, removals
from changes.gates.gate import Code
from changes.gates.models import Verdict
from changes.proposals.models import DECLARED, Category, Change, Size
from portal.access.scope import Scope

AT_ONCE = 500


def changes(scope: Scope) -> QuerySet[Change]:
    """Changes that a scope may show, in the order of their numbers."""
    rows = Change.objects.order_by("number")
    return rows.filter(repository_names__overlap=sorted(scope.repositories)) if scope.repositories is not None else rows


def reached_prod(window: Window, scope: Scope) -> QuerySet[Change]:
    """Changes that were merged to prod in the window."""
    return changes(scope).filter(merged_at__gte=window.since, merged_at__lt=window.until)


def facts_of(change: Change) -> dict[str, Flat]:
    """What every row about a change says."""
    return {
        "title": change.title,
        "category": change.category,
        "size": change.size,
        "kind": change.kind,
        "repositories": ", ".join(change.repository_names),
        "opened_at": when(change.opened_at),
        "merged_at": when(change.merged_at),
    }


def row_of(change: Change, sentences: Iterable[str], more: dict[str, Flat] | None = None, *, unknown: Iterable[str] = ()) -> Row:
    """A change as a row."""
    name = change.repository_names[0] if change.repository_names else ""
    facts, ref = facts_of(change) | (more or {}), f"change:{change.number}"
    return judged(str(change), sentences, unknown=unknown, facts=facts, ref=ref, repository=name)


@reader
def large_decided(window: Window, scope: Scope) -> Iterator[Row]:
    """P-01: large changes whose first merge lies in the window, and those that meet the criteria; undeclared emergencies as well.

    Deviates: no decision stood, or one meets the criteria and was classed normal without a reason.
    """
    guarded = Q(links__pull_request__base_ref=F("links__pull_request__repository__main_branch"))
    guarded |= Q(links__pull_request__base_ref=F("links__pull_request__repository__prod_branch"))
    rows = changes(scope).annotate(first=Min("links__pull_request__merged_at", filter=guarded)).exclude(DECLARED)
    rows = rows.filter(first__gte=window.since, first__lt=window.until).prefetch_related("class_choices")
    for row in rows.iterator(chunk_size=AT_ONCE):
        causes = row.reasons.get("causes", {}).get("size", [])
        if row.size != Size.LARGE and not causes:
            continue
        words = failed_now(row, (Code.DECISION,)) if row.size == Size.LARGE else _classed_lower(row)
        more: dict[str, Flat] = {"criteria": ", ".join(map(str, causes)), "first_merge": when(row.first)}
        yield row_of(row, words, more)


def _classed_lower(change: Change) -> list[str]:
    said = [choice for choice in change.class_choices.all() if choice.name == "size" and choice.lowers and choice.reason]
    return [] if said else ["It meets the criteria of a large change, and nobody said why it is not one."]


@reader
def changes_categorised(window: Window, scope: Scope) -> Iterator[Row]:
    """P-05: changes opened in the window; one without a category that the policy knows, or without a reason for it, deviates."""
    for row in changes(scope).filter(opened_at__gte=window.since, opened_at__lt=window.until).iterator(chunk_size=AT_ONCE):
        reasons = row.reasons.get("category") or []
        unfounded = not reasons or row.category not in Category.values
        sentence = "No reason for its category is on record."
        yield row_of(row, [sentence] if unfounded else [], {"reasons": " ".join(map(str, reasons))})


@reader
def ways_back(window: Window, scope: Scope) -> Iterator[Row]:
    """P-17: the frozen gate 6 of every change merged to prod; of a declared emergency, which may write it later, today's."""
    for row in reached_prod(window, scope).prefetch_related(MERGE).iterator(chunk_size=AT_ONCE):
        later = row.category == Category.EMERGENCY and not row.undeclared
        words = failed_now(row, (Code.ROLLBACK,)) if later else failed_frozen(row, (Code.ROLLBACK,))
        yield row_of(row, words, {"judged": "now" if later else "at the merge"})


@reader
def snapshots_named(window: Window, scope: Scope) -> Iterator[Row]:
    """P-18: changes whose frozen facts say that they have a migration; one without a snapshot then deviates."""
    rows = Verdict.objects.filter(change__in=reached_prod(window, scope).order_by(), moment=Verdict.Moment.MERGE)
    rows = rows.filter(facts__has_migration=True).select_related("change").order_by("change__number", "pk")
    sentence = "It has a migration, and no snapshot was named at the merge."
    for row in rows.iterator(chunk_size=AT_ONCE):
        snapshot = str(row.facts.get("snapshot") or "").strip()
        found = row_of(row.change, [] if snapshot else [sentence], {"snapshot": snapshot, "facts_digest": row.facts_digest})
        yield Row(f"{found.key} {row.subject}", found.state, found.sentence, found.facts, found.ref, found.repository)


@reader
def production_approved(window: Window, scope: Scope) -> Iterator[Row]:
    """P-19: changes merged to prod and people given access past the process; reviews of access, and what they said to remove."""
    for row in reached_prod(window, scope).prefetch_related(MERGE).iterator(chunk_size=AT_ONCE):
        declared = row.category == Category.EMERGENCY and not row.undeclared
        codes = () if declared else (Code.APPROVAL,)
        since, unknown = told_since(row, codes)
        yield row_of(row, failed_frozen(row, codes) + since, {"emergency": declared}, unknown=unknown)
    found = Found(window, scope, {"access_granted_outside_process"})
    yield from _given(window, scope, found)
    yield from found.rest()
    yield from _reviewed(window)
    yield from _removed(window)


def _given(window: Window, scope: Scope, found: Found) -> Iterator[Row]:
    rows = RuleEvent.objects.filter(kind=RuleEvent.Kind.MEMBER, happened_at__gte=window.since, happened_at__lt=window.until)
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    for row in rows.select_related("repository").order_by("happened_at", "pk").iterator(chunk_size=AT_ONCE):
        records = found.take(f"{row.repository.key}:rule:{row.delivery_key}")
        facts: dict[str, Flat] = {"action": row.action, "who": row.subject, "by": row.actor_login, "at": when(row.happened_at)}
        name = row.repository.name
        words = (record.sentence for record in records)
        yield judged(f"{name} access {row.delivery_key}", words, facts=facts, ref=ref_to(records), repository=name)


def _reviewed(window: Window) -> Iterator[Row]:
    """Access reviews that were due in the window, and one that nobody has opened although its time has come."""
    for row in AccessReview.objects.filter(due_at__gte=window.since, due_at__lt=window.until).order_by("number"):
        late = row.closed_at is None or row.closed_at > row.due_at
        facts: dict[str, Flat] = {"rights": row.rights, "due_at": when(row.due_at), "closed_at": when(row.closed_at)}
        words = [f"It was due by {row.due_at:%Y-%m-%d}, and {_closed(row.closed_at)}."] if late else []
        yield judged(str(row), words, facts=facts | {"digest": row.digest}, ref=f"access-review:{row.number}")
    due = due_since(at=window.until)
    if due is not None and not AccessReview.objects.filter(opened_at__lt=window.until, opened_at__gte=due).exists():
        sentence = f"A review of all access was due on {due:%Y-%m-%d}, and none was opened."
        yield deviating("access review not opened", sentence, facts={"due_at": when(due)})


def _closed(at: datetime | None) -> str:
    return f"closed {at:%Y-%m-%d}" if at is not None else "is not closed"


def _removed(window: Window) -> Iterator[Row]:
    """Rights that a reviewer said to remove in the window; one that was still there when its time had run out deviates."""
    for one in removals(at=window.until):
        if not window.since <= one.answer.at < window.until:
            continue
        late = one.state == policy.OVERDUE
        facts: dict[str, Flat] = {"asked_at": when(one.answer.at), "gone_at": when(one.ended_at), "snapshot": one.snapshot}
        words = ["It was to be removed, its time is over, and no snapshot shows that it is gone."] if late else []
        yield judged(f"{one.entry.review} {one.entry.place}", words, facts=facts | {"right": str(one.entry)})


@reader
def verdicts_compliant(window: Window, scope: Scope) -> Iterator[Row]:
    """P-26: every change merged to prod; one whose frozen verdict has a failed gate, or that has none, deviates.

    One of which nobody can tell whether somebody else approved it is unknown.
    """
    for row in reached_prod(window, scope).prefetch_related(MERGE).iterator(chunk_size=AT_ONCE):
        frozen: list[Verdict] = getattr(row, "frozen", [])
        words = failed_frozen(row, tuple(Code)) if frozen else ["No verdict was frozen at its merge."]
        since, unknown = told_since(row, tuple(Code))
        more: dict[str, Flat] = {
            "outcome": ", ".join(verdict.outcome for verdict in frozen),
            "facts_digest": ", ".join(verdict.facts_digest for verdict in frozen),
            "rules_version": ", ".join(verdict.rules_version for verdict in frozen),
        }
        yield row_of(row, words + since, more, unknown=unknown)
