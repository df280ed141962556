"""Figures for a monitor, in Prometheus's text format 0.0.4: requests of this process, and gauges that features register.

Written here rather than taken from ``prometheus-client``: we need a counter, a histogram and gauges that are asked of the database.
Each web process is a target of its own (one process a machine), so nothing has to be added up over files, which is what that
package's mode for several processes does and for which it wants a writable folder.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError

log = structlog.get_logger("portal.metrics")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; the last bucket, without a bound, takes the rest."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN = "none"
"""View of an address that does not exist, and whatever somebody invents as a method: no stranger makes new series."""
PREFIX = "countersign_"


@dataclass(frozen=True)
class Gauge:
    """One figure of now, by labels. ``name`` without our prefix, with its unit (``_seconds``)."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]


Provider = Callable[[datetime], Iterable[Gauge]]
_providers: dict[str, Provider] = {}


def gauges(name: str) -> Callable[[Provider], Provider]:
    """Register a function that returns gauges as of a moment. ``name`` tells which one failed when it does."""

    def register(function: Provider) -> Provider:
        _providers[name] = function
        return function

    return register


class Requests:
    """Counts what this process answered. May be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def note(self, *, view: str, method: str, status: int, seconds: float) -> None:
        """One answer: the name of the address, and how long its beginning took."""
        kind = method if method in METHODS else UNKNOWN
        with self._lock:
            self._counts[view, kind, status] = self._counts.get((view, kind, status), 0) + 1
            buckets = self._buckets.setdefault(view, [0] * (len(BOUNDS) + 1))
            buckets[bisect_left(BOUNDS, seconds)] += 1
            self._sums[view] = self._sums.get(view, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """The counter and the histogram."""
        with self._lock:
            counts = sorted(self._counts.items())
            buckets = sorted((view, list(found)) for view, found in self._buckets.items())
            sums = dict(self._sums)
        yield from _head("http_requests_total", "Answers by address, method and status.", "counter")
        for (view, method, status), count in counts:
            yield _line("http_requests_total", {"view": view, "method": method, "status": str(status)}, count)
        yield from _head("http_request_seconds", "Time until an answer began, by address.", "histogram")
        for view, found in buckets:
            yield from _histogram(view, found, sums[view])


REQUESTS = Requests()


def exposition(*, at: datetime) -> str:
    """Everything, as Prometheus reads it. A provider whose question fails is named and left out; the rest is told."""
    lines = list(REQUESTS.lines())
    failed: list[tuple[Mapping[str, str], float]] = []
    for name, provider in sorted(_providers.items()):
        try:
            lines += [line for gauge in provider(at) for line in _gauge(gauge)]
            failed.append(({"provider": name}, 0.0))
        except (DatabaseError, InterfaceError) as problem:
            log.warning("metrics.failed", provider=name, problem=str(problem))
            failed.append(({"provider": name}, 1.0))
    lines += _gauge(Gauge("provider_failed", "1 when the figures of a provider could not be asked.", failed))
    return "\n".join([*lines, ""])


def _gauge(gauge: Gauge) -> list[str]:
    return [*_head(gauge.name, gauge.help, "gauge"), *(_line(gauge.name, labels, value) for labels, value in gauge.samples)]


def _head(name: str, help_text: str, kind: str) -> list[str]:
    return [f"# HELP {PREFIX}{name} {help_text}", f"# TYPE {PREFIX}{name} {kind}"]


def _histogram(view: str, found: list[int], total: float) -> Iterator[str]:
    """Buckets are cumulative: each counts everything up to its bound."""
    reached = 0
    for bound, count in zip([*(f"{bound:g}" for bound in BOUNDS), "+Inf"], found, strict=True):
        reached += count
        yield _line("http_request_seconds_bucket", {"view": view, "le": bound}, reached)
    yield _line("http_request_seconds_sum", {"view": view}, total)
    yield _line("http_request_seconds_count", {"view": view}, reached)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{PREFIX}{name}{{{inside}}} {value:.10g}" if inside else f"{PREFIX}{name} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
