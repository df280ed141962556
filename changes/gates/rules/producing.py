"""Gates 9 to 12: merged by an authorised person, released as merged, logged, reviewed afterwards (P-08, P-14, P-20, P-22)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from changes.delivery.actor import Actor
from changes.gates.facts import ApprovalFact, ChangeFacts, FreezeFact, PullRequestFact, ReleaseFact, ReviewAfterFact
from changes.gates.gate import Code, Evidence, Gate, Judgement, combined, gate, met, not_connected, open_or_failed
from changes.gates.reading import (
    PRODUCTION,
    by_queue,
    contributors,
    deployed_at,
    evidence_of,
    into_prod,
    is_emergency,
    is_late,
    is_one_of,
    listed,
    merger,
    moment,
    name_of,
    releases_to,
    repositories,
    short,
    told,
    went_past,
)
from changes.gates.rules.conditions import afterwards, before_release
from changes.gates.rules.freezing import OVERRIDERS, holding, remarks_on
from changes.gates.rules.proposing import push_evidence
from changes.gates.rules.staging import release_evidence
from changes.gates.rules.words import YES, approval_evidence
from portal.policy.clauses import Clause
from portal.policy.parameters import Parameters

FLY, SLACK = "fly", "slack"
DEPLOYER = "Whoever deploys releases the merged commit, or rolls back."
POST_IMPLEMENTATION, RETROSPECTIVE = "post_implementation", "retrospective"


def merge(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 9: prod moves only by a merged pull request, and by somebody on the list as of that day (P-08, P-20)."""
    if went_past(facts):
        pushes = listed(f"{push.by.name} pushed {short(push.commit)}" for push in facts.direct_pushes) or "A commit was pushed"
        return gate(
            Code.MERGE,
            open_or_failed(
                late=True,
                reason=f"{pushes} to prod past every pull request",
                who="",
                evidence=push_evidence(facts),
                confirmed=all(push.confirmed for push in facts.direct_pushes),
                clause=Clause.PROD_RESTRICTED,
            ),
        )
    ways = into_prod(facts)
    missing = [name for name in repositories(facts) if not any(pr.repository == name for pr in ways)]
    parts = [_judge_merge(pr, facts, parameters) for pr in ways] + [_not_promoted(name) for name in missing]
    return combined(Code.MERGE, parts or [_not_promoted("")])


def _not_promoted(repository: str) -> Judgement:
    reason = f"{repository}: there is no pull request into prod yet" if repository else "There is no pull request into prod yet"
    return open_or_failed(late=False, reason=reason, who="The requester opens the promotion from main to prod.")


def _judge_merge(pr: PullRequestFact, facts: ChangeFacts, parameters: Parameters) -> Judgement:
    """A freeze that holds it speaks first; one that does not is told at the end."""
    asked = {"environment": PRODUCTION, "repository": pr.repository}
    freeze = holding(facts, parameters, at=pr.merged_at or facts.as_of, **asked)
    if freeze is not None:
        return _held(pr, freeze)
    judged = _judge_merger(pr)
    remarks = remarks_on(facts, parameters, at=pr.merged_at or facts.as_of, **asked)
    return replace(judged, reason="; ".join([judged.reason, *remarks]))


def _held(pr: PullRequestFact, freeze: FreezeFact) -> Judgement:
    evidence, clause = evidence_of(pr), Clause.PROD_RESTRICTED
    if pr.merged_at is None:
        reason = f"{name_of(pr)} waits until {moment(freeze.ends_at)}: the freeze {freeze.name} holds production"
        waiting = open_or_failed(late=False, reason=reason, who=OVERRIDERS, evidence=evidence, clause=clause)
        return replace(waiting, held=True)
    reason = f"{name_of(pr)} was merged at {moment(pr.merged_at)}, in the freeze {freeze.name} and without an override"
    return open_or_failed(late=True, reason=reason, who="", evidence=evidence, confirmed=pr.confirmed, clause=clause)


def _judge_merger(pr: PullRequestFact) -> Judgement:
    evidence = evidence_of(pr)
    if pr.merged_at is None:
        who = f"Somebody on the list of authorised mergers merges {name_of(pr)} once the gates before this one are met."
        return open_or_failed(late=False, reason=f"{name_of(pr)} is not merged yet", who=who, evidence=evidence)
    if pr.merged_by is None:
        text = f"{name_of(pr)} was merged at {moment(pr.merged_at)}, and by whom has not been read"
        return not_connected(text, *evidence, who="The portal reads it by itself.", confirmed=pr.confirmed)
    merged = f"merged by {pr.merged_by.name} at {moment(pr.merged_at)}"
    if pr.authorised_mergers is None:
        text = f"{name_of(pr)} {merged}; no list of authorised mergers has been approved"
        who = "The architecture team approves the list of people who may merge to prod."
        return not_connected(text, *evidence, who=who, confirmed=pr.confirmed)
    actor = merger(pr)
    if actor is None:
        text = f"{name_of(pr)} {merged}, the merge queue, and who put it there has not been read"
        return not_connected(text, *evidence, who="The portal reads it by itself, if the forge tells it.", confirmed=pr.confirmed)
    merged += f", the merge queue, into which it was put by {actor.name}" if by_queue(pr) else ""
    if is_one_of(actor, pr.authorised_mergers):
        return met(f"{name_of(pr)} {merged}, who is on the list", *evidence, confirmed=pr.confirmed)
    reason = f"{name_of(pr)} {merged}, who is not on the list of authorised mergers"
    return open_or_failed(late=True, reason=reason, who="", evidence=evidence, confirmed=pr.confirmed)


def release(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 10: the commit that was merged is the one that runs in production (P-08, P-12)."""
    if went_past(facts):
        late = open_or_failed(late=True, reason="What was released was never merged", who="", evidence=push_evidence(facts))
        return gate(Code.RELEASE, late)
    newest = [_newest_merge(facts, name) for name in repositories(facts)]
    parts = [_judge_release(pr, facts) for pr in newest] or [_judge_release(None, facts)]
    return combined(Code.RELEASE, [*parts, *before_release(facts)])


def _newest_merge(facts: ChangeFacts, repository: str) -> PullRequestFact | None:
    merged = [(pr.merged_at, pr) for pr in into_prod(facts) if pr.repository == repository and pr.merged_at]
    return max(merged, key=lambda item: item[0])[1] if merged else None


def _judge_release(pr: PullRequestFact | None, facts: ChangeFacts) -> Judgement:
    if pr is None or pr.merged_at is None:
        return open_or_failed(late=False, reason="Not merged to prod yet", who="Nobody before the merge.")
    ours = [item for item in releases_to(facts, PRODUCTION) if pr.merge_sha and item.commit == pr.merge_sha]
    good = [item for item in ours if item.succeeded_at]
    if good:
        text = (
            f"{name_of(pr)}: {short(pr.merge_sha)} succeeded in production at {moment(good[0].succeeded_at or good[0].created_at)}"
        )
        return met(text, *evidence_of(pr), *map(release_evidence, good), confirmed=good[0].confirmed)
    return _not_released(pr, facts, ours)


def _not_released(pr: PullRequestFact, facts: ChangeFacts, ours: list[ReleaseFact]) -> Judgement:
    since = pr.merged_at or facts.as_of
    others = [item for item in releases_to(facts, PRODUCTION) if item.commit and item.created_at > since and item not in ours]
    evidence = (*evidence_of(pr), *map(release_evidence, ours or others))
    if ours and ours[-1].state == "failed":
        return _wrong_release(f"{name_of(pr)}: {told(ours[-1])}", evidence, ours[-1])
    if ours:
        reason = f"{name_of(pr)}: {told(ours[-1])}"
        return open_or_failed(late=False, reason=reason, who=DEPLOYER, evidence=evidence)
    if others:
        reason = f"{name_of(pr)}: released {short(others[-1].commit)}, merged {short(pr.merge_sha)}"
        return _wrong_release(reason, evidence, others[-1])
    if not facts.releases and FLY not in facts.connected:
        text = f"{name_of(pr)} is merged, and no release has been reported from anywhere"
        return not_connected(text, *evidence, who="An administrator connects Fly or GitHub deployments.")
    reason = f"{name_of(pr)}: {short(pr.merge_sha)} is not released yet"
    return open_or_failed(late=False, reason=reason, who=DEPLOYER, evidence=evidence)


def _wrong_release(reason: str, evidence: tuple[Evidence, ...], seen: ReleaseFact) -> Judgement:
    return open_or_failed(late=True, reason=reason, who=DEPLOYER, evidence=evidence, confirmed=seen.confirmed, remedy=DEPLOYER)


def log(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 11: the release stands in the Slack channel, in time (P-14). Before the log was kept that is not known."""
    if SLACK not in facts.connected:
        text = "Slack does not feed the portal yet, so whether the release was logged is not known"
        return gate(Code.LOG, not_connected(text, who="An administrator connects Slack."))
    released = deployed_at(facts)
    if released is None:
        text = "Not released to production yet"
        return gate(Code.LOG, open_or_failed(late=False, reason=text, who="The portal posts it by itself."))
    if messages := [row for row in releases_to(facts, PRODUCTION) if row.logged_at is not None]:
        return gate(Code.LOG, _logged(min(messages, key=_logged_at), released + parameters.log_within))
    return gate(
        Code.LOG,
        open_or_failed(
            late=facts.as_of > released + parameters.log_within,
            reason=f"Released at {moment(released)}, and no message is on record",
            who="The portal posts it by itself.",
        ),
    )


def _logged_at(row: ReleaseFact) -> datetime:
    return row.logged_at or row.created_at


def _logged(first: ReleaseFact, due: datetime) -> Judgement:
    """The first message of the release counts, when it came in time."""
    at, evidence = _logged_at(first), Evidence("the message in Slack", first.logged_url)
    if at <= due:
        return met(f"Logged in Slack at {moment(at)}", evidence)
    reason = f"Logged in Slack at {moment(at)}, due by {moment(due)}"
    return open_or_failed(late=True, reason=reason, who="Nobody: it was late.", evidence=(evidence,))


def review_after(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 12: how it went, in time; for an emergency also the full review by somebody who took no part (P-22)."""
    if not is_late(facts):
        early = open_or_failed(late=False, reason="Due after the release to production", who="Nobody before the release.")
        return gate(Code.REVIEW_AFTER, early)
    parts = [_judge_after(facts, POST_IMPLEMENTATION, "Post-implementation review", facts.review_due_at, ())]
    if is_emergency(facts):
        taking_part = (*contributors(facts), facts.requester, *plus_one_givers(facts))
        parts.append(_judge_after(facts, RETROSPECTIVE, "Retrospective review", facts.retrospective_due_at, taking_part))
        parts += _judge_words_from_slack(facts, parameters)
    return combined(Code.REVIEW_AFTER, [*parts, *afterwards(facts)])


def plus_one_givers(facts: ChangeFacts) -> tuple[Actor, ...]:
    """Everybody who said yes at any time: approvers in the portal and approving reviewers of what went to prod."""
    reviewers = [review.by for pr in into_prod(facts) for review in pr.reviews if review.state == "approved"]
    return (*(item.by for item in facts.approvals if item.verdict == YES), *reviewers)


def _judge_words_from_slack(facts: ChangeFacts, parameters: Parameters) -> list[Judgement]:
    """A +1 from Slack opens the gate at once, and its giver stands by it in the portal within a day: T4 of the threats."""
    given = [item for item in facts.approvals if item.via == SLACK and item.verdict == YES and not item.lapsed]
    return [_confirmed(item, item.at + parameters.slack_plus_one_confirmed_within, facts.as_of) for item in given]


def _confirmed(item: ApprovalFact, due: datetime, now: datetime) -> Judgement:
    mark, who = approval_evidence(item), f"{item.by.name} confirms it on the change's page."
    if item.confirmed_at is None:
        reason = f"The +1 that {item.by.name} gave in Slack is not confirmed in the portal, due {moment(due)}"
        return open_or_failed(late=now > due, reason=reason, who=who, evidence=(mark,), remedy=who)
    text = f"{item.by.name} confirmed the +1 from Slack at {moment(item.confirmed_at)}"
    if item.confirmed_at > due:
        return open_or_failed(late=True, reason=f"{text}, but it was due {moment(due)}", who="", evidence=(mark,))
    return met(text, mark)


def _judge_after(facts: ChangeFacts, kind: str, name: str, due: datetime | None, excluded: Iterable[Actor]) -> Judgement:
    people = tuple(excluded)
    written = [item for item in facts.reviews_after if item.kind == kind and not item.by.bot and not is_one_of(item.by, people)]
    first = min(written, key=lambda item: item.at, default=None)
    if first is None:
        others = f"Anybody but {listed(dict.fromkeys(actor.name for actor in people if actor.name))}" if people else "The requester"
        due_text = f"due {moment(due)}" if due else "its due time is set at the release"
        late = due is not None and facts.as_of > due
        who = f"{others} writes it on the change's page."
        return open_or_failed(late=late, reason=f"{name} is missing, {due_text}", who=who, remedy=who)
    return _in_time(first, name, due)


def _in_time(written: ReviewAfterFact, name: str, due: datetime | None) -> Judgement:
    mark = Evidence(f"{name} by {written.by.name}", f"review_after:{written.kind}@{written.by.account}")
    text = f"{name} by {written.by.name} at {moment(written.at)}: {written.outcome.replace('_', ' ')}"
    if due is None:
        return not_connected(f"{text}, and when it was due is not known", mark, who="The portal sets the time at the release.")
    if written.at > due:
        return open_or_failed(late=True, reason=f"{text}, but it was due {moment(due)}", who="", evidence=(mark,))
    return met(text, mark)
