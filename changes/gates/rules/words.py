"""Whose yes counts, and until when: reviews at the forge and approvals in the portal (P-03, P-19, P-22)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from changes.delivery.actor import Actor
from changes.gates.facts import ApprovalFact, ChangeFacts, PullRequestFact, ReviewFact
from changes.gates.gate import Evidence, Judgement, met, not_connected
from changes.gates.reading import (
    contributors,
    counted,
    deployed_at,
    fast_lane,
    into_prod,
    is_one_of,
    listed,
    moment,
    name_of,
    short,
    unknown_people,
    unlinked,
)
from portal.policy.clauses import Clause

APPROVED, CHANGES_REQUESTED, DISMISSED = "approved", "changes_requested", "dismissed"
OPINIONS = (APPROVED, CHANGES_REQUESTED, DISMISSED)
YES, NO = "yes", "no"
SLACK = "slack"


@dataclass(frozen=True)
class Word:
    """A yes that counts."""

    by: Actor
    at: datetime
    where: str
    """``on acme/web#18``, ``in the portal`` or ``in Slack``."""
    evidence: Evidence
    confirmed: bool
    by_review: bool
    early: bool = False
    """A +1 that came before there was a commit."""

    def __str__(self) -> str:
        return f"{self.by.name} {self.where} at {moment(self.at)}{', given before there was a commit' if self.early else ''}"


def standing_reviews(pr: PullRequestFact, *, until: datetime | None) -> tuple[ReviewFact, ...]:
    """The last word of every reviewer, at ``until`` (None: now).

    Comments and pending reviews are no word, a bot has none, and a review without a time cannot be shown to have come
    in time. Two accounts of one person are one reviewer. Within one second the stricter word counts.
    """
    said = [(review.at, review.state != APPROVED, review) for review in pr.reviews if review.at and _is_a_word(review)]
    last: list[ReviewFact] = []
    for at, _, review in sorted(said, key=lambda item: item[:2]):
        if until is None or at <= until:
            last = [*(other for other in last if not other.by.same_as(review.by)), review]
    return tuple(last)


def _is_a_word(review: ReviewFact) -> bool:
    return review.state in OPINIONS and not review.by.bot


def approving_reviews(pr: PullRequestFact, *, excluded: Iterable[Actor], until: datetime | None) -> tuple[ReviewFact, ...]:
    """Standing approvals of the very commit at the head, by people who are none of ``excluded``."""
    people = tuple(excluded)
    return tuple(
        review
        for review in standing_reviews(pr, until=until)
        if review.state == APPROVED and pr.head_sha and review.commit == pr.head_sha and not is_one_of(review.by, people)
    )


def review_words(pr: PullRequestFact, *, excluded: Iterable[Actor], until: datetime | None) -> list[Word]:
    """Approving reviews of ``pr`` as words."""
    return [
        Word(
            by=review.by,
            at=review.at,
            where=f"on {name_of(pr)}",
            evidence=Evidence(f"Review by {review.by.name}", f"review:{name_of(pr)}@{review.by.account}"),
            confirmed=review.confirmed and pr.confirmed,
            by_review=True,
        )
        for review in approving_reviews(pr, excluded=excluded, until=until)
        if review.at
    ]


def portal_words(facts: ChangeFacts, *, commit: str, until: datetime | None) -> list[Word]:
    """Approvals in the portal that count for ``commit`` at ``until``, by people who are no contributors (P-19)."""
    return _counting(facts, standing_approvals(facts, commit=commit, until=until))


def early_words(facts: ChangeFacts, *, until: datetime | None) -> list[Word]:
    """The +1s of an emergency that came before there was a commit: they count for whatever commit followed (P-22)."""
    return _counting(facts, [item for item in facts.approvals if not item.head_sha and _stands(item, facts, until)])


def _counting(facts: ChangeFacts, items: Iterable[ApprovalFact]) -> list[Word]:
    people = (*contributors(facts), facts.requester)
    return [
        Word(
            by=item.by,
            at=item.at,
            where=_where(item),
            evidence=approval_evidence(item),
            confirmed=True,
            by_review=False,
            early=not item.head_sha,
        )
        for item in items
        if item.verdict == YES and not item.by.bot and not is_one_of(item.by, people)
    ]


def _where(item: ApprovalFact) -> str:
    place = "in Slack" if item.via == SLACK else "in the portal"
    return f"{place} on behalf of {item.on_behalf_of}" if item.on_behalf_of else place


def standing_approvals(facts: ChangeFacts, *, commit: str, until: datetime | None) -> list[ApprovalFact]:
    """Every yes and no in the portal that was given on ``commit`` and counts at ``until`` (None: now).

    What lapsed after ``until`` still counted then, for the revision of that time: an edit lapses it at once. An
    emergency's words bind to the commit alone, because its text may be written afterwards (P-22).
    """
    return [item for item in facts.approvals if commit and item.head_sha == commit and _stands(item, facts, until)]


def _stands(item: ApprovalFact, facts: ChangeFacts, until: datetime | None) -> bool:
    if until is not None and item.at > until:
        return False
    if item.lapsed:
        return until is not None and item.lapsed_at is not None and item.lapsed_at > until
    return fast_lane(facts) or item.revision_digest == facts.revision_digest


def approval_evidence(item: ApprovalFact) -> Evidence:
    """Where an approval in the portal is found."""
    on = f"on {short(item.head_sha)}" if item.head_sha else "before there was a commit"
    return Evidence(f"Word of {item.by.name} {on}", f"approval:{item.by.account}@{item.head_sha}")


def plus_one(facts: ChangeFacts) -> Judgement | None:
    """The +1 of an emergency: one yes by another person, before the release to production began or in that second.

    It counts for the commit on its way to prod; given before there was a commit, for whatever commit followed.

    None when nobody has given it. While nothing is released, it may still come.
    """
    people, until = (*contributors(facts), facts.requester), deployed_at(facts)
    ways = into_prod(facts)
    heads = [pr.head_sha for pr in ways] + [push.commit for push in facts.direct_pushes] or _heads_of_work(facts)
    words = [word for pr in ways for word in review_words(pr, excluded=people, until=until)]
    words += early_words(facts, until=until)
    words += [word for head in heads for word in portal_words(facts, commit=head, until=until)]
    if not words:
        return None
    first = min(words, key=lambda word: word.at)
    return strangers(people) or met(
        f"Emergency: +1 by {first}",
        *(word.evidence for word in words),
        confirmed=first.confirmed,
        doubt=doubt_about((first.by, *people)),
        clause=Clause.EMERGENCY_REVIEW,
    )


def _heads_of_work(facts: ChangeFacts) -> list[str]:
    """Before anything is on its way to prod, what stands on main or is to be merged there."""
    return list(dict.fromkeys(pr.merge_sha if pr.merged_at else pr.head_sha for pr in counted(facts)))


def strangers(people: Iterable[Actor]) -> Judgement | None:
    """A judgement when somebody among the contributors is known by a mail address alone; None when nobody is.

    Nobody can then say that the reviewer is somebody else, and an address in a commit can be forged.
    """
    unknown = unknown_people(people)
    if not unknown:
        return None
    names = listed(actor.account.removeprefix("mail:") or actor.name for actor in unknown)
    return not_connected(
        f"commits by {names} belong to no known account, so it cannot be shown that somebody else reviewed them",
        who="An administrator links the address to a person.",
    )


def doubt_about(people: Iterable[Actor]) -> str:
    """What keeps a yes from being proof: accounts behind which the same person might be. Empty when all are linked."""
    names = unlinked(people)
    return f"Linked to no person of the portal: {listed(names)}." if names else ""
