"""Judges a change now, and freezes the verdict at the merge to production and at the release (P-26)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from changes.approvals.waiving import settle
from changes.delivery.models import MergeGroup, PullRequest, Repository
from changes.gates.explain import looked_at
from changes.gates.facts import ChangeFacts
from changes.gates.models import Verdict
from changes.gates.queries import facts_of
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
from portal.outbox.actions import enqueue
from portal.policy.parameters import DEFAULT, Parameters
from portal.ui.doorbell import ring

CHECK_NAME = "Countersign"


def assess(*, change: Change, at: datetime, parameters: Parameters = DEFAULT) -> tuple[ChangeFacts, tuple[Gate, ...]]:
    """Judge without writing anything: today's rules over today's facts."""
    facts = facts_of(change, at=at)
    return facts, evaluate(facts, parameters)


@transaction.atomic
def reassess(*, change: Change, at: datetime) -> tuple[Gate, ...]:
    """Judge again and keep the result for lists, pages and the check on the pull request. Derived, so no evidence.

    Before the merge, state and waiver follow the words first (``changes.approvals.waiving.settle``).
    """
    if change.merged_at is None:
        settle(change=change, at=at)
    facts, gates = assess(change=change, at=at)
    kept, before = assessment_of(gates, facts), change.assessment
    if kept != before:
        Change.objects.filter(pk=change.pk).update(gates=letters(gates), gates_at=at, assessment=kept)
        change.gates, change.gates_at, change.assessment = letters(gates), at, kept
        if _judged(kept) != _judged(before):
            publish(change=change, at=at)
        ring(f"change-{change.number}")
        ring("changes")
    return gates


@transaction.atomic
def freeze(
    *,
    change: Change,
    moment: str,
    subject: str,
    at: datetime,
    parameters: Parameters = DEFAULT,
    known_as: Sequence[str] = (),
) -> Verdict:
    """Freeze the verdict of one moment with its inputs. The first one stands: a second call returns it unchanged.

    ``known_as`` are former names of the subject, under which the moment may be frozen already.
    """
    locked = proposals.locked(change.pk)
    standing = Verdict.objects.filter(change=locked, moment=moment, subject__in=[subject, *known_as]).first()
    if standing is not None:
        return standing
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


def assessment_of(gates: tuple[Gate, ...], facts: ChangeFacts) -> dict[str, Any]:
    """What is kept on the change for pages: the sentence on top, and the gates, each with the facts that it looked at."""
    tone, headline, sentence = summary(gates)
    kept = [{**gate_json(gate), "looked_at": looked_at(gate.code, facts)} for gate in gates]
    return {"tone": tone, "headline": headline, "sentence": sentence, "gates": kept}


def _judged(kept: Mapping[str, Any] | None) -> list[Any]:
    """What an assessment says, without the facts behind it: the forge is told when this changes."""
    gates = [{name: value for name, value in gate.items() if name != "looked_at"} for gate in (kept or {}).get("gates", [])]
    return [*((kept or {}).get(name) for name in ("tone", "headline", "sentence")), gates]


def gate_json(gate: Gate) -> dict[str, Any]:
    """A gate as the API, the page and the verdict keep it."""
    values = asdict(gate)
    values["clause"] = str(gate.clause)
    values["state"] = str(gate.state)
    values["evidence"] = [asdict(item) for item in gate.evidence]
    return values


def publish(*, change: Change, at: datetime) -> None:
    """The check run on every open pull request of the change, and on what a merge queue made of it, as last judged.

    Without a judgement there is nothing to say yet; the first one says it.
    """
    kept = change.assessment
    if not kept:
        return
    rows = list(proposals.linked_pull_requests(change).filter(state=PullRequest.State.OPEN))
    for repository, head in _heads(rows):
        subject = f"{repository.forge}:{repository.name}:{head}:{change.number}"
        enqueue(
            kind="github.check_run",
            key=f"check:{subject}:{change.gates}:{int(at.timestamp() * 1000)}",
            subject=subject,
            at=at,
            payload={
                "repository": repository.name,
                "head_sha": head,
                "external_id": str(change),
                "name": CHECK_NAME,
                "status": "completed" if kept["tone"] == "ok" else "in_progress",
                "conclusion": "success" if kept["tone"] == "ok" else "",
                "title": kept["headline"],
                "summary": f"{kept['sentence']}\n\n{_table(kept['gates'])}",
                "details_url": f"{settings.BASE_URL}/changes/{change.number}/",
            },
        )


def _heads(rows: list[PullRequest]) -> list[tuple[Repository, str]]:
    """Where the check has to stand: the heads of the pull requests, and those by which a merge queue tries them."""
    own = [(row.repository, row.head_sha) for row in rows]
    if not rows:
        return own
    known = {(row.repository_id, row.number): row.repository for row in rows}
    groups = MergeGroup.objects.filter(
        repository__in={row.repository_id for row in rows},
        numbers__overlap=[row.number for row in rows],
        state=MergeGroup.State.OPEN,
    )
    queued = [
        (known.get((group.repository_id, number)), group.head_sha) for group in groups.order_by("id") for number in group.numbers
    ]
    return [*own, *((repository, head) for repository, head in queued if repository is not None)]


def _table(gates: Iterable[Mapping[str, Any]]) -> str:
    rows = [f"| {gate['number']} | {gate['name']} | {gate['state'].replace('_', ' ')} | {gate['reason']} |" for gate in gates]
    return "\n".join(["| | Gate | State | Why |", "|---|---|---|---|", *rows])
