"""Why a gate says what it says: its rule in words, the parameters it used, the facts it looked at, what would have to happen. Pure.

The rules themselves stand in ``rules/``. What stands here is for readers: on the page under each gate and in the API.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from changes.gates.facts import ChangeFacts
from changes.gates.gate import Code
from changes.gates.looking import LOOKS
from portal.policy.parameters import Parameters
from portal.policy.words import WORDS as WORDS_OF

MOST = 20
"""Facts that are listed for one gate; how many more there are is said."""
NOTHING = "Nothing: the gate is done."

RULES_IN_WORDS: dict[Code, str] = {
    Code.PROPOSAL: (
        "A change has a title, says why it is done, and is either standard or an emergency. What a pull request's description"
        " says is a description. It is due before the merge to prod; for an emergency, by its retrospective review."
    ),
    Code.DECISION: (
        "Only a large change needs a decision of the architecture meeting: the last word on its present text says yes before its"
        " first merge into main or prod, has not lapsed and is not over. An emergency goes first."
    ),
    Code.PULL_REQUEST: (
        "A change starts as a pull request. A commit that went to prod without one fails the gate for good; a pull request that"
        " was closed without a merge is none."
    ),
    Code.REVIEW: (
        "Somebody who made none of its commits approved every pull request into main or prod, on the very commit that was merged,"
        " at or before the merge, and nobody's request for changes stood then. Everybody's last word counts; comments and bots"
        " have none. The +1 of an emergency stands in for it."
    ),
    Code.CI: (
        "Every required check, or every check that reported where none is known to be required, had passed on the merged head, or"
        " on the head that a merge queue made of it, at the merge. What runs after the merge changes nothing."
    ),
    Code.ROLLBACK: (
        "The proposal says how to undo the change. A migration, or a change of the kind database, names its snapshot, and with a"
        " snapshot it says what data would be lost."
    ),
    Code.STAGING: (
        "The commit that goes to prod, or the newest work on main that it contains, had succeeded in staging before the merge to"
        " prod, and a tester had signed it off where the portal approves. An emergency may skip it."
    ),
    Code.APPROVAL: (
        "Enough people who took no part in the change approved this text and this commit for production before the merge to prod."
        " A new push, a material edit, another class or a new contributor ends an approval. An emergency needs one +1 by somebody"
        " else before its release begins. Where nobody is left who may, chair and compliance manager decide together. Once there is"
        " a course, everybody involved is trained on the policy at the merge; an emergency does not wait for that."
    ),
    Code.MERGE: (
        "Prod moves by a merged pull request alone, pressed by somebody on the list of authorised mergers as of that day, and not"
        " in a hard freeze that two people have not overridden."
    ),
    Code.RELEASE: "The commit that was merged to prod is the one that was released to production and succeeded there.",
    Code.LOG: "Every release to production has its message in the one Slack channel, in time.",
    Code.REVIEW_AFTER: (
        "Somebody wrote down in time how it went. An emergency is besides reviewed in full by somebody who took no part, and a +1"
        " from Slack is confirmed in the portal."
    ),
}

PARAMETERS_USED: dict[Code, tuple[str, ...]] = {
    Code.PROPOSAL: ("retrospective_within_working_days",),
    Code.DECISION: ("large_changed_lines", "large_rules", "decision_lives"),
    Code.PULL_REQUEST: (),
    Code.REVIEW: ("ai_co_authors",),
    Code.CI: (),
    Code.ROLLBACK: ("migration_paths", "routine_rollback"),
    Code.STAGING: ("staging_soak", "sign_off_needed"),
    Code.APPROVAL: (
        *("approval_rules", "fresh_sign_in_within", "ai_co_authors"),
        *("training_on_joining_within", "training_repeated_every", "training_after_version_within"),
    ),
    Code.MERGE: ("freezes_hold_emergencies",),
    Code.RELEASE: (),
    Code.LOG: ("log_within",),
    Code.REVIEW_AFTER: (
        "review_within_working_days",
        "retrospective_within_working_days",
        "slack_plus_one_confirmed_within",
    ),
}


@dataclass(frozen=True)
class Used:
    """A parameter of the policy version with its value, both in words."""

    name: str
    words: str
    value: str


@dataclass(frozen=True)
class Explanation:
    """``looked_at`` are the facts behind the judgement, one sentence each."""

    rule: str
    parameters: tuple[Used, ...]
    looked_at: tuple[str, ...]
    next: str
    policy_version: str


def used_by(parameters: Parameters) -> Mapping[str, list[list[str]]]:
    """By gate: the parameters that it uses, each with its value in words, as JSON. The same for all changes of a moment."""
    return {str(code): [[name, value_of(getattr(parameters, name))] for name in names] for code, names in PARAMETERS_USED.items()}


def kept_about(code: str, facts: ChangeFacts, used: Mapping[str, list[list[str]]]) -> dict[str, Any]:
    """What is kept beside a gate, as JSON, so that it can be explained without asking for the facts again; ``used`` is what
    ``used_by`` says."""
    return {"looked_at": looked_at(code, facts), "used": used[code]}


def explanation(gate: Mapping[str, Any], *, policy_version: str) -> Explanation:
    """The explanation of a gate as it was kept."""
    used = tuple(Used(name, WORDS_OF[name].label, value) for name, value in gate.get("used", ()) if name in WORDS_OF)
    said = tuple(gate.get("looked_at", ()))
    return Explanation(RULES_IN_WORDS[Code(gate["code"])], used, said, gate["who"] or NOTHING, policy_version)


def looked_at(code: str, facts: ChangeFacts) -> list[str]:
    """The facts that a gate looks at, one sentence each; the first ``MOST`` of them."""
    found = list(dict.fromkeys(LOOKS[Code(code)](facts)))
    more = len(found) - MOST
    return [*found[:MOST], f"And {more} more."] if more > 0 else found


def value_of(value: Any) -> str:
    """A parameter's value in words."""
    for kind, said in WORDS.items():
        if isinstance(value, kind):
            return said(value)
    return str(value) or "none"


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {noun}{'' if seconds == size else 's'}"
    return f"{seconds} seconds" if seconds else "none"


def _several(value: tuple[Any, ...]) -> str:
    return "; ".join(_one(item) for item in value) or "none"


def _one(item: Any) -> str:
    """A rule of a table says itself; a plain text is shown as it stands."""
    if hasattr(item, "needed"):
        return f"{item.needed}{f' for {item.why}' if item.why else ' for every change'}"
    return str(getattr(item, "words", item))


WORDS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "yes" if value else "no",
    timedelta: _duration,
    tuple: _several,
}
