"""W4: deliveries accepted durably, against a view that makes one insert and nothing else, and against the same insert beside the
middlewares, where the door stands too.
"""

import hashlib
import hmac
import os
import signal
from collections.abc import Callable, Iterator
from uuid import uuid4

import redis
from django.conf import settings

from changes.desk.bench import client, shapes
from changes.desk.bench.figures import Line, median, ms, percentile

SHARE, P99_MS, P99_ALONE_MS = 0.8, 60.0, 300.0
SECRET = "the secret of the benchmark"  # noqa: S105  # signs made-up deliveries of a database that is thrown away
Make = Callable[[int], bytes]


def measure(*, port: int, many: int, turns: int = 5) -> Iterator[Line]:
    """Accepted per second with one client and with thirty-two, then once more with the broker hanging."""
    for clients in (1, 32):
        yield from _compared(port, clients, many if clients > 1 else many // 4, turns, "")
    with _broker_hanging():
        yield from _compared(port, 32, many, turns, ", broker hanging")


def _compared(port: int, clients: int, many: int, turns: int, words: str) -> Iterator[Line]:
    makers = {"view": insert("/bench/one-insert/"), "lean": insert("/bench/lean-insert/"), "door": delivery()}
    rates: dict[str, list[float]] = {name: [] for name in makers}
    seconds: list[float] = []
    for turn in range(turns + 1):
        for name, make in makers.items():
            rate, took = client.at_once(port=port, clients=clients, many=many if turn else many // 4, make=make)
            if turn:
                rates[name].append(rate)
                seconds += took if name == "door" else []
    who = f"{clients} client{'s' if clients > 1 else ''}{words}"
    yield _line(f"W4 deliveries, {who}", rates, "view", "one INSERT as a view", SHARE)
    yield _line(f"W4 deliveries, {who}", rates, "lean", "one INSERT beside the middlewares", None)
    if clients > 1:
        late = percentile(seconds, 99)
        p50 = f"p50 {ms(median(seconds))}, p99 {ms(late)}"
        yield Line(f"W4 answer, {who}", p50, "", late * 1000, "ms", P99_ALONE_MS if words else P99_MS)


def _line(workload: str, rates: dict[str, list[float]], other: str, words: str, target: float | None) -> Line:
    """The middle ratio of the turns that were measured one after the other."""
    ratio = median([mine / plain for mine, plain in zip(rates["door"], rates[other], strict=True)])
    baseline = f"{words} {median(rates[other]):,.0f}/s"
    return Line(workload, f"{median(rates['door']):,.0f}/s", baseline, ratio, target=target, better="more")


def delivery() -> Make:
    """Makes signed deliveries of 24 KB, each with an id of its own."""
    body = shapes.delivery()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()

    def make(number: int) -> bytes:
        named = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": str(uuid4())}
        return client.request("POST", "/hooks/github/", headers={**named, "Content-Type": "application/json"}, body=body)

    return make


def insert(path: str) -> Make:
    """Makes requests with the same body to a bare address."""
    data = client.request("POST", path, headers={"Content-Type": "application/json"}, body=shapes.delivery())
    return lambda number: data


class _broker_hanging:
    """Holds the broker's process while inside: it takes connections and never answers, which is worse than gone."""

    def __enter__(self) -> None:
        broker = redis.Redis.from_url(str(settings.CELERY_BROKER_URL).replace("redis+socket", "unix"))
        self._pid = int(broker.info("server")["process_id"])
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *problem: object) -> None:
        os.kill(self._pid, signal.SIGCONT)
