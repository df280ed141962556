"""A stand-in of GitHub: real Git repositories, the REST API of version 2022-11-28, signed webhooks."""

from portal.standins.github.errors import GitHubError
from portal.standins.github.standin import GitHubStandIn

__all__ = ["GitHubError", "GitHubStandIn"]
