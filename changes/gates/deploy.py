"""The deploy gate: may this commit go to this environment? Closed on any doubt."""

from datetime import datetime
from typing import Any

from changes.delivery.models import Environment, PullRequest, Repository
from changes.gates.actions import assess, gate_json
from changes.gates.verdict import decide
from changes.proposals.models import Change
from portal.policy.parameters import DEFAULT


def answer_for(*, repository: str, commit: str, environment: str, at: datetime) -> dict[str, Any]:
    """Allow or deny, with reasons and the gates behind them."""
    answer: dict[str, Any] = {"repository": repository, "commit": commit, "environment": environment, "change": None, "gates": []}
    refusal = _refusal(repository, commit, environment)
    if refusal:
        return {**answer, "allow": False, "reasons": [refusal]}
    changes = _changes(repository, commit)
    if not changes:
        return {**answer, "allow": False, "reasons": [f"No change is known for commit {commit[:12]} of {repository}."]}
    reasons, gates, allowed = [], [], True
    for change in changes:
        facts, judged = assess(change=change, at=at)
        decision = decide(facts, DEFAULT, environment=environment, commit=commit)
        allowed = allowed and decision.allow
        reasons += [f"{change}: {reason}" for reason in decision.reasons]
        gates += [gate_json(gate) for gate in judged]
    return {**answer, "allow": allowed, "reasons": reasons, "gates": gates, "change": str(changes[0])}


def _refusal(repository: str, commit: str, environment: str) -> str:
    if not Repository.objects.filter(name=repository, in_scope_until=None).exists():
        return f"{repository} is not in scope."
    if environment not in Environment.values:
        return f"{environment!r} is no environment: write {', '.join(Environment.values)}."
    if len(commit) < 7 or any(letter not in "0123456789abcdef" for letter in commit):
        return f"{commit!r} is no commit: write its SHA, at least 7 digits."
    return ""


def _changes(repository: str, commit: str) -> list[Change]:
    ours = PullRequest.objects.filter(repository__name=repository)
    heads = ours.filter(head_sha__startswith=commit) | ours.filter(merge_sha__startswith=commit)
    return list(Change.objects.filter(links__pull_request__in=heads).distinct().order_by("number"))
