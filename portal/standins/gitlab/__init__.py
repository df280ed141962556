"""A stand-in of GitLab: GitHub's world in its dialect, over its REST API (v4), its webhooks and Git."""

from portal.standins.gitlab.standin import GitLabStandIn

__all__ = ["GitLabStandIn"]
