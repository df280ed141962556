"""W5 with what a forge really sends: whole lives of pull requests, applied, and settled until every change is judged."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db.models import Q
from django.utils.timezone import now

from changes.connectors.models import Settling, Source
from changes.desk.bench import draining, lives
from changes.desk.bench.figures import Line, ms
from changes.proposals.models import Change

RATE = 1000.0
NAME = "W5 a forge's stream applied by"


def measure(*, source: Source, first: int, many: int, folder: Path) -> Iterator[Line]:
    """``many`` pull requests from number ``first`` on are applied by one process and settled by one; then as many others are
    applied by two."""
    Settling.objects.all().delete()  # what other lines left to settle is no part of this one
    sent = _store(source, first, many, folder)
    rate = draining.rate(source, 1)
    yield Line(f"{NAME} one worker process", f"{rate:,.0f}/s", "", rate, "/s", RATE, "more")
    seconds = draining.in_workers(draining.settle, 1)
    _all_judged(first, many)
    both = sent / (sent / rate + seconds)
    words = f"{both:,.0f}/s; settling {ms(seconds / many)} a pull request"
    settled = Line("W5 the same until every change is judged", words, "", both, "/s", RATE, "more")
    _store(source, first + many, many, folder)
    rate = draining.rate(source, 2)
    yield Line(f"{NAME} 2 side by side, about one repository", f"{rate:,.0f}/s", "", rate, "/s")
    yield settled


def _store(source: Source, first: int, many: int, folder: Path) -> int:
    at = now() - timedelta(seconds=5)
    return draining.store(source, lives.backlog(folder=folder / "lives", first=first, many=many, at=at))


def _all_judged(first: int, many: int) -> None:
    """Raises RuntimeError when one of the pull requests has no change, or one that nobody has judged."""
    changes = Change.objects.filter(links__pull_request__number__range=(first, first + many - 1))
    wrong = changes.filter(Q(assessment__isnull=True) | Q(gates_at=None)).count()
    found = changes.count()
    if wrong or found != many or Settling.objects.exists():
        raise RuntimeError(f"of {many} pull requests {found} have changes, and {wrong} of them not judged, or something waits")
