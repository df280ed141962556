"""What is noise: rules by kind, field and pattern, each recorded with its reason and its end. Nothing they filter is lost."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from django.db import transaction
from django.db.models import Count

from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState, ExceptionStep, NoiseRule
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

LONGEST = timedelta(days=366)
"""No rule is for ever: it is made again, with a reason of that day."""
LOOKS_BACK = timedelta(days=90)


def value_of(record: ExceptionRecord, field: str) -> str:
    """What a record has in a field; empty when it has none."""
    return str(record.evidence.get(field) or (record.subject if field == "subject" else ""))


def fits(*, pattern: str, value: str) -> bool:
    """Whether the whole ``value`` fits: ``*`` is any text, ``?`` one sign; case does not matter. Nothing fits an empty value."""
    return bool(value) and fnmatchcase(value.lower(), pattern.lower())


def rules_in_force(*, at: datetime, kind: str = "") -> Iterable[NoiseRule]:
    """The rules (of one kind) that filter at that moment, oldest first."""
    rows = NoiseRule.objects.filter(made_at__lte=at, until__gt=at, ended_at=None)
    return (rows.filter(kind=kind) if kind else rows).order_by("id")


def rule_for(*, record: ExceptionRecord, at: datetime) -> NoiseRule | None:
    """The first rule that makes this record noise; None when there is none, or its kind cannot be noise."""
    if not KINDS[record.kind].noise_by:
        return None
    found = rules_in_force(at=at, kind=record.kind)
    return next((rule for rule in found if fits(pattern=rule.pattern, value=value_of(record, rule.field))), None)


def would_filter(*, kind: str, field: str, pattern: str, at: datetime) -> list[ExceptionRecord]:
    """What the rule would have filtered in the last 90 days, newest first: shown before it is made."""
    rows = ExceptionRecord.objects.filter(kind=kind, found_at__gte=at - LOOKS_BACK).order_by("-found_at", "-id")
    return [record for record in rows if fits(pattern=pattern, value=value_of(record, field))]


@transaction.atomic
def make_rule(*, kind: str, field: str, pattern: str, reason: str, until: datetime, by: User, at: datetime) -> NoiseRule:
    """Record a rule. It filters what is found from now on; open exceptions stay until somebody answers them."""
    _check(kind=kind, field=field, pattern=pattern, reason=reason, until=until, by=by, at=at)
    rule = NoiseRule.objects.create(
        kind=kind, field=field, pattern=pattern.strip(), reason=reason.strip(), made_by=by, made_at=at, until=until
    )
    append(
        stream="noise",
        kind="noise.ruled",
        actor=actor_of(by),
        fact={"kind": kind, "field": field, "pattern": rule.pattern, "reason": rule.reason, "until": until.isoformat()},
        rows=[rule],
    )
    ring("exceptions")
    return rule


def _check(*, kind: str, field: str, pattern: str, reason: str, until: datetime, by: User, at: datetime) -> None:
    if not may_at(by, P.NOISE_SET, at=at):
        raise Refused(Clause.OVERSEEN, "What is noise is said by the architecture team and by compliance.")
    if kind not in KINDS or field not in KINDS[kind].noise_by:
        raise Refused(Clause.FOLLOWED, "Exceptions of this kind are never filtered by that field.", "Answer them one by one.")
    if not pattern.strip().strip("*?"):
        raise Refused(Clause.FOLLOWED, "This pattern fits everything.", "Name what is noise, for example preview-*.")
    if not reason.strip():
        raise Refused(Clause.FOLLOWED, "A rule needs its reason.", "Write in a sentence why this is noise.")
    if not at < until <= at + LONGEST:
        raise Refused(Clause.FOLLOWED, "A rule ends on a day within a year.", "Choose its last day.")


@transaction.atomic
def end_rule(*, rule: NoiseRule, by: User, at: datetime) -> NoiseRule:
    """End a rule before its date. What it filtered stays filtered, and can be opened again one by one."""
    locked = NoiseRule.objects.select_for_update().get(pk=rule.pk)
    if not may_at(by, P.NOISE_SET, at=at):
        raise Refused(Clause.OVERSEEN, "What is noise is said by the architecture team and by compliance.")
    if locked.ended_at is not None or locked.until <= at:
        raise Stale("This rule has ended already.")
    locked.ended_by, locked.ended_at = by, at
    locked.save(update_fields=["ended_by", "ended_at"])
    append(
        stream="noise",
        kind="noise.rule_ended",
        actor=actor_of(by),
        fact={"kind": locked.kind, "field": locked.field, "pattern": locked.pattern, "at": at.isoformat()},
        rows=[locked],
    )
    ring("exceptions")
    return locked


def filtered_counts() -> dict[int, int]:
    """How many records each rule has filtered, by the rule's id."""
    rows = ExceptionStep.objects.filter(outcome=ExceptionState.FILTERED).exclude(rule=None).order_by()
    return dict(rows.values("rule").annotate(number=Count("pk")).values_list("rule", "number"))
