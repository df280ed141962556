"""What Fly says of the token that asks: whose it is, and what it is bound to. Pure.

Shapes: ``GET /v1/tokens/current`` in Fly's description of the Machines API (docs/connectors/fly.md). It tells neither whether a
token may only read nor when it ends.
"""

from dataclasses import dataclass
from typing import Any

from changes.connectors.fields import Fields, Incomplete

NAME = 120
SHOWN = 5
"""Names of apps that a sentence holds."""
UNTOLD = "Fly tells neither whether it may only read nor when it ends"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One token of those that were sent together. ``apps`` is empty when Fly names none; ``user``: it acts for a person."""

    organisation: str
    apps: tuple[str, ...]
    machine: str
    user: bool

    def words(self) -> str:
        """Such as ``the organisation northwind, only the apps api, web``."""
        more = f" and {len(self.apps) - SHOWN} more" if len(self.apps) > SHOWN else ""
        said = [
            f"the organisation {self.organisation}" if self.organisation else "no organisation that Fly names",
            f"only the app{'s' if len(self.apps) > 1 else ''} {', '.join(self.apps[:SHOWN])}{more}" if self.apps else "",
            f"only from the machine {self.machine}" if self.machine else "",
        ]
        return ", ".join(filter(None, said))


def bound(body: Any) -> list[Bound]:
    """The tokens of an answer, in its order. Ids of tokens and of people are not read. Raises ``Unreadable`` and ``Incomplete``."""
    answer = Fields.of(value=body, path="answer")
    if not answer.has("tokens"):
        raise Incomplete("answer.tokens is missing or unusable")
    return [
        Bound(
            organisation=one.text("org_slug", limit=NAME) or one.text("organization", limit=NAME) or "",
            apps=tuple(sorted(app[:NAME] for app in one.texts("apps"))),
            machine=one.text("restricted_to_machine", limit=NAME) or "",
            user=bool(one.text("user")),
        )
        for one in answer.items("tokens")
    ]


def sentence(tokens: list[Bound]) -> str:
    """All of them in words; empty for none."""
    if not tokens:
        return ""
    said = f"The token is for {'; '.join(dict.fromkeys(one.words() for one in tokens))}"
    if any(one.user for one in tokens):
        said += ". It acts as a person: `fly tokens create readonly` makes one that does not"
    return f"{said}. {UNTOLD}"
