"""A stand-in of Slack: Web API, events, buttons and slash commands of one workspace."""

from portal.standins.slack.standin import SlackStandIn
from portal.standins.slack.world import SlackError

__all__ = ["SlackError", "SlackStandIn"]
