"""What a verification found, and keeping it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.ledger.models import LedgerCheck


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written. ``place`` names it: ``entry 17``, ``checkpoint 300``, ``changes_approval:4``."""

    place: str
    sentence: str


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
        seconds=report.seconds,
        at=at,
    )


def record_refusal(*, sentence: str, at: datetime, again_after: timedelta) -> None:
    """Keep that a seal was refused, unless the same was kept a short while ago."""
    problems = [{"place": "seal", "sentence": sentence}]
    same = LedgerCheck.objects.filter(what="seal", problems=problems, at__gt=at - again_after)
    if not same.exists():
        LedgerCheck.objects.create(what="seal", ok=False, entries=0, checkpoints=0, problems=problems, seconds=0, at=at)
