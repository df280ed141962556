"""Which changes are routine: dependency updates that bots made alone (PRODUCT "How a change flows", 1). Pure.

A routine change follows the same road with its own rule: its way back is filled in, and it may be approved together with
others. A person still reviews and approves it. Whatever else a bot touches, and whatever a person adds, makes it ordinary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from changes.proposals.paths import any_match
from portal.policy.parameters import DEFAULT, Parameters

WEB_FLOW = "web-flow"
"""The forge's own committer of what is made in the browser: nobody's hand."""


@dataclass(frozen=True)
class Work:
    """One pull request that carries the change. ``people`` made its commits; empty while they were not read."""

    author: str
    people: Sequence[Mapping[str, Any]]
    paths: Sequence[str] | None


@dataclass(frozen=True)
class Routine:
    """Whether the change is routine, and why or why not, in a sentence. Empty when no bot has to do with it."""

    yes: bool
    reason: str = ""


def routine_of(work: Iterable[Work], parameters: Parameters = DEFAULT) -> Routine:
    """The answer for the pull requests that carry one change. In doubt it is ordinary."""
    pieces = list(work)
    bots = {login.lower() for login in parameters.bot_accounts}
    if not any(piece.author.lower() in bots for piece in pieces):
        return Routine(False)
    why_not = next(filter(None, (_why_not(piece, bots, parameters) for piece in pieces)), "")
    if why_not:
        return Routine(False, f"An ordinary change: {why_not}.")
    names = " and ".join(sorted({piece.author for piece in pieces}))
    return Routine(True, f"A routine dependency update: {names} made it alone, and it touches only files of dependencies.")


def _why_not(piece: Work, bots: set[str], parameters: Parameters) -> str:
    if piece.author.lower() not in bots:
        return f"{piece.author or 'somebody'} opened a pull request of it"
    if not piece.people or piece.paths is None:
        return "its commits and files have not been read yet"
    person = next((_name(one) for one in piece.people if not _is_machine(one, bots)), "")
    if person:
        return f"{person} added to the work of {piece.author}"
    files = (*parameters.dependency_files, *parameters.lock_files)
    other = next((path for path in piece.paths if not any_match(path, files)), "" if piece.paths else "nothing")
    return f"it touches {other}" if other else ""


def _is_machine(person: Mapping[str, Any], bots: set[str]) -> bool:
    login = str(person.get("login") or "").lower()
    return login in bots or login == WEB_FLOW


def _name(person: Mapping[str, Any]) -> str:
    return str(person.get("name") or person.get("login") or person.get("email") or "somebody")
