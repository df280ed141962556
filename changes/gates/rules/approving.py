"""Gate 8: somebody who contributed nothing approved this revision and this commit for production (P-03, P-19, P-22)."""

from datetime import datetime

from changes.gates.facts import ChangeFacts, PullRequestFact
from changes.gates.gate import Code, Gate, Judgement, combined, gate, met, open_or_failed
from changes.gates.reading import (
    contributors,
    deployed_at,
    evidence_of,
    into_main,
    into_prod,
    is_emergency,
    listed,
    moment,
    name_of,
    repositories,
    short,
    went_past,
)
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
from portal.policy.clauses import Clause
from portal.policy.parameters import Parameters


def approval(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 8. An emergency needs one +1 at or before its release; everything else is approved before the merge to prod."""
    if is_emergency(facts):
        return gate(Code.APPROVAL, _emergency(facts))
    if went_past(facts):
        return gate(Code.APPROVAL, open_or_failed(late=True, reason="A commit went to prod without an approval", who=""))
    parts = [part for name in repositories(facts) for part in _judge_repository(facts, name, parameters)]
    return combined(Code.APPROVAL, parts or [_nothing_to_approve()])


def _emergency(facts: ChangeFacts) -> Judgement:
    given = plus_one(facts)
    if given is not None:
        return given
    released = deployed_at(facts)
    names = listed(dict.fromkeys(actor.name for actor in (*contributors(facts), facts.requester)))
    reason = "nobody else has given the +1 yet"
    if released:
        reason = f"it was released at {moment(released)} without a +1 by somebody else"
    return open_or_failed(
        late=released is not None or went_past(facts),
        reason=f"Emergency: {reason}",
        who=f"Anybody but {names} gives the +1: approve the pull request, or approve here.",
        evidence=tuple(item for pr in into_prod(facts) for item in evidence_of(pr)),
        clause=Clause.EMERGENCY_REVIEW,
    )


def _nothing_to_approve() -> Judgement:
    who = "The requester gets the work merged to main first."
    return open_or_failed(late=False, reason="There is no commit to approve yet", who=who)


def _judge_repository(facts: ChangeFacts, repository: str, parameters: Parameters) -> list[Judgement]:
    ways = [pr for pr in into_prod(facts) if pr.repository == repository]
    if ways:
        return [_judge_way(facts, pr, parameters) for pr in ways]
    merged = [pr for pr in into_main(facts) if pr.repository == repository and pr.merged_at and pr.merge_sha]
    if not merged:
        return [_nothing_to_approve()]
    newest = max(merged, key=lambda pr: pr.merged_at or facts.as_of)
    words = portal_words(facts, commit=newest.merge_sha, until=None)
    return [_judge(facts, words, newest.merge_sha, f"{repository}: {short(newest.merge_sha)} on main", newest, None, parameters)]


def _judge_way(facts: ChangeFacts, pr: PullRequestFact, parameters: Parameters) -> Judgement:
    """A pull request into prod: words in the portal on its head always count, reviews where the repository says so."""
    words = portal_words(facts, commit=pr.head_sha, until=pr.merged_at)
    if facts.approved_by == "review":
        people = (*contributors(facts), facts.requester)
        words += review_words(pr, excluded=people, until=pr.merged_at)
    return _judge(facts, words, pr.head_sha, f"{name_of(pr)} at {short(pr.head_sha)}", pr, pr.merged_at, parameters)


def _judge(
    facts: ChangeFacts,
    words: list[Word],
    commit: str,
    subject: str,
    pr: PullRequestFact,
    until: datetime | None,
    parameters: Parameters,
) -> Judgement:
    people = (*contributors(facts), facts.requester)
    given = _one_each(words)
    refused = [item for item in standing_approvals(facts, commit=commit, until=until) if item.verdict == NO]
    if len(given) >= parameters.approvals_needed and not refused:
        return strangers(people) or met(
            f"{subject}: approved by {listed(str(word) for word in given)}{_review_counts(facts, given)}",
            *evidence_of(pr),
            *(word.evidence for word in given),
            confirmed=all(word.confirmed for word in given),
            doubt=doubt_about((*(word.by for word in given), *people)),
        )
    names = listed(dict.fromkeys(actor.name for actor in people if actor.name))
    return open_or_failed(
        late=until is not None,
        reason=f"{subject}: {_why_not(facts, given, [item.by.name for item in refused], commit, until, parameters)}",
        who=f"An approver other than {names} approves{'' if facts.approved_by == 'portal' else ' it here or on the pull request'}.",
        evidence=(*evidence_of(pr), *(approval_evidence(item) for item in refused)),
        confirmed=facts.approved_by == "portal" or pr.confirmed,
    )


def _one_each(words: list[Word]) -> list[Word]:
    """One word a person, the earliest: a review and an approval by the same hand are one yes."""
    kept: list[Word] = []
    for word in sorted(words, key=lambda word: word.at):
        if not any(word.by.same_as(other.by) for other in kept):
            kept.append(word)
    return kept


def _review_counts(facts: ChangeFacts, given: list[Word]) -> str:
    by_review = [word for word in given if word.where != "in the portal"]
    return ", which counts as approval in this repository" if by_review else ""


def _why_not(
    facts: ChangeFacts, given: list[Word], refused: list[str], commit: str, until: datetime | None, parameters: Parameters
) -> str:
    if refused:
        return f"{listed(refused)} asked for changes"
    if given:
        return f"{len(given)} of {parameters.approvals_needed} approvals"
    moved = [item for item in facts.approvals if item.lapsed or item.head_sha != commit]
    if moved:
        last = max(moved, key=lambda item: item.at)
        why = last.lapsed or f"the head is {short(commit)}"
        return f"the word of {last.by.name} on {short(last.head_sha)} does not count: {why}"
    return f"merged to prod at {moment(until)} without an approval" if until else "not approved for production yet"
