"""A source that is connected to the stand-in of Slack, people who are known, and handlers that only note what they get."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from changes.connectors.actions import connect_slack
from changes.connectors.door import forget
from changes.connectors.slack import routing
from tests.standins import slack_standin

__all__ = ["slack_standin"]

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _unknown_sources():
    """No test finds what the door remembers from another."""
    forget()


@pytest.fixture
def source(slack_standin, settings):
    """Slack as `manage.py connect slack` connects it, at the stand-in."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    return connect_slack(
        token=slack_standin.token,
        signing_secret=SECRET,
        channel=slack_standin.channel("production-changes")["channel_id"],
        emergencies=slack_standin.channel("emergencies")["channel_id"],
        api_url=slack_standin.api_url,
        at=AT,
    )


@dataclass
class Routes:
    """What the handlers of a test got, and what they answer (a text, or something to raise)."""

    got: list = field(default_factory=list)
    answer: object = "Done."

    def handle(self, *, person, asked, at):
        self.got.append((person, asked, at))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def routes(monkeypatch):
    """A routing table of this test alone: `emergency`, the button `plus_one`, and the reaction `+1`."""
    for table in ("_commands", "_actions", "_reactions"):
        monkeypatch.setattr(routing, table, {})
    made = Routes()
    routing.command("emergency", usage="what | fix | undo", empty=lambda: "Use the form.")(made.handle)
    routing.action("plus_one")(made.handle)
    routing.reaction("+1")(made.handle)
    return made
