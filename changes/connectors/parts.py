"""One run over a source, part by part: what is forbidden or cannot be used is noted, and everything else is read all the same."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.models import Source
from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from changes.inventory.policy import NotTaken


@dataclass
class Parts:
    """What a run has found out so far. ``missing`` are permissions by the vendor's name, ``problems`` are reasons."""

    source: Source
    at: datetime
    missing: set[str] = field(default_factory=set, kw_only=True)
    problems: list[str] = field(default_factory=list, kw_only=True)

    @property
    def environments(self) -> Mapping[str, str]:
        """The environments by what the vendor calls them, as the administrator named them."""
        return dict(self.source.settings.get("environments", {}))

    def part(self, permission: str, act: Callable[[], object]) -> bool:
        """Do one part. What is forbidden or cannot be used is noted; anything else ends the run. True when it was done."""
        try:
            act()
        except Forbidden:
            self.missing.add(permission)
            return False
        except (NotFound, NotJson, Invalid) as problem:
            self.problems.append(problem.reason)
            return False
        return True

    def observe(self, kind: str, found: Iterable[Seen], *, within: str | None = None) -> list[Seen]:
        """A list that was read to its end, into the inventory. One that cannot be read whole is not taken: ``NotJson``."""
        try:
            seen = list(found)
        except (Unreadable, Incomplete) as wrong:
            raise NotJson(f"the list of {kind} cannot be used: {wrong}") from None
        try:
            observe(source=self.source.name, kinds={kind}, within=within, seen=seen, at=self.at)
        except NotTaken as wrong:
            raise NotJson(f"the list of {kind} cannot be used: {wrong}") from None
        return seen
