"""Judges a change now, and freezes the verdict at the merge to production and at the release (P-26)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.approvals.waiving import settle_all
from changes.delivery.models import PullRequest
from changes.gates.explain import kept_about, used_by
from changes.gates.facts import ChangeFacts
from changes.gates.models import Verdict
from changes.gates.publishing import publish
from changes.gates.queries import facts_of, facts_of_all
from changes.gates.verdict import (
    AT_MERGE,
    AT_RELEASE,
    RULES_VERSION,
    Gate,
    evaluate,
    facts_digest,
    facts_json,
    letters,
    outcome,
    summary,
)
from changes.proposals import queries as proposals
from changes.proposals.models import Change
from changes.proposals.moving import stream_of
from portal.ledger.actions import append
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters
from portal.rows import update_rows
from portal.ui.doorbell import ring

EXPLAINS = ("looked_at", "used")
"""What is kept about a gate beside its judgement."""


def assess(*, change: Change, at: datetime, parameters: Parameters | None = None) -> tuple[ChangeFacts, tuple[Gate, ...]]:
    """Judge without writing anything: today's rules over today's facts, by the policy in force at ``at``."""
    facts = facts_of(change, at=at)
    return facts, evaluate(facts, parameters or parameters_at(at))


def reassess(*, change: Change, at: datetime) -> tuple[Gate, ...]:
    """Judge again and keep the result for lists, pages and the check on the pull request. Derived, so no evidence.

    Before the merge, state and waiver follow the words first (``changes.approvals.waiving.settle``).
    """
    return reassess_all(changes=[change], at=at)[0]


@transaction.atomic
def reassess_all(*, changes: Sequence[Change], at: datetime) -> list[tuple[Gate, ...]]:
    """``reassess`` for each of these changes, in their order; what the rules need is asked once for all of them.

    Where several are given, the caller has locked them or nobody else moves them: what is read is written a moment later.
    """
    settle_all(changes=[change for change in changes if change.merged_at is None], at=at)
    parameters = parameters_at(at)
    found = facts_of_all(changes, at=at)
    judged = [evaluate(facts, parameters) for facts in found]
    used = used_by(parameters)
    news: list[Change] = []
    told: list[Change] = []
    for change, facts, gates in zip(changes, found, judged, strict=True):
        kept, before = assessment_of(gates, facts, parameters.version, used), change.assessment
        if kept != before:
            change.gates, change.gates_at, change.assessment = letters(gates), at, kept
            news.append(change)
            if _judged(kept) != _judged(before) and any(row.state == PullRequest.State.OPEN for row in facts.pull_requests):
                told.append(change)
    update_rows(news, names=("gates", "gates_at", "assessment"))
    for change in told:
        publish(change=change, at=at)
    for change in news:
        ring(f"change-{change.number}")
        ring("changes")
    return judged


@transaction.atomic
def freeze(
    *,
    change: Change,
    moment: str,
    subject: str,
    at: datetime,
    parameters: Parameters | None = None,
    known_as: Sequence[str] = (),
) -> Verdict:
    """Freeze the verdict of one moment with its inputs. The first one stands: a second call returns it unchanged.

    ``known_as`` are former names of the subject, under which the moment may be frozen already.
    """
    locked = proposals.locked(change.pk)
    standing = Verdict.objects.filter(change=locked, moment=moment, subject__in=[subject, *known_as]).first()
    if standing is not None:
        return standing
    parameters = parameters or parameters_at(at)
    facts, gates = assess(change=locked, at=at, parameters=parameters)
    verdict = Verdict.objects.create(
        change=locked,
        moment=moment,
        subject=subject,
        outcome=outcome(gates, through=AT_MERGE if moment == Verdict.Moment.MERGE else AT_RELEASE),
        gates=[gate_json(gate) for gate in gates],
        facts=facts_json(facts),
        facts_digest=facts_digest(facts),
        rules_version=RULES_VERSION,
        policy_version=parameters.version,
        at=at,
    )
    append(
        stream=stream_of(locked),
        kind=f"verdict.{moment}",
        actor="portal",
        fact={
            "subject": subject,
            "outcome": verdict.outcome,
            "gates": letters(gates),
            "facts_digest": verdict.facts_digest,
            "rules": RULES_VERSION,
            "policy": parameters.version,
            "at": at.isoformat(),
        },
        rows=[verdict],
    )
    ring(f"change-{locked.number}")
    return verdict


def assessment_of(gates: tuple[Gate, ...], facts: ChangeFacts, version: str, used: Mapping[str, list[list[str]]]) -> dict[str, Any]:
    """What is kept on the change for pages: the sentence on top, and the gates, each with what explains it."""
    tone, headline, sentence = summary(gates)
    kept = [{**gate_json(gate), **kept_about(gate.code, facts, used)} for gate in gates]
    return {"tone": tone, "headline": headline, "sentence": sentence, "gates": kept, "policy": version}


def _judged(kept: Mapping[str, Any] | None) -> list[Any]:
    """What an assessment says, without what explains it: the forge is told when this changes."""
    gates = [{name: value for name, value in gate.items() if name not in EXPLAINS} for gate in (kept or {}).get("gates", [])]
    return [*((kept or {}).get(name) for name in ("tone", "headline", "sentence")), gates]


def gate_json(gate: Gate) -> dict[str, Any]:
    """A gate as the API, the page and the verdict keep it."""
    evidence = [dict(vars(item)) for item in gate.evidence]
    return {**vars(gate), "clause": str(gate.clause), "state": str(gate.state), "evidence": evidence}
