"""Test a connection to GitLab: who answers, which projects are seen, what the token may do, when it ends."""

from datetime import UTC, date, datetime, time

from changes.connectors.checked import Checked
from changes.connectors.errors import Permanent
from changes.connectors.github import auth
from changes.connectors.github.checking import all_rows, counted, names_of
from changes.connectors.github.headers import HEADERS
from changes.connectors.gitlab.objects import GROUPS
from changes.connectors.http import Client
from changes.connectors.models import Source

MAINTAINER = 40


def check(*, source: Source, at: datetime) -> Checked:
    """Ask it now; ``offers`` are projects of which the account is a maintainer. Raises ``Passing`` and ``Permanent``."""
    token = auth.bearer(source=source, client=Client(base_url=source.api_url, headers=HEADERS), at=at)
    asking = Client(base_url=source.api_url, headers={**HEADERS, "Authorization": f"Bearer {token}"})
    said = asking.request(path="/user").checked().json()
    login = str(said.get("username", "somebody") if isinstance(said, dict) else "somebody")[:100]
    query: dict[str, str | int] = {"membership": "true", "min_access_level": MAINTAINER, "per_page": 100, "simple": "true"}
    names = names_of(all_rows(asking, "/projects", query), called="path_with_namespace", deepest=GROUPS)
    scopes, ends = _own(asking)
    missing = ("api",) if scopes and "api" not in scopes else ()
    words = f"GitLab answers as {login}, who maintains {counted(names, 'project', 'projects')}"
    return Checked(True, words, missing, ends, names)


def _own(asking: Client) -> tuple[list[str], datetime | None]:
    """Scopes and end of the token; a token of a project or group is not told them."""
    try:
        said = asking.request(path="/personal_access_tokens/self").checked().json()
    except Permanent:
        return [], None
    if not isinstance(said, dict):
        return [], None
    ends = said.get("expires_at")
    try:
        day = date.fromisoformat(ends) if isinstance(ends, str) else None
    except ValueError:
        day = None
    return [str(scope) for scope in said.get("scopes") or ()], datetime.combine(day, time(), UTC) if day else None
