"""Gate 8: somebody who contributed nothing approved this revision and this commit for production (P-03, P-19, P-22)."""

from dataclasses import dataclass
from datetime import datetime

from changes.delivery.actor import Actor
from changes.gates.facts import ApprovalFact, ChangeFacts, GateState, PullRequestFact
from changes.gates.gate import Code, Gate, Judgement, combined, gate, met, open_or_failed
from changes.gates.reading import (
    PROD,
    contributors,
    deployed_at,
    evidence_of,
    fast_lane,
    into_main,
    into_prod,
    listed,
    moment,
    name_of,
    repositories,
    short,
    went_past,
)
from changes.gates.rules.conditions import before_merge
from changes.gates.rules.training import everybody_trained
from changes.gates.rules.waiving import NEEDED, nobody_left, waived, waiver_for, who_decides
from changes.gates.rules.words import (
    NO,
    Word,
    approval_evidence,
    doubt_about,
    plus_one,
    portal_words,
    review_words,
    standing_approvals,
    strangers,
)
from portal.policy.approvals import Need, need_of
from portal.policy.clauses import Clause
from portal.policy.parameters import Parameters

REVIEW = "review"
"""The way of a repository in which an approving review counts as approval."""


def approval(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 8. An emergency needs one +1 at or before its release; everything else is approved before the merge to prod."""
    if fast_lane(facts):
        return combined(Code.APPROVAL, [_emergency(facts), *before_merge(facts)])
    if went_past(facts):
        return gate(Code.APPROVAL, open_or_failed(late=True, reason="A commit went to prod without an approval", who=""))
    parts = []
    for repository in repositories(facts):
        targets = _targets(facts, repository)
        parts += [_judge(facts, target, parameters) for target in targets] or [_nothing_to_approve()]
    parts = [*(parts or [_nothing_to_approve()]), *before_merge(facts)]
    alone = all(part.state == GateState.MET for part in parts)
    return combined(Code.APPROVAL, [*parts, *everybody_trained(facts, alone=alone)])


def _emergency(facts: ChangeFacts) -> Judgement:
    released = deployed_at(facts)
    people = (*contributors(facts), facts.requester)
    given = plus_one(facts) or _waived_emergency(facts, released)
    if given is not None:
        return given
    names = listed(dict.fromkeys(actor.name for actor in people))
    left = nobody_left(facts, given=(), needed=1, people=people)
    reason = "nobody else has given the +1 yet"
    if released:
        reason = f"it was released at {moment(released)} without a +1 by somebody else"
    elif left:
        reason = f"nobody is left in the portal who may give the +1: {left}"
    return open_or_failed(
        late=released is not None or went_past(facts),
        reason=f"Emergency: {reason}",
        who=" ".join(
            [
                f"Anybody but {names} gives the +1: approve the pull request, or approve here.",
                *([who_decides(facts)] if left else []),
            ]
        ),
        evidence=(*(item for pr in into_prod(facts) for item in evidence_of(pr)), *([NEEDED] if left else [])),
        clause=Clause.EMERGENCY_REVIEW,
    )


def _waived_emergency(facts: ChangeFacts, released: datetime | None) -> Judgement | None:
    heads = [*(pr.head_sha for pr in into_prod(facts)), *(push.commit for push in facts.direct_pushes)] or [""]
    found = [item for head in heads if (item := waiver_for(facts, commit=head, until=released))]
    return waived(found[0], subject="Emergency") if found else None


def _nothing_to_approve() -> Judgement:
    who = "The requester gets the work merged to main first."
    return open_or_failed(late=False, reason="There is no commit to approve yet", who=who)


@dataclass(frozen=True)
class Target:
    """What is to be approved: one commit on its way to prod."""

    pr: PullRequestFact
    commit: str
    until: datetime | None
    """The merge to prod; None while there is none."""

    def __str__(self) -> str:
        return f"{name_of(self.pr)} at {short(self.commit)}"


def _targets(facts: ChangeFacts, repository: str) -> list[Target]:
    """The head of each pull request into prod; before there is one, what stands on main."""
    ways = [pr for pr in into_prod(facts) if pr.repository == repository]
    if ways:
        return [Target(pr, pr.head_sha, pr.merged_at) for pr in ways]
    merged = [(pr.merged_at, pr) for pr in into_main(facts) if pr.repository == repository and pr.merged_at and pr.merge_sha]
    if not merged:
        return []
    newest = max(merged, key=lambda item: item[0])[1]
    return [Target(newest, newest.merge_sha, None)]


def _judge(facts: ChangeFacts, target: Target, parameters: Parameters) -> Judgement:
    people = (*contributors(facts), facts.requester)
    given = _one_each(_words(facts, target, people))
    standing = standing_approvals(facts, commit=target.commit, until=target.until)
    refused = [item for item in standing if item.verdict == NO]
    need = _need(facts, parameters)
    if len(given) < need.count or refused:
        return (None if refused else _without_enough(facts, target, given, need, people)) or _not_approved(
            facts, target, f"{target}: {_why_not(facts, target, given, need)}", people
        )
    return strangers(people) or met(
        f"{target}: approved by {listed(str(word) for word in given)}{_review_counts(given)}",
        *evidence_of(target.pr),
        *(word.evidence for word in given),
        confirmed=all(word.confirmed for word in given),
        doubt=doubt_about((*(word.by for word in given), *people)),
    )


def _need(facts: ChangeFacts, parameters: Parameters) -> Need:
    return need_of(parameters.approval_rules, kind=facts.kind, size=facts.size, risk=facts.risk)


def _without_enough(
    facts: ChangeFacts, target: Target, given: list[Word], need: Need, people: tuple[Actor, ...]
) -> Judgement | None:
    """A waiver that stands for the missing approvals, or that nobody is left to give them; None when neither is so."""
    have = f"approved by {listed(str(word) for word in given)}; for the rest " if given else ""
    waiver = waiver_for(facts, commit=target.commit, until=target.until)
    if waiver is not None:
        marks = (*evidence_of(target.pr), *(word.evidence for word in given))
        return strangers(people) or waived(waiver, subject=str(target), before=have, evidence=marks)
    if target.until is not None or facts.approved_by == REVIEW:
        return None
    left = nobody_left(facts, given=[word.by for word in given], needed=need.count, people=people)
    if not left:
        return None
    reason = f"{target}: nobody is left who may approve it ({len(given)} of {need.count} approvals): {left}"
    return open_or_failed(late=False, reason=reason, who=who_decides(facts), evidence=(*evidence_of(target.pr), NEEDED))


def _words(facts: ChangeFacts, target: Target, people: tuple[Actor, ...]) -> list[Word]:
    """Words in the portal always count; reviews of a pull request into prod where the repository says so."""
    words = portal_words(facts, commit=target.commit, until=target.until)
    if facts.approved_by == REVIEW and target.pr.base == PROD:
        words += review_words(target.pr, excluded=people, until=target.until)
    return words


def _one_each(words: list[Word]) -> list[Word]:
    """One word a person, the earliest: a review and an approval by the same hand are one yes."""
    kept: list[Word] = []
    for word in sorted(words, key=lambda word: word.at):
        if not any(word.by.same_as(other.by) for other in kept):
            kept.append(word)
    return kept


def _review_counts(given: list[Word]) -> str:
    return ", which counts as approval in this repository" if any(word.by_review for word in given) else ""


def _not_approved(facts: ChangeFacts, target: Target, reason: str, people: tuple[Actor, ...]) -> Judgement:
    names = listed(dict.fromkeys(actor.name for actor in people))
    where = " here or on the pull request" if facts.approved_by == REVIEW else " on the change's page"
    return open_or_failed(
        late=target.until is not None,
        reason=reason,
        who=f"An approver other than {names} approves it{where}.",
        evidence=(*evidence_of(target.pr), *map(approval_evidence, facts.approvals)),
        confirmed=facts.approved_by != REVIEW or target.pr.confirmed,
    )


def _why_not(facts: ChangeFacts, target: Target, given: list[Word], need: Need) -> str:
    standing = standing_approvals(facts, commit=target.commit, until=target.until)
    refused = [item.by.name for item in standing if item.verdict == NO]
    if refused:
        return f"{listed(refused)} asked for changes"
    if given:
        return f"approved by {listed(word.by.name for word in given)}, {len(given)} of {need.count} approvals{_because(need)}"
    if standing:
        return f"approved only by {listed(item.by.name for item in standing)}, who contributed to it or asked for it"
    if facts.approvals:
        return _why_it_does_not_count(max(facts.approvals, key=lambda item: item.at), facts, target)
    if target.until:
        return f"merged to prod at {moment(target.until)} without an approval{_because(need)}"
    return f"not approved for production yet{f', 0 of {need.count} approvals' if need.count > 1 else ''}{_because(need)}"


def _because(need: Need) -> str:
    return f"; {need.sentence}" if need.sentence else ""


def _why_it_does_not_count(item: ApprovalFact, facts: ChangeFacts, target: Target) -> str:
    why = item.lapsed or f"the proposal is at revision {facts.revision} now"
    if target.until and item.at > target.until:
        why = f"it came at {moment(item.at)}, after the merge at {moment(target.until)}"
    elif item.head_sha != target.commit:
        why = f"the head is {short(target.commit)}"
    return f"the word of {item.by.name} on {short(item.head_sha)} does not count: {why}"
