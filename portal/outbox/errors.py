"""How a deliverer says what went wrong outside: for a while, or for good."""

from datetime import timedelta


class Passing(Exception):
    """The other side cannot now; try again later.

    ``retry_after`` is the wait that the vendor itself asked for (a rate limit, a maintenance window). With it the try
    does not count against the effect, because nothing is wrong with it; without it the portal backs off and counts.
    """

    def __init__(self, retry_after: timedelta | None = None, reason: str = "") -> None:
        self.retry_after = retry_after
        self.reason = reason or "the other side could not take it now"
        super().__init__(self.reason)


class Permanent(Exception):
    """The other side will never take this as it is. ``reason`` is one sentence that a person can act on."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
