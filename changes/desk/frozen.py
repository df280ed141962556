"""Frozen verdicts as the page of a change shows them, each with what today's rules say beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, F, JSONField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Now

from changes.gates.models import Verdict
from changes.gates.today import Today, today
from changes.gates.verdict import RULES_VERSION
from portal.policy.models import PolicyVersion
from portal.policy.parameters import DEFAULT, Parameters
from portal.policy.plain import parameters_from

COLUMNS = ("id", "moment", "subject", "outcome", "gates", "facts_digest", "rules_version", "policy_version", "at")
OLD_FACTS = "old_facts"
POLICY_COLUMNS = ("number", "parameters")
STATES = {"met": "met", "waiting": "waiting", "failed": "failed", "not_needed": "not needed", "not_connected": "not connected"}


@dataclass(frozen=True)
class Frozen:
    """A verdict and today's word on the same facts."""

    verdict: Verdict
    today: Today
    differences: tuple[str, ...]
    """One sentence for each gate on which they differ."""


def verdicts_of(here: OuterRef) -> QuerySet[Verdict]:
    """The verdicts of the change behind ``here``, newest first. Facts come only where the rules have changed since."""
    number = Cast(Subquery(policies().values("number")), CharField())
    present = When(
        rules_version=RULES_VERSION,
        policy_version=Coalesce(number, Value(DEFAULT.version)),
        then=Value(None, output_field=JSONField()),
    )
    rows = Verdict.objects.filter(change_id=here).order_by("-at", "-id")
    return rows.annotate(old_facts=Case(present, default=F("facts"), output_field=JSONField()))


def policy_of(rows: list[Mapping[str, Any]]) -> Parameters:
    """The parameters in force, from ``POLICY_COLUMNS`` of the adopted versions up to now, the newest first."""
    if not rows:
        return DEFAULT
    return parameters_from(rows[0]["parameters"], version=str(rows[0]["number"]), base=DEFAULT)


def policies() -> QuerySet[PolicyVersion]:
    """The version that is in force, as a list of at most one row."""
    rows = PolicyVersion.objects.filter(state=PolicyVersion.State.ADOPTED, effective_at__lte=Now())
    return rows.order_by("-effective_at", "-number")[:1]


def frozen_of(row: Mapping[str, Any], parameters: Parameters) -> Frozen:
    """One row of ``verdicts_of`` as JSON with ``COLUMNS`` and ``OLD_FACTS``."""
    values = {name: row[name] for name in COLUMNS}
    verdict = Verdict(**{**values, "at": datetime.fromisoformat(values["at"])})
    said = today_of(verdict, facts=row[OLD_FACTS], parameters=parameters)
    differences = tuple(
        f"{one.name}: {STATES.get(one.frozen, one.frozen)} then, {STATES[one.today]} by today's rules. {one.reason}"
        for one in said.differences
    )
    return Frozen(verdict, said, differences)


def today_of(verdict: Verdict, *, facts: Mapping[str, Any] | None, parameters: Parameters) -> Today:
    """Today's evaluation of a verdict's facts; None for ``facts`` when the rules are still those of the verdict."""
    return today(moment=verdict.moment, frozen_outcome=verdict.outcome, gates=verdict.gates, facts=facts, parameters=parameters)
