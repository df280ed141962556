"""Who handles what people do in Slack. A feature registers its own handlers; the connector knows none by name.

A module that registers is listed in ``changes/apps.py`` JOINS, so that it is imported in every process:

    @routing.command("emergency", usage="what is broken | the fix | how to undo it", empty=form_address)
    def declare(*, person: User, asked: Asked, at: datetime) -> str: ...

    @routing.action("emergency.plus_one")
    @routing.reaction("+1")

The handler runs in the worker, in the transaction that applies the request, and returns what the person is told (empty:
nothing). ``at`` is when the request arrived. A ``Refused`` or ``Stale`` becomes the answer in its own words. Unknown people
never reach a handler: they are told what to do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from changes.connectors.slack.payloads import Asked
from portal.access.models import User


class Handler(Protocol):
    """Does what somebody asked for in Slack; returns the answer for this person alone."""

    def __call__(self, *, person: User, asked: Asked, at: datetime) -> str: ...


Registered = TypeVar("Registered", bound=Handler)


@dataclass(frozen=True)
class Command:
    """A word behind ``/change``: how it is used, and what is answered at once when nothing stands behind it."""

    handler: Handler
    usage: str
    empty: Callable[[], str] | None


_commands: dict[str, Command] = {}
_actions: dict[str, Handler] = {}
_reactions: dict[str, Handler] = {}


def command(word: str, *, usage: str = "", empty: Callable[[], str] | None = None) -> Callable[[Registered], Registered]:
    """Register a handler for ``/change <word> …``. ``empty`` answers a bare word at the door; the handler is not called."""

    def register(handler: Registered) -> Registered:
        known = _commands.get(word)
        _once(known.handler if known else None, handler, f"/change {word}")
        _commands[word] = Command(handler, usage, empty)
        return handler

    return register


def action(action_id: str) -> Callable[[Registered], Registered]:
    """Register a handler for the button with this action id."""

    def register(handler: Registered) -> Registered:
        _once(_actions.get(action_id), handler, action_id)
        _actions[action_id] = handler
        return handler

    return register


def reaction(name: str) -> Callable[[Registered], Registered]:
    """Register a handler for a reaction (any skin tone) to one of the portal's own messages, given and taken back."""

    def register(handler: Registered) -> Registered:
        _once(_reactions.get(name), handler, name)
        _reactions[name] = handler
        return handler

    return register


def _once(known: Handler | None, handler: Handler, what: str) -> None:
    if known is not None and known != handler:
        raise ValueError(f"two handlers for {what!r}")


def handler_of(asked: Asked) -> Handler | None:
    """Who handles this; None when nobody does."""
    if asked.what == "command":
        known = _commands.get(asked.name)
        return known.handler if known and (asked.text or known.empty is None) else None
    return (_actions if asked.what == "action" else _reactions).get(asked.name)


def first_answer(*, word: str, text: str) -> str:
    """What a command is answered at once, before any worker has seen it: help, where to go, or that it was received."""
    known = _commands.get(word)
    if known is None:
        return _help(word)
    if not text and known.empty is not None:
        return known.empty()
    return "Received. The answer follows here in a moment."


def _help(word: str) -> str:
    """In Slack's own marking, so what was typed is not repeated."""
    lines = [f"`/change {name} {known.usage}`".replace(" `", "`") for name, known in sorted(_commands.items())]
    listed = "\n".join(lines) or "No command is set up in this portal yet."
    return listed if word in ("", "help") else f"Countersign does not know this command. There is:\n{listed}"
