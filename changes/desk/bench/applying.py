"""W5: deliveries applied, whole, in one process as a worker does it, and in two; from the delivery to the page, at fifty a second.

Each delivery is a ``pull_request`` of 24 KB about another pull request: its facts, its change, the ledger, in the batches of the
inbox. For the last figure the door is the real web process, and a thread drains as a worker would; what the broker adds on its
way to a worker (a few milliseconds) is not in it.
"""

import gc
import hashlib
import hmac
import json
import re
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from uuid import uuid4

from django.db import connection, connections
from django.utils.timezone import now

from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.desk.bench import client, door
from changes.desk.bench.figures import Line, median, percentile

RATE, LATE_SECONDS = 1000.0, 2.0
SIZE = 24 * 1024
PER_SECOND = 50
PATIENCE = 20.0
"""Seconds after which the worker has not kept up; then this is the figure, and no other one is waited for."""
ROW = re.compile(rb'href="/changes/\d+/"')
FIRST = 1_000_000
"""Numbers of pull requests that the other workloads do not have."""


def body(number: int, *, at: datetime) -> bytes:
    """A genuine ``pull_request`` delivery, filled up to 24 KB by its text."""
    moment = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    ann = {"id": 9001, "login": "ann", "type": "User"}
    repository = {"id": 424242, "name": "web", "full_name": "northwind/web", "default_branch": "main"}
    repository["owner"] = {"login": "northwind"}
    pull = {
        "id": FIRST + number,
        "number": number,
        "state": "open",
        "title": f"Benchmark {number}",
        "body": "",
        "draft": False,
        "user": ann,
        "labels": [],
        "head": {"ref": f"b{number}", "sha": f"{number:040x}", "repo": repository},
        "base": {"ref": "main", "sha": "1" * 40, "repo": repository},
        "merged": False,
        "merged_at": None,
        "merge_commit_sha": None,
        "created_at": moment,
        "updated_at": moment,
        "closed_at": None,
        "additions": 3,
        "deletions": 1,
        "changed_files": 1,
    }
    said = {"action": "opened", "number": number, "pull_request": pull, "repository": repository, "sender": ann}
    pull["body"] = "why " * ((SIZE - len(json.dumps(said))) // 4)
    return json.dumps(said).encode()


def measure(*, many: int, rounds: int, port: int, cookie: str) -> Iterator[Line]:
    """``many`` stored deliveries are drained by one process, then as many by two; then ``rounds`` seconds of fifty a second go in
    by the door."""
    source = Source.objects.get(name="github")
    for processes in (1, 2):
        _store(source, FIRST + many * (processes - 1), many)
        rate = _rate(source, processes)
        words = "one worker process" if processes == 1 else f"{processes} side by side, about one repository"
        yield Line(f"W5 deliveries applied by {words}", f"{rate:,.0f}/s", "", rate, "/s", RATE if processes == 1 else None, "more")
    seconds = _to_the_page(port, cookie, rounds)
    words = f"p50 {median(seconds):.2f} s, p95 {percentile(seconds, 95):.2f} s of {len(seconds)}"
    yield Line(f"W5 delivery to page, {PER_SECOND}/s", words, "", percentile(seconds, 95), "s", LATE_SECONDS)


def _rate(source: Source, processes: int) -> float:
    """Deliveries a second until nothing waits. Each process is one of the worker's: forked, with what was loaded before out of the
    collector's reach (``portal.runtime.tasks``), and with a connection that it has already."""
    many = Delivery.objects.filter(source=source, state=Delivery.State.NEW).count()
    gc.collect()
    gc.freeze()
    connections.close_all()
    context = get_context("fork")
    ready, ended = context.Barrier(processes + 1), context.SimpleQueue()
    workers = [context.Process(target=_drain_all, args=(ready, ended)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    rate = float(many / (max(ended.get() for _ in workers) - began))
    for worker in workers:
        worker.join()
    gc.unfreeze()
    _all_applied(source)
    return rate


def _drain_all(ready: Barrier, ended: "SimpleQueue[float]") -> None:
    connection.ensure_connection()
    ready.wait()
    try:
        while drain(now=now):
            pass
    finally:
        ended.put(time.perf_counter())


def _store(source: Source, first: int, many: int) -> None:
    at = now() - timedelta(seconds=5)
    rows = []
    for number in range(first, first + many):
        raw = body(number, at=at)
        rows.append(
            Delivery(
                source=source,
                delivery_id=str(uuid4()),
                event="pull_request",
                body=zlib.compress(raw, 1),
                body_size=len(raw),
                body_digest=hashlib.sha256(raw).hexdigest(),
                received_at=at,
            )
        )
    Delivery.objects.bulk_create(rows, batch_size=500)


def _all_applied(source: Source) -> None:
    wrong = Delivery.objects.filter(source=source).exclude(state=Delivery.State.APPLIED).values_list("state", "note").first()
    if wrong is not None:
        raise RuntimeError(f"a delivery was not applied: {wrong}")


def _to_the_page(port: int, cookie: str, rounds: int) -> list[float]:
    """Each second one of the fifty is looked for on the list of changes until it stands there, or patience is over."""
    stop, sent = threading.Event(), dict[int, float]()
    first = FIRST * 2
    worker = threading.Thread(target=_work, args=(stop,), name="worker")
    sender = threading.Thread(target=_send, args=(port, first, rounds * PER_SECOND, sent), name="sender")
    worker.start()
    sender.start()
    try:
        wanted = [first + turn * PER_SECOND + PER_SECOND // 2 for turn in range(rounds)]
        seconds: list[float] = []
        for number in wanted:
            seconds.append(_until_shown(port, cookie, number, sent))
            if seconds[-1] >= PATIENCE:
                break
        return seconds
    finally:
        sender.join()
        stop.set()
        worker.join()


def _work(stop: threading.Event) -> None:
    while not stop.is_set():
        if not drain(now=now):
            time.sleep(0.02)
    connection.close()


def _send(port: int, first: int, many: int, sent: dict[int, float]) -> None:
    line, began = client.Line(port), time.perf_counter()
    for number in range(first, first + many):
        time.sleep(max(0.0, began + (number - first) / PER_SECOND - time.perf_counter()))
        sent[number] = time.perf_counter()
        if line.ask(_signed(body(number, at=now()))).status != 202:
            raise RuntimeError("a delivery was not accepted")
    line.close()


def _until_shown(port: int, cookie: str, number: int, sent: dict[int, float]) -> float:
    line, began = client.Line(port), time.perf_counter()
    asked = client.request("GET", f"/changes/?q=Benchmark+{number}", headers={"Cookie": cookie, "Accept-Encoding": "identity"})
    while number not in sent or not ROW.search(line.ask(asked).body):
        if time.perf_counter() - began > PATIENCE:
            return PATIENCE
        time.sleep(0.02)
    line.close()
    return time.perf_counter() - sent[number]


def _signed(raw: bytes) -> bytes:
    signature = "sha256=" + hmac.new(door.SECRET.encode(), raw, hashlib.sha256).hexdigest()
    named = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": str(uuid4())}
    return client.request("POST", "/hooks/github/", headers={**named, "Content-Type": "application/json"}, body=raw)
