"""The stand-ins for the tests of the stand-ins themselves."""

from tests.standins import fly_standin, github_standin, northwind, slack_standin

__all__ = ["fly_standin", "github_standin", "northwind", "slack_standin"]
