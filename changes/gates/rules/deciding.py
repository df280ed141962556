"""Gate 2: a large change is decided by the architecture meeting, on its present text, before it is implemented (P-01)."""

from datetime import datetime

from changes.gates.facts import ChangeFacts, DecisionFact
from changes.gates.gate import Code, Evidence, Gate, gate, met, not_connected, not_needed, open_or_failed
from changes.gates.reading import counted, fast_lane, moment, went_past
from portal.policy.parameters import Parameters

LARGE = "large"
MEETINGS = "meetings"
FOR = ("approved", "conditional")
WHO = "The architecture team decides it at its next meeting."
AGAINST = ("rejected", "deferred")


def decision(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Only a large change needs the meeting's decision; an emergency goes first, and its retrospective looks at it."""
    if facts.size != LARGE:
        return gate(Code.DECISION, not_needed("The change is not large, so no meeting has to decide it"))
    if fast_lane(facts):
        return gate(Code.DECISION, not_needed("An emergency goes before the meeting; its retrospective review looks at it"))
    if MEETINGS not in facts.connected and not facts.decisions:
        text = "the change is large, and architecture meetings are not kept in the portal yet"
        who = "The chair sets up the series of meetings."
        return gate(Code.DECISION, not_connected(text, _revision(facts), who=who))
    return _judge(facts)


def _judge(facts: ChangeFacts) -> Gate:
    begun = implemented_at(facts)
    found = standing(facts, until=begun)
    if found is not None:
        text = f"{_name(found)} {found.said} at {moment(found.at)}"
        return gate(Code.DECISION, met(text, _evidence(found), _revision(facts)))
    late = begun is not None or went_past(facts)
    evidence = tuple(_evidence(item) for item in facts.decisions)
    reason = _why_not(facts, begun)
    return gate(Code.DECISION, open_or_failed(late=late, reason=reason, who=WHO, evidence=(*evidence, _revision(facts))))


def implemented_at(facts: ChangeFacts) -> datetime | None:
    """When the change began to be implemented: its first merge into main or prod."""
    return min((pr.merged_at for pr in counted(facts) if pr.merged_at), default=None)


def standing(facts: ChangeFacts, *, until: datetime | None) -> DecisionFact | None:
    """The decision that counts for the present text at ``until`` (None: now). The last word of the meeting holds."""
    moment_of_need = until or facts.as_of
    said = [item for item in facts.decisions if item.at <= moment_of_need and item.digest == facts.revision_digest]
    last = max(said, key=lambda item: item.at, default=None)
    if last is None or last.outcome not in FOR:
        return None
    ended = last.lapsed_at is not None and last.lapsed_at <= moment_of_need
    over = last.expires_at is not None and last.expires_at <= moment_of_need
    return None if ended or over else last


def _why_not(facts: ChangeFacts, begun: datetime | None) -> str:
    last = max(facts.decisions, key=lambda item: item.at, default=None)
    merged = f", and it was merged at {moment(begun)}" if begun else ""
    if last is None:
        return f"The change is large and no meeting has decided revision {facts.revision}{merged}"
    if last.outcome in AGAINST:
        return f"{_name(last)} {last.said} at {moment(last.at)}{merged}"
    if last.lapsed:
        return f"{_name(last)} no longer counts: {last.lapsed}{merged}"
    if last.digest != facts.revision_digest:
        return f"{_name(last)} was about an earlier text than revision {facts.revision}{merged}"
    if begun is not None and last.at > begun:
        return f"{_name(last)} came at {moment(last.at)}, after the merge at {moment(begun)}"
    return f"{_name(last)} held until {moment(last.expires_at or last.at)}{merged}"


def _name(item: DecisionFact) -> str:
    return f"Decision {item.number}{f' of {item.meeting}' if item.meeting else ''}"


def _evidence(item: DecisionFact) -> Evidence:
    return Evidence(f"Decision {item.number}", f"decision:{item.number}")


def _revision(facts: ChangeFacts) -> Evidence:
    return Evidence(f"Revision {facts.revision}", f"revision:CHG-{facts.number}/{facts.revision}")
