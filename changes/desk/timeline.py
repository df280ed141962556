"""The timeline of a change: its ledger entries, and what the forge and Fly told, in one order, newest first."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from changes.delivery.deploy_reviews import reviews_of
from changes.delivery.models import PullRequest, Release
from changes.desk.happening import Happening, from_releases, from_reviews
from changes.forges import NAMES
from changes.proposals.models import Change
from portal.access.models import User
from portal.ledger.queries import Entry, entries_about

SHOWN = 200
GONE = "The text of this entry was redacted by two people. The ledger says who and why."


WORDS: dict[str, tuple[str, str, str]] = {
    "change.opened": ("file-plus", "neutral", "opened the change"),
    "change.revised": ("pencil", "neutral", "edited the proposal"),
    "change.propose": ("send", "info", "put the change up for review"),
    "change.approve": ("stamp", "ok", "noted that the change may go to production"),
    "change.lapse": ("timer-off", "warn", "noted that the approval no longer counts"),
    "change.withdraw": ("circle-slash", "neutral", "withdrew the change"),
    "change.reopen": ("rotate-ccw", "neutral", "opened the change again"),
    "change.merge": ("git-merge", "info", "noted the merge to production"),
    "change.release": ("rocket", "ok", "noted that the change is in production"),
    "change.roll_back": ("undo-2", "bad", "noted that the change was rolled back"),
    "change.close": ("circle-check", "neutral", "closed the change"),
    "change.linked": ("link", "neutral", "linked a pull request"),
    "change.classified": ("tags", "neutral", "classified the change"),
    "change.emergency_declared": ("siren", "bad", "declared an emergency"),
    "emergency.declared": ("siren", "bad", "put the emergency on record"),
    "emergency.plus_one": ("thumbs-up", "ok", "gave the +1"),
    "emergency.plus_one_confirmed": ("badge-check", "ok", "confirmed the +1 from Slack"),
    "emergency.thread_opened": ("message-square-text", "info", "opened the thread in Slack"),
    "emergency.reason_asked": ("message-square-warning", "warn", "asked for the reason"),
    "emergency.reason_given": ("message-square-text", "info", "gave the reason"),
    "emergency.exception_added": ("triangle-alert", "bad", "tied an exception to the emergency"),
    "emergency.reminded": ("alarm-clock", "warn", "reminded of a review"),
    "emergency.escalated": ("alarm-clock", "bad", "told chair and compliance of an overdue review"),
    "change.push_linked": ("git-commit-horizontal", "bad", "tied a push past the pull requests to the change"),
    "change.push_taken_back": ("git-commit-horizontal", "neutral", "took a push back: a pull request accounts for it"),
    "change.push_counts_again": ("git-commit-horizontal", "bad", "counted a push again"),
    "change.take_back": ("rotate-ccw", "neutral", "took its own declaration back"),
    "change.requester_named": ("user-check", "neutral", "named the requester"),
    "decision.lapsed": ("gavel", "warn", "noted that a decision no longer counts"),
    "condition.set": ("list-checks", "warn", "set a condition"),
    "condition.fulfilled": ("list-checks", "ok", "said that a condition is done"),
    "condition.confirmed": ("list-checks", "ok", "confirmed that a condition is done"),
    "condition.sent_back": ("list-checks", "warn", "said that a condition is not done yet"),
    "waiver.proposed": ("file-pen-line", "warn", "wrote a waiver, because nobody is left who may approve"),
    "waiver.signed": ("signature", "warn", "signed the waiver"),
    "waiver.decided": ("signature", "warn", "signed the waiver, which is decided with that"),
    "waiver.withdrawn": ("file-x", "neutral", "took the waiver back"),
    "waiver.lapsed": ("timer-off", "warn", "noted that the waiver no longer counts"),
    "waiver.reviewed": ("clipboard-check", "ok", "looked at the waiver again"),
    "approval.given": ("circle-check", "ok", "approved for production"),
    "approval.refused": ("message-square-x", "bad", "asked for changes"),
    "approval.lapsed": ("timer-off", "warn", "let an approval lapse"),
    "window.planned": ("calendar-clock", "info", "planned when it goes out"),
    "window.cancelled": ("calendar-x", "neutral", "cancelled a planned window"),
    "freeze.override_asked": ("snowflake", "warn", "asked for an override of a freeze"),
    "freeze.override_confirmed": ("snowflake", "ok", "confirmed an override of a freeze"),
    "freeze.override_refused": ("snowflake", "bad", "refused an override of a freeze"),
    "edit.matched": ("pencil-ruler", "neutral", "tied an edit in a vendor's console to the change"),
    "comment.written": ("message-square", "neutral", "commented"),
    "comment.corrected": ("message-square", "neutral", "corrected a comment"),
    "follow_up.asked": ("list-checks", "info", "asked for a follow-up"),
    "follow_up.done": ("list-checks", "ok", "closed a follow-up"),
    "rollback.recorded": ("undo-2", "warn", "recorded a rollback"),
    "change.undoing": ("undo-2", "warn", "noted that production is going back behind the change"),
    "change.undone": ("undo-2", "bad", "noted that production runs without the change"),
    "change.joined": ("git-merge", "neutral", "noted that another change took over"),
    "change.class_raised": ("tags", "info", "raised a class"),
    "change.class_lowered": ("tags", "warn", "lowered a class"),
    "staging.signed_off": ("flask-conical", "ok", "signed off in staging"),
    "review.post_implementation": ("clipboard-check", "ok", "wrote the post-implementation review"),
    "review.retrospective": ("clipboard-check", "ok", "wrote the retrospective review"),
    "verdict.merge": ("scale", "info", "froze the verdict at the merge"),
    "verdict.release": ("scale", "info", "froze the verdict at the release"),
}
"""Icon, tone and words of each kind of entry. A kind without words here is shown by its code, so that nothing is hidden."""

OUTCOMES = {"compliant": "Compliant", "not_compliant": "Not compliant", "unproven": "Not proven"}
"""The same words as in the table of frozen verdicts."""


def happenings(*, change: Change, pull_requests: list[PullRequest], releases: list[Release]) -> list[Happening]:
    """All that happened. One query for the ledger, one for its names, one for reviews of deploys; the rest is loaded already."""
    found = entries_about(stream=f"change:{change.number}", limit=SHOWN)
    names = names_of(entry.actor for entry in found)
    entries = [_from_entry(entry, names) for entry in found]
    facts = [*_from_pull_requests(pull_requests), *from_releases(releases), *from_reviews(reviews_of(releases))]
    return sorted([*entries, *facts], key=lambda item: (item.at, item.id), reverse=True)


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """The names of the people among the actors of ledger entries, by how the ledger writes them. One query."""
    written = {actor.partition(":")[2] for actor in actors if actor.startswith("user:")}
    people = User.objects.filter(pk__in=[pk for pk in written if pk.isdecimal()])
    return {f"user:{pk}": name for pk, name in people.values_list("pk", "name")}


def _from_entry(entry: Entry, names: dict[str, str]) -> Happening:
    icon, tone, words = WORDS.get(entry.kind, ("file-text", "neutral", entry.kind))
    said = entry.fact.get("at")
    return Happening(
        id=f"e-{entry.hash[:16]}",
        at=datetime.fromisoformat(said) if isinstance(said, str) else entry.at,
        who=_who(entry, names),
        text=words,
        icon=icon,
        tone=tone,
        sub=GONE if entry.redacted else _sub(entry.kind, entry.fact),
    )


def _who(entry: Entry, names: dict[str, str]) -> str:
    named = entry.fact.get("by")
    if isinstance(named, str) and named:
        return named
    kind, _, rest = entry.actor.partition(":")
    if kind in NAMES:
        return rest.partition(":")[2] or NAMES[kind]
    others = {"portal": "Countersign", "shell": f"{rest} at the command line"}
    return names.get(entry.actor) or others.get(kind, entry.actor)


def _sub(kind: str, fact: Any) -> str:
    if kind == "change.linked":
        return f"{fact.get('pull_request')}: {fact.get('reason')}"
    if kind == "change.revised":
        return f"Revision {fact.get('revision')}"
    if kind.startswith("verdict."):
        return f"{OUTCOMES.get(fact.get('outcome'), 'Frozen')}, for {fact.get('subject')}"
    if kind == "staging.signed_off":
        return f"Commit {str(fact.get('commit', ''))[:7]}. {fact.get('note', '')}".strip()
    return str(fact.get("note") or fact.get("reason") or fact.get("text") or "")


def _from_pull_requests(rows: list[PullRequest]) -> Iterator[Happening]:
    for row in rows:
        for review in row.reviews.all():
            if review.submitted_at is not None and review.state != "pending":
                yield Happening(
                    id=f"r-{review.pk}",
                    at=review.submitted_at,
                    who=review.login,
                    text=f"{_review_verb(review.state)} #{row.number}",
                    icon="check" if review.state == "approved" else "message-square",
                    tone="ok" if review.state == "approved" else "neutral",
                    sub=f"On commit {review.commit_sha[:7]}" if review.commit_sha else "",
                    unconfirmed=review.confirmed_at is None,
                )
        if row.merged_at is not None:
            yield Happening(
                id=f"m-{row.pk}",
                at=row.merged_at,
                who=row.merged_by_login or "Somebody",
                text=f"merged #{row.number} into {row.base_ref}",
                icon="git-merge",
                sub=f"As commit {row.merge_sha[:7]}" if row.merge_sha else "",
                unconfirmed=row.confirmed_at is None,
            )


def _review_verb(state: str) -> str:
    verbs = {"approved": "approved", "changes_requested": "asked for changes in", "dismissed": "gave a review, since dismissed, on"}
    return verbs.get(state, "commented on")
