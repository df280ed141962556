"""The sheet of a change: its twelve attributes from the frozen verdict and its facts. Pure reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audits.populations.facts import Row, moment
from audits.samples.attributes import WAITING, Answer, Attribute
from audits.samples.raw import Deliveries
from changes.gates.gate import Code, Gate
from changes.gates.models import Verdict
from changes.gates.queries import facts_of
from changes.gates.verdict import AT_MERGE, AT_RELEASE, RULES_VERSION, evaluate, facts_json
from changes.proposals.models import Change
from portal.ledger.canonical import canonical
from portal.policy.in_force import parameters_at

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Asks:
    """What an attribute is called, which facts it rests on, where they came from, and by which time of them it is dated.

    ``events`` are the kinds of deliveries that told the forge's part of it.
    """

    name: str
    facts: tuple[str, ...]
    source: str
    dated: tuple[str, str]
    """A list of the facts, and the field of its last item that is a time."""
    events: tuple[str, ...] = ()


ATTRIBUTES: dict[Code, Asks] = {
    Code.PROPOSAL: Asks(
        "Proposed and described before the work",
        ("title", "why", "what", "tested", "revision", "revision_digest", "requester", "opened_by"),
        "Countersign: the proposal",
        ("", ""),
    ),
    Code.DECISION: Asks("Decided by the meeting, if large", ("size", "decisions"), "Countersign: decisions", ("decisions", "at")),
    Code.PULL_REQUEST: Asks(
        "Brought by a pull request",
        ("pull_requests", "direct_pushes"),
        "The forge: pull requests",
        ("pull_requests", "merged_at"),
        ("pull_request",),
    ),
    Code.REVIEW: Asks(
        "Reviewed by another",
        ("pull_requests",),
        "The forge: reviews",
        ("pull_requests", "merged_at"),
        ("pull_request_review",),
    ),
    Code.CI: Asks(
        "CI passed at the merge", ("pull_requests",), "The forge: checks", ("pull_requests", "merged_at"), ("check_run", "status")
    ),
    Code.ROLLBACK: Asks(
        "Has a way back",
        ("rollback", "target_release", "data_loss", "snapshot", "has_migration"),
        "Countersign: the proposal",
        ("", ""),
    ),
    Code.STAGING: Asks(
        "Tested in staging",
        ("releases", "sign_offs"),
        "Releases to staging, and the tester's word",
        ("sign_offs", "at"),
        ("deployment_status",),
    ),
    Code.APPROVAL: Asks(
        "Approved for production",
        ("approvals", "waivers", "conditions", "freezes", "training"),
        "Countersign: approvals",
        ("approvals", "at"),
    ),
    Code.MERGE: Asks(
        "Merged by somebody who may",
        ("pull_requests", "direct_pushes"),
        "The forge: merges",
        ("pull_requests", "merged_at"),
        ("pull_request", "push"),
    ),
    Code.RELEASE: Asks(
        "Released what was merged",
        ("releases", "pull_requests"),
        "Releases to production",
        ("releases", "succeeded_at"),
        ("deployment_status",),
    ),
    Code.LOG: Asks("Logged in Slack", ("releases",), "Slack", ("releases", "logged_at")),
    Code.REVIEW_AFTER: Asks(
        "Reviewed afterwards",
        ("reviews_after", "retrospective_due_at", "review_due_at"),
        "Countersign: reviews afterwards",
        ("reviews_after", "at"),
    ),
}
"""In the order of the gates: A to L."""


@dataclass(frozen=True)
class Judged:
    """Gates by number with the facts that they rest on, and in words where they were judged."""

    gates: Mapping[int, Mapping[str, Any]]
    facts: Facts
    basis: str
    at: str


def attributes_of_change(row: Row, *, at: datetime) -> list[Attribute]:
    """A to L. Up to the merge the verdict frozen then speaks, up to the release the one frozen there, afterwards the records."""
    change = Change.objects.get(number=int(str(row["key"]).removeprefix("CHG-")))
    frozen = {verdict.moment: verdict for verdict in change.verdicts.order_by("id")}
    present = _present(change, at)
    merged, released = _frozen(frozen.get("merge")), _frozen(frozen.get("release"))
    found, heard = [], Deliveries()
    for number, code in enumerate(ATTRIBUTES, start=1):
        judged = _which(number, merged, released) or present
        found.append(_attribute(change, ATTRIBUTES[code], judged, number, heard))
    return found


def _which(number: int, merged: Judged | None, released: Judged | None) -> Judged | None:
    if number <= AT_MERGE:
        return merged
    if number <= AT_RELEASE and released is not None and released.gates[number]["state"] != WAITING:
        return released
    return None


def _frozen(verdict: Verdict | None) -> Judged | None:
    if verdict is None:
        return None
    basis = f"verdict frozen {verdict.get_moment_display().lower()}, rules {verdict.rules_version}, policy {verdict.policy_version}"
    return Judged({gate["number"]: gate for gate in verdict.gates}, verdict.facts, basis, moment(verdict.at))


def _present(change: Change, at: datetime) -> Judged:
    facts, parameters = facts_of(change, at=at), parameters_at(at)
    gates = {gate.number: _gate(gate) for gate in evaluate(facts, parameters)}
    basis = f"records at the drawing, rules {RULES_VERSION}, policy {parameters.version}"
    return Judged(gates, facts_json(facts), basis, moment(at))


def _gate(gate: Gate) -> dict[str, Any]:
    return {"state": str(gate.state), "reason": gate.reason, "confirmed": gate.confirmed, "doubt": gate.doubt}


def _attribute(change: Change, asks: Asks, judged: Judged, number: int, heard: Deliveries) -> Attribute:
    gate = judged.gates[number]
    facts = {name: judged.facts.get(name) for name in asks.facts}
    doubt = f" {gate['doubt']}" if gate.get("doubt") else ""
    return Attribute(
        name=asks.name,
        state=str(gate["state"]),
        sentence=f"{gate['reason']}{doubt}",
        source=f"{asks.source}; {judged.basis}",
        at=_dated(change, asks, judged),
        raw=canonical(facts),
        answers=_answers(heard, asks, [*(facts.get("pull_requests") or ()), *(facts.get("direct_pushes") or ())]),
    )


def _dated(change: Change, asks: Asks, judged: Judged) -> str:
    part, name = asks.dated
    if not part:
        return moment(change.opened_at)
    times = [str(item[name]) for item in judged.facts.get(part) or () if item.get(name)]
    return max(times, default=judged.at).replace("+00:00", "Z")


def _answers(heard: Deliveries, asks: Asks, requests: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...]:
    found = [answer for request in requests for answer in heard.about(request, asks.events)] if asks.events else []
    return tuple({answer.name: answer for answer in found}.values())
