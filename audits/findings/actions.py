"""Open a finding and take it to its end, step by step. Each step has its entry in the ledger; nothing is changed afterwards.

Auditors do this through the door, whose role may only insert: no row is locked. Of two steps at once the database keeps one,
and the other person is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audits.controls.catalogue import CONTROLS
from audits.engagements.models import Engagement
from audits.engagements.numbering import next_number
from audits.engagements.steps import take
from audits.engagements.taking_part import check_answers, check_tests, check_works, refuse
from audits.findings.lifecycle import OWNERS, Move, State, state_after
from audits.findings.models import Finding, FindingStep
from audits.findings.queries import state_of
from audits.samples.models import SampleItem
from portal.access.models import User
from portal.policy.refusal import Stale

KINDS = {
    Move.OPEN: "finding.opened",
    Move.RESPOND: "finding.responded",
    Move.CORRECT: "finding.corrected",
    Move.HOLDS: "finding.retest_passed",
    Move.FAILS: "finding.retest_failed",
    Move.CLOSE: "finding.closed",
    Move.REOPEN: "finding.reopened",
}
"""The word of each step in the ledger."""


@dataclass(frozen=True)
class Observation:
    """What does not hold. ``due_at`` (UTC) is until when it is to be corrected; ``control`` is an id or empty."""

    title: str
    text: str
    severity: str
    owner: User
    due_at: datetime
    control: str = ""
    item: SampleItem | None = None
    links: Iterable[str] = ()


@transaction.atomic
def open_finding(*, engagement: Engagement, observation: Observation, by: User, at: datetime) -> Finding:
    """Open a finding. Raises ``Refused``. Of two at the same moment the second one waits."""
    check_works(engagement_id=engagement.pk, by=by, at=at)
    _check(engagement, observation, by, at)
    new = Finding(
        engagement=engagement,
        number=next_number(engagement=engagement, table="audits_finding"),
        title=observation.title.strip(),
        severity=observation.severity,
        owner=observation.owner,
        due_at=observation.due_at,
        control=observation.control,
        item=observation.item,
        links=list(observation.links),
        opened_by=by,
        opened_at=at,
    )
    new.save(force_insert=True)
    _step(new, Move.OPEN, observation.text, by, at, rows=[new])
    return new


@transaction.atomic
def move(*, finding: Finding, step: Move, text: str, by: User, at: datetime) -> FindingStep:
    """Take one step. The owner responds and corrects; whoever works in the audit retests and closes. Needs words.

    It goes on when the audit is over: a correction takes longer than an auditor's stay. Raises ``Refused`` and ``Stale``.
    """
    if step in OWNERS:
        if by.pk != finding.owner_id:
            refuse(f"{finding.owner.name} answers for this finding.", "Ask them.")
    elif by.pk == finding.owner_id:
        refuse("You answer for this finding, so somebody else tests it.", "Ask whoever works in this audit.")
    else:
        check_tests(engagement_id=finding.engagement_id, by=by, at=at)
    return _step(finding, step, text, by, at)


def _check(engagement: Engagement, observation: Observation, by: User, at: datetime) -> None:
    check_answers(person=observation.owner, at=at)
    if observation.owner.pk == by.pk:
        refuse("Whoever opens a finding does not answer for it.", "Choose somebody else.")
    if observation.due_at <= at:
        refuse("The finding would be due in the past.", "Choose a later day.")
    if observation.control and observation.control not in {control.id for control in CONTROLS.values()}:
        refuse(f"There is no control {observation.control}.", "Choose one of the catalogue, or none.")
    if observation.item is not None and observation.item.sample.engagement_id != engagement.pk:
        refuse("This item is of another audit.", "Choose an item of this one.")


def _step(finding: Finding, step: Move, text: str, by: User, at: datetime, rows: Iterable[Finding] = ()) -> FindingStep:
    if not text.strip():
        refuse("This step needs words.", "Say in a sentence or two what was found or done.")
    number, before = state_of(finding)
    after = state_after(before, step)
    if after is None:
        raise Stale(f"{finding} is “{State(before).label}” now, and this step does not follow on that.")
    made = FindingStep(finding=finding, number=number + 1, move=step, state=after, text=text.strip(), by=by, at=at)
    take(
        made,
        stream=f"finding:{finding.pk}",
        kind=KINDS[step],
        by=by,
        fact={
            "engagement": finding.engagement_id,
            "finding": finding.number,
            "title": finding.title,
            "severity": finding.severity,
            "owner": finding.owner.name,
            "due_at": finding.due_at.isoformat(),
            "control": finding.control,
            "state": after.value,
            "text": made.text,
            "by": by.name,
        },
        rows=rows,
    )
    return made
