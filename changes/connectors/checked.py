"""What a test of a connection found: does the credential work, what does it lack, when does it end. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from changes.connectors.errors import Forbidden, NotFound, Unauthorised

SOON = timedelta(days=14)
"""How long before its end a token is said to end."""


@dataclass(frozen=True)
class Checked:
    """``missing`` names permissions in the vendor's own words; ``offers`` is what could be in scope, as the credential sees it."""

    works: bool
    words: str
    missing: tuple[str, ...] = ()
    expires_at: datetime | None = None
    offers: tuple[str, ...] = ()
    installation_id: str = ""
    """Of a GitHub App, where it has exactly one."""

    def sentence(self, *, at: datetime) -> str:
        """One sentence or three: what works, what is missing, when the token ends."""
        said = [self.words.rstrip(".") + "."]
        if self.missing:
            said.append(f"The token lacks: {', '.join(self.missing)}.")
        if self.expires_at is not None:
            ends = "ended" if self.expires_at <= at else "ends soon, on" if self.expires_at - at < SOON else "ends on"
            said.append(f"It {ends} {self.expires_at:%-d %b %Y}.")
        return " ".join(said)


def lacking(probes: Iterable[tuple[str, Callable[[], object]]]) -> tuple[str, ...]:
    """The names of those questions that the credential may not ask, once it has been answered. Vendors say 401 and 404 as well."""
    found = []
    for name, question in probes:
        try:
            question()
        except (Forbidden, NotFound, Unauthorised):
            found.append(name)
    return tuple(found)
