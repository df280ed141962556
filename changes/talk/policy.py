"""When something may be said, and when somebody is told. Pure; times are moments with a zone, hours are of the person's clock."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

LOCKS_AFTER = timedelta(minutes=10)
"""After this a comment stands as it is (UX rule 15)."""
LONGEST = 20_000
MENTION = re.compile(r"(?<![\w@./+-])@([A-Za-z0-9][\w.+-]{0,63})")


def check_text(*, text: str) -> None:
    """A comment says something, and is no book."""
    if not text.strip():
        raise Refused(Clause.FOLLOWED, "The comment is empty.", "Write something, then send it.")
    if len(text) > LONGEST:
        raise Refused(Clause.FOLLOWED, f"The comment has {len(text):,} characters.", f"Say it in at most {LONGEST:,}.")


def check_correction(*, is_author: bool, said_at: datetime, at: datetime) -> None:
    """Only its author corrects a comment, and only while it is young; later a correction is a comment of its own."""
    if not is_author:
        raise Refused(Clause.ACCESS_RESTRICTED, "Only its author corrects a comment.", "Write a comment of your own.")
    if at > said_at + LOCKS_AFTER:
        raise Refused(Clause.FOLLOWED, "The comment is older than ten minutes and stands as it is.", "Write another one.")


def handles_in(text: str) -> list[str]:
    """The names behind an @, in small letters, once each; addresses of mail are none."""
    return list(dict.fromkeys(match.group(1).rstrip(".+-").lower() for match in MENTION.finditer(text)))


def handle_of(email: str) -> str:
    """The name by which somebody is mentioned: their mail address up to the @."""
    return email.partition("@")[0].lower()


def mentioned(*, text: str, people: Mapping[int, str]) -> list[int]:
    """The ids of the ``people`` (id to mail address) whom a text mentions. Two of the same name are both meant."""
    wanted = set(handles_in(text))
    return sorted(pk for pk, email in people.items() if handle_of(email) in wanted)


def is_quiet(*, at: datetime, zone: str, start: time | None, end: time | None) -> bool:
    """Whether the clock of the person stands between ``start`` and ``end``, which may lie on both sides of midnight."""
    if start is None or end is None or start == end:
        return False
    now = at.astimezone(ZoneInfo(zone)).time()
    return start <= now < end if start < end else now >= start or now < end


def digest_is_due(*, at: datetime, zone: str, digest_at: time) -> bool:
    """Whether the hour of today's digest has come on the person's clock. A late one is sent late, never skipped."""
    return at.astimezone(ZoneInfo(zone)).time() >= digest_at


def followers(*, taking_part: Iterable[int], wanted: Mapping[int, bool]) -> set[int]:
    """Who hears of a change: whoever takes part or asked for it, without those who left."""
    asked = {pk for pk, yes in wanted.items() if yes}
    return (set(taking_part) | asked) - {pk for pk, yes in wanted.items() if not yes}
