"""GitHub's rate limits: read them from an answer, keep them at the source, and say how long to wait.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api. Over the primary limit the answer is 403 or
429 with ``x-ratelimit-remaining: 0``: wait until ``x-ratelimit-reset``. Over a secondary one: wait as ``retry-after`` says,
else at least a minute, longer each time.
"""

from datetime import UTC, datetime, timedelta

from changes.connectors.answer import Answer
from changes.connectors.models import Source

AT_LEAST = 60.0
"""Seconds after a secondary limit that names no wait."""
AT_MOST = 3600.0
LIMIT_WORDS = ("rate limit", "abuse detection")
"""What a 403 says when it is a secondary limit without headers."""
COARSE = 50
"""Requests; a smaller change of what is left is not written down."""


def wait_of(*, answer: Answer, failures: int, at: datetime) -> float | None:
    """Seconds to wait when this answer is a rate limit; None when it is none. ``failures`` in a row lengthen the wait."""
    if answer.status not in (403, 429):
        return None
    said = wait_said(answer=answer, at=at)
    if said is not None:
        return said
    if answer.status == 429 or any(word in answer.message().lower() for word in LIMIT_WORDS):
        return min(AT_LEAST * float(1 << min(failures, 10)), AT_MOST)
    return None


def wait_said(*, answer: Answer, at: datetime) -> float | None:
    """Seconds to wait as an answer over a limit says; None when it does not say."""
    said = answer.retry_after()
    if said is not None:
        return max(said, 1.0)
    resets_at = _resets_at(answer)
    if answer.headers.get("x-ratelimit-remaining") == "0" and resets_at is not None:
        return max((resets_at - at).total_seconds(), 1.0)
    return None


def of_one_part(*, answer: Answer) -> bool:
    """Whether it tells of the hour's quota of another part than REST: who uses that up may go on with REST."""
    return answer.headers.get("x-ratelimit-resource", "core") != "core" and answer.headers.get("x-ratelimit-remaining") == "0"


def note(*, source: Source, answer: Answer, at: datetime) -> None:
    """Keep what the answer says of the quota in the source's row: the one place that writes it.

    With nothing left, ``not_before`` becomes the reset, so that nobody asks in vain. Small changes are not written.
    """
    remaining, resets_at = answer.headers.get("x-ratelimit-remaining", ""), _resets_at(answer)
    if not (remaining.isascii() and remaining.isdecimal()) or answer.headers.get("x-ratelimit-resource", "core") != "core":
        return
    left = min(int(remaining), 2**31 - 1)
    known = source.rate_remaining
    if left and known is not None and abs(known - left) < COARSE and source.rate_resets_at == resets_at:
        return
    source.rate_remaining, source.rate_resets_at = left, resets_at
    Source.objects.filter(pk=source.pk).update(rate_remaining=left, rate_resets_at=resets_at)
    if not left and resets_at is not None:
        rest(source=source, until=max(resets_at, at + timedelta(seconds=1)))


def rest(*, source: Source, until: datetime) -> None:
    """Do not ask before ``until``; an earlier moment never replaces a later one."""
    if source.not_before is None or source.not_before < until:
        source.not_before = until
        Source.objects.filter(pk=source.pk).update(not_before=until)


def _resets_at(answer: Answer) -> datetime | None:
    said = answer.headers.get("x-ratelimit-reset", "")
    if not (said.isascii() and said.isdecimal() and len(said) < 12):
        return None
    return datetime.fromtimestamp(int(said), UTC)
