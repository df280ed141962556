"""Attributes of rows that are no changes: what a row itself says, by a table of short rules. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from audits.populations.facts import Row
from audits.populations.kinds import KINDS
from audits.populations.reading.code import BEFORE, BY_PULL_REQUEST
from portal.ledger.canonical import canonical

MET, FAILED, NOT_NEEDED, WAITING = "met", "failed", "not_needed", "waiting"


@dataclass(frozen=True)
class Answer:
    """What a vendor sent, byte for byte as it came in: by which way, when, and the text."""

    name: str
    at: str
    text: str

    def as_json(self) -> dict[str, str]:
        """For the sheet."""
        return asdict(self)


@dataclass(frozen=True)
class Attribute:
    """One attribute, read from records. ``raw`` is canonical JSON of what it rests on; ``at`` is RFC 3339, or empty."""

    name: str
    state: str
    sentence: str
    source: str
    at: str
    raw: str
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Now:
    """When the sheet is made, and the days that the policy sets then: what is not due yet has not failed."""

    at: datetime
    removed_within: timedelta


Rule = Callable[[Row, Now], tuple[str, str, str]]
"""A row and now in, and out come state, sentence and the column of its time."""


def attributes_of_row(kind: str, row: Row, *, now: Now) -> list[Attribute]:
    """The attributes of a row of this kind; every one of them rests on the frozen row."""
    raw, source = canonical(row), KINDS[kind].source
    found = []
    for name, rule in RULES[kind]:
        state, sentence, column = rule(row, now)
        found.append(Attribute(name, state, sentence, source, str(row.get(column) or ""), raw))
    return found


def named(column: str, yes: str, no: str, *, at: str = "") -> Rule:
    """Met when something stands in a column; ``{}`` in ``yes`` is replaced by it."""

    def rule(row: Row, now: Now) -> tuple[str, str, str]:
        said = str(row[column] or "")
        return (MET, yes.replace("{}", said), at) if said else (FAILED, no, at)

    return rule


def none(column: str, yes: str, no: str, *, at: str = "") -> Rule:
    """Met when nothing stands in a column; ``{}`` in ``no`` is replaced by it."""

    def rule(row: Row, now: Now) -> tuple[str, str, str]:
        said = str(row[column] or "")
        return (FAILED, no.replace("{}", said), at) if said else (MET, yes, at)

    return rule


def among(column: str, good: Sequence[str], idle: Sequence[str] = (), *, at: str = "") -> Rule:
    """Met for some values of a column, not needed for others, failed for the rest."""

    def rule(row: Row, now: Now) -> tuple[str, str, str]:
        said = str(row[column] or "")
        state = MET if said in good else NOT_NEEDED if said in idle else FAILED
        return state, f"{said or 'Nothing'}.", at

    return rule


def in_time(done: str, due: str, what: str) -> Rule:
    """Met when something was done by its day; waiting until that day; not needed where no day was set."""

    def rule(row: Row, now: Now) -> tuple[str, str, str]:
        when, until = str(row[done] or ""), str(row[due] or "")
        if not until:
            return NOT_NEEDED, f"No day was set for the {what}.", done
        if not when:
            return *_not_done(until, now, f"The {what} was not done; it was due {_day(until)}."), due
        state = MET if datetime.fromisoformat(when) <= datetime.fromisoformat(until) else FAILED
        return state, f"The {what} was done {_day(when)}; it was due {_day(until)}.", done

    return rule


def _not_done(until: str, now: Now, failed: str) -> tuple[str, str]:
    """State and sentence of what was not done: it has failed once its day is over."""
    waits = datetime.fromisoformat(until) > now.at
    return (WAITING, f"It is due {_day(until)}.") if waits else (FAILED, failed)


def another(one: str, other: str, what: str, *, at: str = "") -> Rule:
    """Met when two columns name two people."""

    def rule(row: Row, now: Now) -> tuple[str, str, str]:
        first, second = str(row[one] or ""), str(row[other] or "")
        state = MET if first and second and first != second else FAILED
        return state, f"{what}: {first or 'nobody'} and {second or 'nobody'}.", at

    return rule


def settled(row: Row, now: Now) -> tuple[str, str, str]:
    """Met by an exception that is not open; one that is open waits for its answer until that is due."""
    said = str(row["outcome"])
    if said != "Open":
        return MET, f"{said}.", ""
    return *(_not_done(str(row["due_at"]), now, "Open.") if row["due_at"] else (FAILED, "Open.")), "due_at"


def by_somebody_else(row: Row, now: Now) -> tuple[str, str, str]:
    """Met when another than the holder answered; not needed for an account of nobody; waiting while the answer is not due."""
    holder, answered = str(row["belongs_to"] or ""), str(row["answered_by"] or "")
    if not holder:
        return NOT_NEEDED, "The account belongs to nobody here.", "answered_at"
    if not answered and row["due_at"]:
        return *_not_done(str(row["due_at"]), now, f"Of {holder}; nobody answered."), "due_at"
    return MET if answered and answered != holder else FAILED, f"Of {holder}; answered by {answered or 'nobody'}.", "answered_at"


def removed(row: Row, now: Now) -> tuple[str, str, str]:
    """Met when the right has ended; waiting for as long as the policy gives."""
    if row["removed_at"]:
        return MET, f"Ended {_day(str(row['removed_at']))}.", "removed_at"
    due = datetime.fromisoformat(str(row["answered_at"])) + now.removed_within
    return *_not_done(due.isoformat(), now, "It is still held."), "answered_at"


def brought(row: Row, now: Now) -> tuple[str, str, str]:
    """Met by a commit of a pull request, also one of several that a rebase brought; not needed before the scope began."""
    said = {
        BY_PULL_REQUEST: (MET, "It came with others by one pull request, rebased."),
        BEFORE: (NOT_NEEDED, "It is from before the scope began."),
    }
    if row["pull_requests"]:
        return MET, f"Merged by {row['pull_requests']}.", "committed_at"
    return *said.get(str(row["outcome"]), (FAILED, "No pull request was merged as this commit.")), "committed_at"


def only_for(column: str, values: Sequence[str], rule: Rule, otherwise: str) -> Rule:
    """The rule for rows with some values of a column; not needed for others."""

    def narrowed(row: Row, now: Now) -> tuple[str, str, str]:
        return rule(row, now) if str(row[column]) in values else (NOT_NEEDED, otherwise, "")

    return narrowed


def _day(text: str) -> str:
    return f"on {datetime.fromisoformat(text):%-d %b %Y %H:%M} UTC"


NO_EXCEPTION = ("No exception", none("exceptions", "No exception stands against it.", "Stands against it: {}."))
PRODUCTION = ("production",)
RULES: dict[str, tuple[tuple[str, Rule], ...]] = {
    "commits": (
        ("By a pull request", brought),
        ("Of a change", named("changes", "Belongs to {}.", "It belongs to no change.", at="committed_at")),
        NO_EXCEPTION,
    ),
    "pull_requests": (
        ("Reviewed", named("approving_reviewers", "Approved by {}.", "Nobody approved it at the forge.", at="merged_at")),
        ("Of a change", named("changes", "Belongs to {}.", "It belongs to no change.", at="merged_at")),
        NO_EXCEPTION,
    ),
    "releases": (
        ("Of a known change", named("changes", "Carries {}.", "It carries no change.", at="created_at")),
        ("By a pull request", named("pull_requests", "Of {}.", "No pull request brought its commit.", at="created_at")),
        (
            "Logged in Slack",
            only_for(
                "environment",
                PRODUCTION,
                named("logged_at", "Logged at {}.", "No message is on record.", at="logged_at"),
                "Only releases to production are logged.",
            ),
        ),
        NO_EXCEPTION,
    ),
    "console_edits": (
        ("Of a change", named("changes", "Belongs to {}.", "No change covers it.", at="at")),
        NO_EXCEPTION,
    ),
    "exceptions": (
        ("Has an owner", named("owner", "{} has to answer.", "Nobody has to answer.", at="found_at")),
        (
            "Answered in time",
            only_for(
                "outcome",
                ("Open", "Explained", "Repaired", "Accepted"),
                in_time("answered_at", "due_at", "answer"),
                "Later evidence cleared it, or a rule filtered it.",
            ),
        ),
        ("Not open", settled),
    ),
    "waivers": (
        ("Decided by two people", another("chair", "compliance", "Chair and compliance manager", at="compliance_at")),
        ("Reviewed in time", in_time("reviewed_at", "review_at", "review")),
    ),
    "emergencies": (
        ("Declared by a person", among("outcome", ("Declared by a person",), at="declared_at")),
        ("+1 by another person", named("plus_one_by", "{} gave it.", "Nobody gave it.", at="plus_one_at")),
        ("Thread in Slack", named("thread", "It has one: {}", "It has none.", at="declared_at")),
        ("Retrospective in time", in_time("retrospective_at", "retrospective_due_at", "retrospective")),
        ("Reviewed in time", in_time("reviewed_at", "review_due_at", "review")),
    ),
    "meetings": (
        ("Held", among("outcome", ("Ended",), ("Planned", "Cancelled", "In session"), at="started_at")),
        ("With a quorum", among("quorum", ("Yes",), ("",), at="ended_at")),
    ),
    "decisions": (
        ("By a meeting or a vote", named("meeting", "{}.", "By neither.", at="at")),
        ("With a reason", named("reason", "{}", "No reason was recorded.", at="at")),
        ("Bound to a text", named("digest", "By the digest {}.", "It names no text.", at="at")),
    ),
    "training": (("Signed in time", among("outcome", ("Signed in time",), ("Nothing was due", "Still in time"), at="signed_at")),),
    "access_reviews": (
        ("Answered in time", in_time("answered_at", "due_at", "answer")),
        ("By somebody else", by_somebody_else),
        ("Removed", only_for("outcome", ("Remove",), removed, "It was not to be removed.")),
    ),
    "roles": (
        ("Granted by another", named("granted_by", "By {}.", "Nobody is named.", at="valid_from")),
        (
            "Two people behind a privileged role",
            only_for(
                "role",
                ("Approver", "Architect", "Chair", "Compliance manager", "Auditor", "Administrator"),
                another("granted_by", "seconded_by", "Granted and seconded by", at="valid_from"),
                "An engineer needs one person.",
            ),
        ),
        ("With a reason", named("reason", "{}", "No reason was given.", at="valid_from")),
    ),
    "limitations": (
        ("By two people", another("proposed_by", "confirmed_by", "Proposed and confirmed by", at="confirmed_at")),
        ("Something is done instead", named("control", "{}", "Nothing is named.", at="proposed_at")),
    ),
}
