"""Switchable faults: what a vendor does on a bad day. Kept in memory; a restart is a good day again."""

import gzip
import random
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from portal.standins.web import Answer, Manner, json_answer


class Fault(StrEnum):
    """What the vendor's API does instead of a plain answer."""

    NO_ETAG = "no-etag"
    PRIMARY_403 = "primary-403"
    PRIMARY_429 = "primary-429"
    SECONDARY_403 = "secondary-403"
    SECONDARY_429 = "secondary-429"
    ERROR_500 = "500"
    ERROR_502 = "502"
    ERROR_503 = "503"
    HTML = "html"
    BROKEN_JSON = "broken-json"
    REDIRECT = "redirect"
    SLOW = "slow"
    DRIP = "drip"
    HALF_OPEN = "half-open"
    TRUNCATED = "truncated"
    UNAUTHORISED = "401"
    FORBIDDEN = "403"
    MISSING = "404"
    CONFLICT = "409"
    INVALID = "422"
    NOT_MODIFIED = "304"
    BOMB = "bomb"


MANNERS = {
    Fault.SLOW: Manner.SLOW,
    Fault.DRIP: Manner.DRIP,
    Fault.HALF_OPEN: Manner.HALF_OPEN,
    Fault.TRUNCATED: Manner.TRUNCATED,
}

REFUSALS = {
    Fault.UNAUTHORISED: "Unauthorized",
    Fault.FORBIDDEN: "Forbidden",
    Fault.MISSING: "Not Found",
    Fault.CONFLICT: "Conflict",
    Fault.INVALID: "Unprocessable Entity",
}
BOMB_SIZE = 32 * 1024 * 1024
"""Bytes after decoding; about thirty thousand on the way."""

UNICORN = b"<!DOCTYPE html><title>Unicorn!</title><p>Looks like something went wrong!"


@dataclass
class Rule:
    """One fault on the paths that match; ``times`` None means until it is taken away."""

    fault: Fault
    path: str = ".*"
    times: int | None = None
    seconds: float = 1.0
    location: str = "http://169.254.169.254/latest/meta-data/"


@dataclass
class HookFaults:
    """What happens to webhooks: each number is a count of deliveries, 0 is off.

    ``duplicate``: extra copies of each; ``shuffle``: size of the window within which the order is lost; ``drop_every``: each
    n-th is never sent; ``bad_signature``: the next n carry a wrong signature; ``delay``: seconds before each.
    """

    duplicate: int = 0
    shuffle: int = 0
    drop_every: int = 0
    bad_signature: int = 0
    delay: float = 0.0
    seed: int = 1


@dataclass
class Faults:
    """The switchboard of one vendor."""

    rules: list[Rule] = field(default_factory=list)
    hooks: HookFaults = field(default_factory=HookFaults)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.random = random.Random(self.hooks.seed)  # noqa: S311 (disorder for tests, not a secret)

    def switch(self, wanted: dict[str, Any]) -> None:
        """Replaces all faults by ``{"rules": [{"fault": …}], "hooks": {…}}``. Raises ValueError or TypeError for unknown words."""
        rules = [Rule(**{**rule, "fault": Fault(rule["fault"])}) for rule in wanted.get("rules", [])]
        hooks = HookFaults(**wanted.get("hooks", {}))
        with self._lock:
            self.rules, self.hooks = rules, hooks
            self.random.seed(hooks.seed)

    def shown(self) -> dict[str, Any]:
        """The faults in force, in the form that ``switch`` takes."""
        return {"rules": [asdict(rule) for rule in self.rules], "hooks": asdict(self.hooks)}

    def take(self, path: str) -> Rule | None:
        """The rule for this request, counted down; None on a good day."""
        with self._lock:
            for rule in self.rules:
                if re.search(rule.path, path):
                    return self._counted(rule)
        return None

    def _counted(self, rule: Rule) -> Rule | None:
        if rule.times is None:
            return rule
        rule.times -= 1
        if rule.times <= 0:
            self.rules = [other for other in self.rules if other is not rule]
        return rule


@cache
def bomb() -> bytes:
    """A small body that is a large one once it is decoded."""
    return gzip.compress(b" " * BOMB_SIZE, compresslevel=9)


def spoiled(answer: Answer, rule: Rule) -> Answer:
    """The same answer, damaged on its way."""
    if rule.fault in MANNERS:
        answer.manner, answer.seconds = MANNERS[rule.fault], rule.seconds
    elif rule.fault is Fault.NO_ETAG:
        answer.headers.pop("ETag", None)
    elif rule.fault is Fault.BROKEN_JSON:
        answer.body = answer.body[: max(1, len(answer.body) - 2)]
    return answer


Says = Callable[[str], dict[str, Any]]


def as_github_says(message: str) -> dict[str, Any]:
    """An error body in GitHub's form."""
    return {"message": message, "documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"}


def instead(rule: Rule, *, reset_at: int, says: Says = as_github_says) -> Answer | None:
    """What is answered instead of asking the vendor at all; None when the real answer is only spoiled.

    ``reset_at`` is when the quota is full again (epoch); ``says`` makes the body of an error in the vendor's form.
    """
    if rule.fault in {Fault.PRIMARY_403, Fault.PRIMARY_429}:
        limits = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-used": "5000"}
        limits |= {"x-ratelimit-reset": str(reset_at), "x-ratelimit-resource": "core"}
        return json_answer(says("API rate limit exceeded for installation ID 5150."), status=int(rule.fault[-3:]), headers=limits)
    if rule.fault in {Fault.SECONDARY_403, Fault.SECONDARY_429}:
        wait = {"retry-after": str(max(1, round(rule.seconds)))}
        return json_answer(says("You have exceeded a secondary rate limit."), status=int(rule.fault[-3:]), headers=wait)
    if rule.fault in {Fault.ERROR_500, Fault.ERROR_502, Fault.ERROR_503}:
        return json_answer(says("Server Error"), status=int(rule.fault))
    if rule.fault in REFUSALS:
        return json_answer(says(REFUSALS[rule.fault]), status=int(rule.fault))
    return _strange(rule)


def _strange(rule: Rule) -> Answer | None:
    """Answers that are no error and no use."""
    if rule.fault is Fault.NOT_MODIFIED:
        return Answer(304)
    if rule.fault is Fault.BOMB:
        return Answer(200, bomb(), {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    if rule.fault is Fault.HTML:
        return Answer(200, UNICORN, {"Content-Type": "text/html"})
    if rule.fault is Fault.REDIRECT:
        return Answer(302, b"", {"Location": rule.location})
    return None
