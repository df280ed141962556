"""Test a connection to Gitea or Forgejo: who answers, and which repositories are seen."""

from datetime import datetime
from functools import partial

from changes.connectors.checked import Checked, lacking
from changes.connectors.github import auth
from changes.connectors.github.checking import all_rows, counted, names_of
from changes.connectors.github.headers import HEADERS
from changes.connectors.http import Client
from changes.connectors.models import Source

PROBES = {
    "pull requests": "pulls",
    "branch protections (the account must administer the repository)": "branch_protections",
}


def check(*, source: Source, at: datetime) -> Checked:
    """Ask it now. Raises ``Passing`` and ``Permanent``."""
    token = auth.bearer(source=source, client=Client(base_url=source.api_url, headers=HEADERS), at=at)
    asking = Client(base_url=source.api_url, headers={**HEADERS, "Authorization": f"Bearer {token}"} if token else HEADERS)
    said = asking.request(path="/user").checked().json()
    login = str(said.get("login", "somebody") if isinstance(said, dict) else "somebody")[:100]
    names = names_of(all_rows(asking, "/user/repos", {"limit": 50}))
    missing = lacking((word, partial(_ask, asking, f"/repos/{names[0]}/{path}")) for word, path in PROBES.items() if names)
    return Checked(True, f"It answers as {login}, who sees {counted(names, 'repository', 'repositories')}", missing, offers=names)


def _ask(client: Client, path: str) -> None:
    client.request(path=path, query={"limit": 1}).checked()
