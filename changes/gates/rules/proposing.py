"""Gates 1, 3 and 6: described, by pull request, with a way back (P-02, P-05, P-17, P-18)."""

from changes.gates.facts import ChangeFacts
from changes.gates.gate import Code, Evidence, Gate, Judgement, combined, gate, met, not_connected, open_or_failed
from changes.gates.reading import carrying, evidence_of, fast_lane, is_late, listed, moment, name_of, short, went_past
from portal.policy.clauses import Clause
from portal.policy.parameters import Parameters

CATEGORIES = ("standard", "emergency")
DATABASE = "database"
LONGEST_NAME = 60


def proposal(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 1: a title, why it is done, and a category. Whatever a pull request's description says is a description."""
    lacking = _lacking(facts)
    if not lacking:
        text = f"Described in revision {facts.revision}, {facts.category}"
        return gate(Code.PROPOSAL, met(text, _revision(facts), confirmed=_text_is_confirmed(facts)))
    return gate(
        Code.PROPOSAL,
        open_or_failed(
            late=_too_late_for_text(facts),
            reason=f"Revision {facts.revision} does not say {listed(lacking)}",
            who=f"{_asker(facts)} writes it into the pull request's description or the proposal.",
            evidence=(_revision(facts),),
        ),
    )


def _lacking(facts: ChangeFacts) -> list[str]:
    described = facts.why or (facts.opened_by != "form" and (facts.what or facts.tested))
    wanted = {
        "what it is called": facts.title.strip(),
        "why it is done": described.strip() if isinstance(described, str) else "",
        "whether it is standard or an emergency": facts.category in CATEGORIES,
    }
    return [words for words, there in wanted.items() if not there]


def pull_request(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 3: a change starts as a pull request; a push past it cannot be made good (P-02)."""
    if went_past(facts):
        return gate(Code.PULL_REQUEST, _pushed_past(facts))
    prs = carrying(facts)
    if prs:
        return combined(
            Code.PULL_REQUEST,
            [met(f"{name_of(pr)} by {pr.author.name}", *evidence_of(pr), confirmed=pr.confirmed) for pr in prs],
        )
    closed = [pr for pr in facts.pull_requests if pr.role != "back_merge"]
    reason = f"{listed(name_of(pr) for pr in closed)} was closed without a merge" if closed else "No pull request is linked yet"
    who = f"{_asker(facts)} opens a pull request that names CHG-{facts.number} in its title, branch or description."
    return gate(Code.PULL_REQUEST, open_or_failed(late=False, reason=reason, who=who))


def _pushed_past(facts: ChangeFacts) -> Judgement:
    pushes = [f"{push.by.name} pushed {short(push.commit)} to prod at {moment(push.at)}" for push in facts.direct_pushes]
    return open_or_failed(
        late=True,
        reason=f"{listed(pushes) or 'A commit went to prod'} without a pull request",
        who="",
        evidence=push_evidence(facts),
        confirmed=all(push.confirmed for push in facts.direct_pushes),
    )


def push_evidence(facts: ChangeFacts) -> tuple[Evidence, ...]:
    """The commits that went past the pull requests."""
    return tuple(
        Evidence(f"Commit {short(push.commit)}", f"commit:{push.repository}@{push.commit}") for push in facts.direct_pushes
    )


def rollback(facts: ChangeFacts, parameters: Parameters) -> Gate:
    """Gate 6: how to go back is written down before approval, with the snapshot where data would change (P-17, P-18).

    A migration, or a change of the kind database, names a snapshot; where there is one, a sentence says what data is lost.
    """
    missing, clause = _missing_from_plan(facts)
    if missing:
        return gate(Code.ROLLBACK, _no_way_back(facts, missing, clause))
    sure = _text_is_confirmed(facts)
    if facts.snapshot.strip():
        text = f"Revision {facts.revision} says how to undo it, names its snapshot and says what data is lost"
        return gate(Code.ROLLBACK, met(f"{text}{_target(facts)}", _revision(facts), confirmed=sure))
    if facts.has_migration is None:
        text = "the changed paths have not been read, so a migration, which needs a snapshot, cannot be ruled out"
        return gate(Code.ROLLBACK, not_connected(text, _revision(facts), who="The portal reads the paths by itself."))
    text = f"Revision {facts.revision} says how to undo it{_target(facts)}; it has no migration"
    return gate(Code.ROLLBACK, met(text, _revision(facts), confirmed=sure))


def _missing_from_plan(facts: ChangeFacts) -> tuple[str, Clause]:
    """What the way back does not say, to end a sentence with; empty when nothing is missing."""
    if not facts.rollback.strip():
        return "how to undo it", Clause.ROLLBACK
    if facts.snapshot.strip():
        return ("" if facts.data_loss.strip() else "what data is lost on the way back, and it names a snapshot"), Clause.SNAPSHOT
    if facts.has_migration:
        return "its snapshot and how to restore it, and it has a database migration", Clause.SNAPSHOT
    if facts.kind == DATABASE:
        return "its snapshot and how to restore it, and it is a change of the database", Clause.SNAPSHOT
    return "", Clause.ROLLBACK


def _target(facts: ChangeFacts) -> str:
    """The release to go back to, within the sentence; it may be the text of a stranger, so it is kept short."""
    name = " ".join(facts.target_release.split())
    return f", back to {name if len(name) <= LONGEST_NAME else f'{name[: LONGEST_NAME - 1]}…'}" if name else ""


def _no_way_back(facts: ChangeFacts, missing: str, clause: Clause) -> Judgement:
    return open_or_failed(
        late=_too_late_for_text(facts),
        reason=f"Revision {facts.revision} does not say {missing}",
        who=f"{_asker(facts)} writes it down{', at the latest for the retrospective' if fast_lane(facts) else ''}.",
        evidence=(_revision(facts),),
        clause=clause,
    )


def _too_late_for_text(facts: ChangeFacts) -> bool:
    """Texts are due before prod; those of an emergency by its retrospective review (P-22)."""
    if not fast_lane(facts):
        return is_late(facts)
    return facts.retrospective_due_at is not None and facts.as_of > facts.retrospective_due_at


def _text_is_confirmed(facts: ChangeFacts) -> bool:
    """A text that was lifted from a pull request is as sure as that pull request; one from the form is sure."""
    return facts.opened_by != "pull_request" or all(pr.confirmed for pr in carrying(facts))


def _revision(facts: ChangeFacts) -> Evidence:
    return Evidence(f"Revision {facts.revision}", f"revision:CHG-{facts.number}/{facts.revision}")


def _asker(facts: ChangeFacts) -> str:
    return facts.requester.name or "The requester"
