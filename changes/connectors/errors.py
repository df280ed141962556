"""What can go wrong when a vendor is asked: for a while (ask again) or for good (a finding). Never holds a secret.

A reason names the method and the path, without the query, the headers and the body.
"""

from datetime import timedelta

from django.db import DatabaseError


class Passing(Exception):
    """The vendor cannot now: timeout, broken connection, 5xx, or it asks us to wait. Ask again later.

    ``retry_after`` is the wait that the vendor asked for, in seconds; None when it did not say.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after

    def wait(self, *, failures: int) -> timedelta:
        """How long the source rests: as the vendor asked, or longer with each of the ``failures`` before, five minutes at most."""
        return timedelta(seconds=self.retry_after or min(300, 5 * 2 ** min(failures, 6)))


class Permanent(Exception):
    """Asking again as it is will not help. ``reason`` is one sentence that a person can act on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(Permanent):
    """404 or 410: not there, or hidden from this token. GitHub does not say which."""


class Unauthorised(Permanent):
    """401: the token is wrong, expired or revoked."""


class Forbidden(Permanent):
    """403 that is no rate limit: the token may not do this."""


class Invalid(Permanent):
    """The request was refused (400, 405, 409, 422), or the answer was a redirect that is not followed."""


class TooLarge(Permanent):
    """The answer went over the cap, counted after decoding."""


class NotJson(Permanent):
    """The answer is not the JSON that was expected, for example a proxy's HTML page."""


class AddressRefused(Permanent):
    """The host's address, or the address of a redirect, is not one that a connector may reach."""


FAULTS = (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, Passing)
"""What may be wrong with a delivery, or with how it is applied."""
