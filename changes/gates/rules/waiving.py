"""Where nobody is left who may approve: what gate 8 says then, and the waiver that passes it (P-19, P-29)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from changes.delivery.actor import Actor
from changes.gates.facts import ApproverFact, ChangeFacts, WaiverFact
from changes.gates.gate import Evidence, Judgement, met
from changes.gates.reading import fast_lane, is_one_of, listed, moment

NEEDED = Evidence("Nobody is left who may approve", "waiver:needed")
"""Marks a gate that only a waiver, or another approver, can open; inboxes look for it."""


def waiver_for(facts: ChangeFacts, *, commit: str, until: datetime | None) -> WaiverFact | None:
    """The waiver that counts for ``commit`` at ``until`` (None: now). For an emergency, one without a commit counts for all."""
    return next((item for item in facts.waivers if _fits(item, facts, commit) and _in_time(item, until)), None)


def _fits(item: WaiverFact, facts: ChangeFacts, commit: str) -> bool:
    if fast_lane(facts):
        return item.head_sha in ("", commit)
    return bool(commit) and item.head_sha == commit and item.revision_digest == facts.revision_digest


def _in_time(item: WaiverFact, until: datetime | None) -> bool:
    if until is not None and item.decided_at > until:
        return False
    return item.ended_at is None or (until is not None and item.ended_at > until)


def waived(item: WaiverFact, *, subject: str, before: str = "", evidence: Sequence[Evidence] = ()) -> Judgement:
    """The gate is met, by a decision and not by an approval: that is said, and keeps it from being proof."""
    text = f"{subject}: {before}passed by a waiver of {item.chair.name} (chair) and {item.compliance.name} (compliance manager)"
    mark = Evidence("Waiver", f"waiver:{item.chair.account}+{item.compliance.account}@{item.head_sha}")
    return met(
        f"{text} at {moment(item.decided_at)}, because nobody was left who may approve",
        *evidence,
        mark,
        doubt=f"Passed by a waiver, not by an approval; it is reviewed until {moment(item.review_at)}.",
    )


def nobody_left(facts: ChangeFacts, *, given: Iterable[Actor], needed: int, people: Iterable[Actor]) -> str:
    """Why nobody is left to give an approval that is missing, person by person; empty while somebody is, or it is not known."""
    if facts.approvers is None:
        return ""
    said, makers = tuple(given), tuple(people)
    found = [(item.by.name, _why_not(item, said, makers)) for item in facts.approvers]
    if len(said) + sum(not why for _, why in found) >= needed:
        return ""
    return listed(f"{name} {why}" for name, why in found) if found else "nobody holds a role that may"


def _why_not(item: ApproverFact, said: tuple[Actor, ...], makers: tuple[Actor, ...]) -> str:
    if is_one_of(item.by, makers):
        return "took part"
    return "has approved" if is_one_of(item.by, said) else item.away


def who_decides(facts: ChangeFacts) -> str:
    """Who can do what then."""
    names = f" ({listed(facts.deciders)})" if facts.deciders else ""
    return (
        f"Chair and compliance manager{names} decide together on a waiver, on the change's page;"
        " or somebody else is given the right to approve."
    )
