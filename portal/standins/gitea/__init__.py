"""A stand-in of Gitea and Forgejo: GitHub's world in their dialect, over their REST API, their webhooks and Git."""

from portal.standins.gitea.standin import GiteaStandIn

__all__ = ["GiteaStandIn"]
