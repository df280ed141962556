"""The forges, by kind of source: which client reads a repository there. Listed by hand."""

from datetime import datetime

from changes.connectors.gitea.client import Gitea
from changes.connectors.github.client import GitHub
from changes.connectors.gitlab.client import GitLab
from changes.connectors.models import Source

CLIENTS: dict[str, type[GitHub]] = {"github": GitHub, "gitea": Gitea, "gitlab": GitLab}


def client_of(*, source: Source, repository_name: str, at: datetime) -> GitHub:
    """The client of one repository at one forge."""
    return CLIENTS[source.kind](source=source, repository_name=repository_name, at=at)
