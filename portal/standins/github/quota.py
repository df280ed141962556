"""What each token has used of its hour: of REST's requests, or of GraphQL's points."""

import threading
from datetime import datetime, timedelta

from portal.standins.github import tokens

WINDOW = timedelta(hours=1)


class Quota:
    """``resource`` is GitHub's word for what is counted."""

    def __init__(self, *, resource: str = "core") -> None:
        self.limit = tokens.QUOTA
        self.resource = resource
        self._used: dict[str, tuple[datetime, int]] = {}
        self._lock = threading.Lock()

    def take(self, token: str, *, at: datetime, cost: int) -> tuple[int, datetime]:
        """Counts a call ``at`` the vendors' clock. Returns how many are left (below 0: too many) and when the window ends.

        Where that clock was turned, forwards or back, to a moment outside of the window, another one begins.
        """
        with self._lock:
            ends, used = self._used.get(token, (at + WINDOW, 0))
            if not ends - WINDOW <= at < ends:
                ends, used = at + WINDOW, 0
            self._used[token] = (ends, used + cost)
            return self.limit - used - cost, ends

    def spent(self) -> int:
        """What all tokens together have used in their present windows."""
        with self._lock:
            return sum(used for _, used in self._used.values())

    def headers(self, left: int, ends: datetime) -> dict[str, str]:
        """The headers that say how much is left."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, left)),
            "x-ratelimit-used": str(self.limit - max(0, left)),
            "x-ratelimit-reset": str(int(ends.timestamp())),
            "x-ratelimit-resource": self.resource,
        }
