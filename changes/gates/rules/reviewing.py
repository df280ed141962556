"""Gate 4: a review by somebody else, on the commit that was merged, at or before the merge (P-03, P-09)."""

from collections.abc import Iterable

from changes.delivery.actor import Actor
from changes.gates.facts import ChangeFacts, GateState, PullRequestFact, ReviewFact
from changes.gates.gate import Code, Gate, Judgement, combined, gate, met, open_or_failed
from changes.gates.reading import (
    counted,
    evidence_of,
    fast_lane,
    is_late,
    is_one_of,
    listed,
    makers,
    moment,
    name_of,
    short,
    work_people,
)
from changes.gates.rules.words import (
    APPROVED,
    CHANGES_REQUESTED,
    approving_reviews,
    doubt_about,
    plus_one,
    review_words,
    standing_reviews,
    strangers,
)
from portal.policy.parameters import Parameters

NO_REVIEW, STALE, SELF, REQUESTED = "no_review", "stale_approval", "self_approval", "changes_requested"


def review_finding(pr: PullRequestFact, work: Iterable[Actor] = ()) -> str:
    """What is wrong with the review of ``pr``; empty when nothing is.

    ``work``: for a promotion, the contributors of the work that it is judged for. Answers ``changes_requested`` (an
    approval is there, and somebody's no as well), ``stale_approval`` (only an older head was approved),
    ``self_approval`` (only contributors approved) or ``no_review``.
    """
    excluded = makers(pr, work)
    standing = standing_reviews(pr, until=pr.merged_at)
    approvals = [review for review in standing if review.state == APPROVED]
    if approving_reviews(pr, excluded=excluded, until=pr.merged_at):
        return REQUESTED if any(review.state == CHANGES_REQUESTED for review in standing) else ""
    if any(not is_one_of(review.by, excluded) for review in approvals):
        return STALE
    return SELF if approvals else NO_REVIEW


def review(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 4. An emergency's +1 stands in for the review, which then follows as the retrospective (P-22)."""
    prs = counted(facts)
    if not prs:
        return gate(Code.REVIEW, _nothing_to_review(facts))
    judged = combined(Code.REVIEW, [_judge(pr, work_people(facts)) for pr in prs])
    quick = plus_one(facts) if fast_lane(facts) and judged.state in (GateState.FAILED, GateState.WAITING) else None
    return gate(Code.REVIEW, quick) if quick else judged


def _nothing_to_review(facts: ChangeFacts) -> Judgement:
    late = is_late(facts)
    reason = "A commit went to prod without a review" if late else "There is no pull request to review yet"
    return open_or_failed(late=late, reason=reason, who="The requester opens a pull request and asks for a review.")


def _judge(pr: PullRequestFact, work: tuple[Actor, ...]) -> Judgement:
    finding, excluded = review_finding(pr, work), makers(pr, work)
    if finding:
        return open_or_failed(
            late=pr.merged_at is not None,
            reason=f"{name_of(pr)}: {_SENTENCES[finding](pr, excluded)}",
            who=_who(finding, pr, excluded),
            evidence=evidence_of(pr),
            confirmed=pr.confirmed,
        )
    words = review_words(pr, excluded=excluded, until=pr.merged_at)
    return strangers(excluded) or met(
        f"{name_of(pr)}: approved by {listed(word.by.name for word in words)} on {short(pr.head_sha)}",
        *evidence_of(pr),
        *(word.evidence for word in words),
        confirmed=any(word.confirmed for word in words),
        doubt=doubt_about((words[0].by, *excluded)),
    )


def _who(finding: str, pr: PullRequestFact, excluded: tuple[Actor, ...]) -> str:
    if finding == REQUESTED:
        return f"{listed(review.by.name for review in _refusals(pr))} can approve {name_of(pr)} or dismiss the own review."
    names = listed(dict.fromkeys(actor.name for actor in excluded))
    return f"Anybody but {names} can review {name_of(pr)} at {short(pr.head_sha)}."


def _refusals(pr: PullRequestFact) -> list[ReviewFact]:
    return [review for review in standing_reviews(pr, until=pr.merged_at) if review.state == CHANGES_REQUESTED]


def _stale(pr: PullRequestFact, excluded: tuple[Actor, ...]) -> str:
    approved = [review for review in standing_reviews(pr, until=pr.merged_at) if review.state == APPROVED]
    last = [review for review in approved if not is_one_of(review.by, excluded)][-1]
    verb = "merged" if pr.merged_at else "the head is now"
    return f"{last.by.name} approved {short(last.commit)}, {verb} {short(pr.head_sha)}"


def _self(pr: PullRequestFact, excluded: tuple[Actor, ...]) -> str:
    approved = [review for review in standing_reviews(pr, until=pr.merged_at) if review.state == APPROVED]
    return f"approved only by {listed(review.by.name for review in approved)}, who contributed to it"


def _none(pr: PullRequestFact, excluded: tuple[Actor, ...]) -> str:
    if pr.merged_at is None and _refusals(pr):
        return f"changes requested by {listed(review.by.name for review in _refusals(pr))}"
    if pr.merged_at is None:
        return f"nobody has approved {short(pr.head_sha)} yet"
    after = approving_reviews(pr, excluded=excluded, until=None)
    if after and after[0].at:
        return f"merged at {moment(pr.merged_at)} before {after[0].by.name} approved it at {moment(after[0].at)}"
    return f"merged at {moment(pr.merged_at)} without an approving review"


def _requested(pr: PullRequestFact, excluded: tuple[Actor, ...]) -> str:
    return f"changes requested by {listed(review.by.name for review in _refusals(pr))} stand"


_SENTENCES = {NO_REVIEW: _none, STALE: _stale, SELF: _self, REQUESTED: _requested}
