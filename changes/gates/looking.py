"""Which facts each gate looks at, as sentences for readers. Pure; the judgement itself is made in ``rules/``."""

from collections.abc import Callable, Iterable, Iterator

from changes.delivery.actor import Actor
from changes.gates.facts import ChangeFacts, PullRequestFact, ReleaseFact
from changes.gates.gate import Code
from changes.gates.reading import (
    PRODUCTION,
    STAGING,
    contributors,
    counted,
    into_prod,
    listed,
    moment,
    name_of,
    releases_to,
    short,
)
from changes.gates.rules.checking import OWN_CHECK

Look = Callable[[ChangeFacts], Iterator[str]]
TEXTS = {"why": "why", "what": "what", "tested": "how it was tested", "rollback": "how to undo it"}


def _names(people: Iterable[Actor]) -> str:
    return listed(dict.fromkeys(actor.name or actor.account for actor in people))


def _proposal(facts: ChangeFacts) -> Iterator[str]:
    said = [words for name, words in TEXTS.items() if getattr(facts, name).strip()]
    yield f"Revision {facts.revision} is called “{facts.title[:120]}”."
    yield f"It says {listed(said)}." if said else "It says nothing else."
    yield f"Its category is {facts.category}; it was opened by {facts.opened_by.replace('_', ' ')}."


def _decision(facts: ChangeFacts) -> Iterator[str]:
    yield f"Its size is {facts.size}."
    yield f"Meetings are {'kept in the portal' if 'meetings' in facts.connected else 'not kept in the portal yet'}."
    for item in facts.decisions:
        about = "the present text" if item.digest == facts.revision_digest else "an earlier text"
        until = f", until {moment(item.expires_at)}" if item.expires_at else ""
        lapsed = f"; it lapsed: {item.lapsed}" if item.lapsed else ""
        where = item.meeting or "a written vote"
        yield f"Decision {item.number} of {where} {item.said} at {moment(item.at)}{until}, on {about}{lapsed}."


def _state(pr: PullRequestFact) -> str:
    if pr.merged_at is None:
        return f"{pr.state}, head {short(pr.head_sha)}"
    by = f" by {pr.merged_by.name}" if pr.merged_by else ""
    return f"merged at {moment(pr.merged_at)}{by} as {short(pr.merge_sha)}, head {short(pr.head_sha)}"


def _pushes(facts: ChangeFacts) -> Iterator[str]:
    for push in facts.direct_pushes:
        yield f"{push.by.name} pushed {short(push.commit)} to prod of {push.repository} at {moment(push.at)}."


def _pull_request(facts: ChangeFacts) -> Iterator[str]:
    for pr in facts.pull_requests:
        yield f"{name_of(pr)} ({pr.role.replace('_', ' ')} into {pr.base}) is {_state(pr)}."
    yield from _pushes(facts)
    if not facts.pull_requests and not facts.direct_pushes:
        yield "No pull request is linked."


def _review(facts: ChangeFacts) -> Iterator[str]:
    for pr in counted(facts):
        yield f"{name_of(pr)} is {_state(pr)}; its commits are by {_names((pr.author, *pr.contributors))}."
        for review in pr.reviews:
            at = moment(review.at) if review.at else "a time that is not known"
            bot = " (a bot)" if review.by.bot else ""
            yield f"{review.by.name}{bot}: {review.state.replace('_', ' ')} on {short(review.commit)} at {at}."
        if not pr.reviews:
            yield f"{name_of(pr)} has no review."


def _ci(facts: ChangeFacts) -> Iterator[str]:
    for pr in counted(facts):
        yield f"{name_of(pr)} is {_state(pr)}."
        if pr.required_checks is None:
            yield f"The checks that {pr.base} requires have not been read."
        else:
            yield f"{pr.base} requires {listed(pr.required_checks)}." if pr.required_checks else f"{pr.base} requires no check."
        for check in pr.checks:
            if check.name != OWN_CHECK:
                said = (check.conclusion or check.status).replace("_", " ")
                yield f"{check.name} on {short(check.commit)}: {said}{f' at {moment(check.at)}' if check.at else ''}."


def _rollback(facts: ChangeFacts) -> Iterator[str]:
    yield f"How to undo it is {'said' if facts.rollback.strip() else 'not said'} in revision {facts.revision}."
    if facts.target_release.strip():
        yield f"It goes back to {facts.target_release.strip()[:120]}."
    yield f"A snapshot is {'named' if facts.snapshot.strip() else 'not named'}."
    yield f"What data is lost is {'said' if facts.data_loss.strip() else 'not said'}."
    migration = {None: "The changed paths have not been read.", True: "It has a migration.", False: "It has no migration."}
    yield f"{migration[facts.has_migration]} Its kind is {facts.kind}."


def _releases(releases: Iterable[ReleaseFact]) -> Iterator[str]:
    for release in releases:
        at = f" at {moment(release.succeeded_at)}" if release.succeeded_at else ""
        yield f"{release.label} of {short(release.commit)} to {release.environment}: {release.state}{at}."


def _staging(facts: ChangeFacts) -> Iterator[str]:
    yield f"Its category is {facts.category}; approvals are given {_way(facts)}."
    found = releases_to(facts, STAGING)
    yield from _releases(found)
    if not found:
        yield "No release of it to staging is known."
    for item in facts.sign_offs:
        yield f"{item.by.name} signed {short(item.commit)} off at {moment(item.at)}."


def _way(facts: ChangeFacts) -> str:
    return "in the portal or by an approving review" if facts.approved_by == "review" else "in the portal alone"


def _approval(facts: ChangeFacts) -> Iterator[str]:
    yield f"It is {facts.category}, of size {facts.size}, kind {facts.kind} and {facts.risk or 'unknown'} risk."
    yield f"Approvals are given {_way(facts)}."
    yield f"{_names((*contributors(facts), facts.requester))} took part in it."
    for item in facts.approvals:
        lapsed = f"; it lapsed: {item.lapsed}" if item.lapsed else ""
        behalf = f" for {item.on_behalf_of}" if item.on_behalf_of else ""
        commit = short(item.head_sha) if item.head_sha else "no commit yet"
        yield f"{item.by.name}{behalf}: {item.verdict} on {commit} by {item.via} at {moment(item.at)}{lapsed}."
    for pr in into_prod(facts) if facts.approved_by == "review" else ():
        for review in pr.reviews:
            yield f"{review.by.name} on {name_of(pr)}: {review.state.replace('_', ' ')} on {short(review.commit)}."
    for waiver in facts.waivers:
        ended = "; it has ended" if waiver.ended_at else ""
        yield f"{waiver.chair.name} and {waiver.compliance.name} decided on a waiver at {moment(waiver.decided_at)}{ended}."
    yield from _training(facts)
    yield from _conditions(facts, "merge")


def _training(facts: ChangeFacts) -> Iterator[str]:
    if "training" not in facts.connected:
        yield "Training is not connected: the policy in force has no course."
    for item in facts.training:
        yield f"{item.by.name} {'is trained' if item.current else item.why}."


def _conditions(facts: ChangeFacts, before: str) -> Iterator[str]:
    for item in facts.conditions:
        if item.before == before:
            ended = "; it ended with its approval" if item.ended_at else ""
            yield f"Condition {item.number} of {item.set_by.name}: {item.state.replace('_', ' ')}{ended}."


def _merge(facts: ChangeFacts) -> Iterator[str]:
    for pr in into_prod(facts):
        yield f"{name_of(pr)} is {_state(pr)}."
        if pr.authorised_mergers is None:
            yield "No list of authorised mergers has been approved."
        else:
            yield f"On the list of authorised mergers: {_names(pr.authorised_mergers) or 'nobody'}."
    yield from _pushes(facts)
    for freeze in facts.freezes:
        hard = "hard" if freeze.hard else "soft"
        over = f", overridden by {listed(freeze.overridden_by)}" if freeze.overridden_at else ""
        yield f"Freeze {freeze.name} ({hard}): {moment(freeze.starts_at)} to {moment(freeze.ends_at)}{over}."


def _release(facts: ChangeFacts) -> Iterator[str]:
    for pr in into_prod(facts):
        yield f"{name_of(pr)} is {_state(pr)}."
    found = releases_to(facts, PRODUCTION)
    yield from _releases(found)
    if not found:
        yield "No release of it to production is known."
    yield from _conditions(facts, "release")


def _log(facts: ChangeFacts) -> Iterator[str]:
    yield f"Slack {'feeds' if 'slack' in facts.connected else 'does not feed'} the portal."
    yield from _releases(releases_to(facts, PRODUCTION))


def _review_after(facts: ChangeFacts) -> Iterator[str]:
    for words, due in (("post-implementation", facts.review_due_at), ("retrospective", facts.retrospective_due_at)):
        if due is not None:
            yield f"The {words} review is due {moment(due)}."
    for item in facts.reviews_after:
        kind, outcome = item.kind.replace("_", "-"), item.outcome.replace("_", " ")
        yield f"{item.by.name} wrote the {kind} review at {moment(item.at)}: {outcome}."
    if not facts.reviews_after:
        yield "No review has been written."
    yield from _conditions(facts, "after")


LOOKS: dict[Code, Look] = {
    Code.PROPOSAL: _proposal,
    Code.DECISION: _decision,
    Code.PULL_REQUEST: _pull_request,
    Code.REVIEW: _review,
    Code.CI: _ci,
    Code.ROLLBACK: _rollback,
    Code.STAGING: _staging,
    Code.APPROVAL: _approval,
    Code.MERGE: _merge,
    Code.RELEASE: _release,
    Code.LOG: _log,
    Code.REVIEW_AFTER: _review_after,
}
