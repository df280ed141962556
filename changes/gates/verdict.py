"""The verdict on a change: twelve gates, what they add up to, and what may be deployed because of them. Pure.

Everything here is a function of the facts and the parameters of the policy version, so that the same inputs give the
same verdict for ever; ``RULES_VERSION`` names the rules that gave it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

from changes.gates.facts import ChangeFacts, GateState
from changes.gates.gate import KINDS, NUMBERS, Code, Evidence, Gate
from changes.gates.reading import DEVELOPMENT, MAIN, PRODUCTION, STAGING, WORK, listed, moment
from changes.gates.rules import RULES
from changes.gates.rules.freezing import OVERRIDERS, holding, remarks_on
from portal.ledger.canonical import digest_of
from portal.policy.parameters import Parameters

RULES_VERSION = "5"
"""Rises with every change of a rule that can change a verdict."""
AT_MERGE, AT_RELEASE = NUMBERS[Code.MERGE], NUMBERS[Code.RELEASE]
"""The last gate that a verdict can know at the merge to production, and at the release."""
LETTERS = {
    GateState.MET: "m",
    GateState.WAITING: "w",
    GateState.FAILED: "f",
    GateState.NOT_NEEDED: "n",
    GateState.NOT_CONNECTED: "c",
}
SHORTEST = 7
"""Digits of a commit that name it well enough."""
DONE = (GateState.MET, GateState.NOT_NEEDED)
LATER_SOURCES = frozenset({Code.DECISION, Code.MERGE, Code.LOG})
"""Gates whose source comes with a later release of the portal: not connected, they are listed and do not block."""
FOR_STAGING = (Code.PULL_REQUEST, Code.REVIEW, Code.CI)
FOR_PRODUCTION = tuple(Code)[:AT_MERGE]
FOR_EMERGENCY = (Code.PULL_REQUEST, Code.REVIEW, Code.APPROVAL, Code.MERGE)
"""One +1 opens production for an emergency; what it left out is caught up with and stays in the verdict (P-22)."""


def evaluate(facts: ChangeFacts, parameters: Parameters) -> tuple[Gate, ...]:
    """The twelve gates in the order of the policy."""
    return tuple(rule(facts, parameters) for rule in RULES.values())


def outcome(gates: Iterable[Gate], *, through: int = len(Code)) -> str:
    """What the gates up to number ``through`` prove: ``not_compliant``, ``compliant`` or ``unproven``.

    One failed gate is enough for the first. The second needs every gate met (or not needed) by confirmed facts about
    people who are known; whatever waits, is not connected or rests on a webhook alone leaves it unproven.
    """
    judged = [gate for gate in gates if gate.number <= through]
    if any(gate.state == GateState.FAILED for gate in judged):
        return "not_compliant"
    proven = bool(judged) and all(gate.state in DONE and gate.confirmed and not gate.doubt for gate in judged)
    return "compliant" if proven else "unproven"


def letters(gates: Iterable[Gate]) -> str:
    """One letter a gate, for lists: m met, w waiting, f failed, n not needed, c not connected."""
    return "".join(LETTERS[gate.state] for gate in gates)


def summary(gates: Sequence[Gate]) -> tuple[str, str, str]:
    """The verdict in words: tone (ok, warn, bad), headline, and the sentence after it.

    Before the merge to prod the gates that come after it are not counted as open. ``ok`` means that nothing stands
    in the way of the next step.
    """
    failed = [gate for gate in gates if gate.state == GateState.FAILED]
    waiting = [gate for gate in gates if gate.state == GateState.WAITING]
    merged = not any(gate.code == Code.MERGE for gate in waiting)
    near = [gate for gate in waiting if merged or gate.number < AT_MERGE or gate.held]
    held = " ".join(gate.reason for gate in near if gate.held)
    unknown = [gate for gate in gates if gate.state == GateState.NOT_CONNECTED]
    blind = [gate for gate in unknown if gate.code not in LATER_SOURCES]
    rest = _sentence("Not connected", unknown, full=True)
    if failed:
        later = _sentence("Waiting for", near)
        headline = f"Not compliant: {_count(len(failed))} failed."
        return "bad", headline, _joined(_sentence("Failed", failed, full=True), later, rest)
    if near or blind:
        headline = f"Not ready: {_count(len(near) + len(blind))} open."
        return "warn", headline, _joined(_sentence("Waiting for", near), held, rest)
    if waiting:
        return "ok", "Ready for production.", _joined(_sentence("Waiting for", waiting[:1]), rest)
    return "ok", "Every gate that can be judged is met." if unknown else "All gates are met.", rest


def _count(number: int) -> str:
    return f"{number} gate" if number == 1 else f"{number} gates"


def _sentence(lead: str, gates: Sequence[Gate], *, full: bool = False) -> str:
    """``lead`` and the gates' phrases; with a colon when the lead is a heading rather than a verb."""
    if not gates:
        return ""
    return f"{lead}{':' if full else ''} {listed(KINDS[Code(gate.code)].phrase for gate in gates)}."


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


@dataclass(frozen=True)
class Decision:
    """The answer of the deploy gate. Without reasons against it, it is allowed; notes do not block.

    ``certain`` is False when nothing speaks against it but that something cannot be judged.
    """

    allow: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()
    certain: bool = True


def allow(gates: Sequence[Gate], environment: str, commit: str) -> Decision:
    """Whether ``commit`` may be deployed to ``environment`` on the strength of these gates. In doubt it may not.

    Production needs gates 1 to 9, staging pull request, review and CI; ``commit`` must be one that the change merged.
    A gate whose source comes later is noted and does not block; every other gate that is not met or not needed does.
    """
    if environment == DEVELOPMENT:
        return Decision(True, (), ("Development is not gated by the policy.",))
    needed = _needed(gates, environment)
    if not needed:
        return Decision(False, (f"{environment or 'The environment'} is no environment that the policy knows.",))
    merged = commits_of(gates, Code.MERGE if environment == PRODUCTION else Code.PULL_REQUEST)
    fits = len(commit) >= SHORTEST and any(sha.startswith(commit) for sha in merged)
    reasons = [] if fits else [f"{commit[:7] or 'The commit'} is not what the change merged."]
    there = {gate.code: gate for gate in gates}
    reasons += [f"The gate {KINDS[code].name} was not judged." for code in needed if code not in there]
    # A condition that is due before the release holds gate 10, which otherwise comes after the deploy.
    blocking = [gate for gate in gates if (gate.code in needed and _blocks(gate)) or (gate.held and environment == PRODUCTION)]
    reasons += [_said(gate) for gate in blocking]
    notes = [_said(gate) for gate in gates if gate not in blocking and _is_notable(gate, environment)]
    certain = not reasons or not fits or any(gate.state != GateState.NOT_CONNECTED for gate in blocking)
    return Decision(not reasons, tuple(reasons), tuple(notes), certain)


def decide(facts: ChangeFacts, parameters: Parameters, *, environment: str, commit: str) -> Decision:
    """The deploy gate over facts: as ``allow``, where staging is judged by what goes into main alone (P-09).

    What was merged before a freeze is not deployed in it either.
    """
    if environment == STAGING:
        work = tuple(pr for pr in facts.pull_requests if pr.role == WORK and pr.base == MAIN and pr.merge_sha.startswith(commit))
        facts = replace(facts, pull_requests=work)
    decision = allow(evaluate(facts, parameters), environment, commit)
    held, remarks = _freezes(facts, parameters, environment=environment, commit=commit)
    return Decision(
        allow=decision.allow and not held,
        reasons=(*decision.reasons, *held),
        notes=(*decision.notes, *remarks),
        certain=decision.certain or bool(held),
    )


def _freezes(facts: ChangeFacts, parameters: Parameters, *, environment: str, commit: str) -> tuple[list[str], list[str]]:
    """What freezes say now about deploying ``commit``: what holds it, and what is only remarked."""
    held, remarks = [], []
    for name in dict.fromkeys(pr.repository for pr in facts.pull_requests if pr.merge_sha.startswith(commit)):
        freeze = holding(facts, parameters, environment=environment, repository=name, at=facts.as_of)
        if freeze is not None:
            held.append(f"The freeze {freeze.name} holds {environment} until {moment(freeze.ends_at)}. {OVERRIDERS}")
        remarks += remarks_on(facts, parameters, environment=environment, repository=name, at=facts.as_of)
    return held, [f"{remark[0].upper()}{remark[1:]}." for remark in remarks]


def _needed(gates: Sequence[Gate], environment: str) -> tuple[Code, ...]:
    if environment == PRODUCTION:
        skips = any(gate.code == Code.STAGING and gate.state == GateState.NOT_NEEDED for gate in gates)
        return FOR_EMERGENCY if skips else FOR_PRODUCTION
    return FOR_STAGING if environment == STAGING else ()


def _blocks(gate: Gate) -> bool:
    if gate.state == GateState.NOT_CONNECTED:
        return gate.code not in LATER_SOURCES
    return gate.state not in DONE


def _is_notable(gate: Gate, environment: str) -> bool:
    """Worth a note: not done before this step, or done on a webhook's word alone."""
    if environment == STAGING and gate.code not in FOR_STAGING:
        return False
    return gate.number <= AT_MERGE and (gate.state not in DONE or not gate.confirmed)


def _said(gate: Gate) -> str:
    return f"{gate.name}: {gate.reason}"


def commits_of(gates: Iterable[Gate], code: Code) -> frozenset[str]:
    """The merge commits among the evidence of one gate."""
    refs = [item.ref for gate in gates if gate.code == code for item in gate.evidence if item.ref.startswith("commit:")]
    return frozenset(ref.rpartition("@")[2] for ref in refs)


def facts_json(facts: ChangeFacts) -> dict[str, Any]:
    """The facts as plain JSON values, for keeping beside the verdict."""
    plain: dict[str, Any] = _plain(facts)
    return plain


def facts_digest(facts: ChangeFacts) -> str:
    """The SHA-256 of the facts' canonical JSON, as hexadecimal. What is kept can be digested again and compared."""
    return digest_of(facts_json(facts))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value


__all__ = [
    "AT_MERGE",
    "AT_RELEASE",
    "RULES_VERSION",
    "Decision",
    "Evidence",
    "Gate",
    "allow",
    "decide",
    "evaluate",
    "facts_digest",
    "facts_json",
    "letters",
    "outcome",
    "summary",
]
