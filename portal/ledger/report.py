"""What a verification found, and keeping it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portal.ledger.models import LedgerCheck

REMARKS = 200
"""So many are kept with a result."""


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written. ``place`` names it: ``entry 17``, ``checkpoint 300``, ``changes_approval:4``."""

    place: str
    sentence: str
    seq: int | None = field(default=None, compare=False)
    """Number of the entry, where it is one that has a number."""


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The first broken entry first; behind the entries what is no entry, in the order in which it was found."""
    return tuple(sorted(problems, key=lambda problem: (problem.seq is None, problem.seq or 0)))


@dataclass(frozen=True)
class Report:
    """The result. ``problems`` begins with the first broken entry; ``remarks`` weaken the proof but break nothing."""

    entries: int
    checkpoints: int
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return not self.problems


def record(*, report: Report, at: datetime) -> LedgerCheck:
    """Keep the result of a verification for the ledger's page."""
    return LedgerCheck.objects.create(
        what="verify",
        ok=report.ok,
        entries=report.entries,
        checkpoints=report.checkpoints,
        problems=[{"place": problem.place, "sentence": problem.sentence} for problem in report.problems],
        remarks=list(report.remarks[:REMARKS]),
        seconds=report.seconds,
        at=at,
    )


def record_guards(*, digest: str, deviations: Sequence[str], at: datetime) -> LedgerCheck:
    """Keep what a look at the schema found: each time that it differs from the last look, and once a day.

    ``digest`` is the fingerprint; the last look at it is the one whose ``fingerprint`` a page shows.
    """
    problems = [{"place": "guards", "sentence": sentence} for sentence in deviations]
    last = LedgerCheck.objects.filter(what="guards").order_by("-at", "-id").first()
    if last is not None and (last.fingerprint, last.problems) == (digest, problems) and at - last.at < timedelta(hours=24):
        return last
    return LedgerCheck.objects.create(
        what="guards", ok=not problems, entries=0, checkpoints=0, problems=problems, seconds=0, at=at, fingerprint=digest
    )


def verified_since(*, moment: datetime) -> bool:
    """Whether a verification was kept after this moment, whatever it found."""
    return LedgerCheck.objects.filter(what="verify", at__gt=moment).exists()


def record_refusal(*, sentence: str, at: datetime, again_after: timedelta) -> None:
    """Keep that a seal was refused, unless the same was kept a short while ago."""
    problems = [{"place": "seal", "sentence": sentence}]
    same = LedgerCheck.objects.filter(what="seal", problems=problems, at__gt=at - again_after)
    if not same.exists():
        LedgerCheck.objects.create(what="seal", ok=False, entries=0, checkpoints=0, problems=problems, seconds=0, at=at)
