"""Who handles what: one handler each, found again by what was asked."""

import pytest

from changes.connectors.slack import routing
from changes.connectors.slack.payloads import Asked


def asked(what, name, **more):
    return Asked(what=what, name=name, user="U1", team="T1", channel="C1", **more)


def other(*, person, asked, at):
    return ""


def test_each_handler_is_found_by_what_was_asked(routes):
    assert routing.handler_of(asked("command", "emergency", text="x")) == routes.handle
    assert routing.handler_of(asked("action", "plus_one")) == routes.handle
    assert routing.handler_of(asked("reaction", "+1")) == routes.handle
    for nobody in (asked("command", "plus_one", text="x"), asked("action", "+1"), asked("reaction", "emergency")):
        assert routing.handler_of(nobody) is None


def test_a_bare_word_is_answered_at_the_door_or_else_handled(routes):
    routing.command("status")(other)

    assert routing.handler_of(asked("command", "emergency")) is None
    assert routing.handler_of(asked("command", "status")) is other
    assert routing.first_answer(word="status", text="").startswith("Received")
    assert routing.first_answer(word="", text="") == "`/change emergency what | fix | undo`\n`/change status`"


@pytest.mark.parametrize("register", [routing.command("emergency"), routing.action("plus_one"), routing.reaction("+1")])
def test_two_handlers_for_one_thing_are_a_mistake(routes, register):
    register(routes.handle)

    with pytest.raises(ValueError, match="two handlers"):
        register(other)


def test_without_any_command_help_says_so(routes, monkeypatch):
    monkeypatch.setattr(routing, "_commands", {})

    assert routing.first_answer(word="help", text="") == "No command is set up in this portal yet."
