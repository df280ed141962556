"""W5: deliveries applied, whole, in one process as a worker does it, and in two; from the delivery to the page, at fifty a second.

Each delivery is a ``pull_request`` of 24 KB about another pull request: its facts, its change, the ledger, in the batches of the
inbox. That is the hardest kind; what a forge really sends is in ``streaming``. For the last figure the door is the real web
process, and a thread drains as a worker would; what the broker adds on its way to a worker (a few milliseconds) is not in it.
"""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from django.db import connection
from django.utils.timezone import now

from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.desk.bench import client, door, draining, streaming
from changes.desk.bench.figures import Line, median, percentile
from changes.desk.bench.lives import SIZE, Sent

RATE, LATE_SECONDS = 1000.0, 2.0
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


def measure(*, many: int, rounds: int, port: int, cookie: str, folder: Path) -> Iterator[Line]:
    """``many`` stored deliveries are drained by one process, then as many by two; then a forge's stream about a tenth as many pull
    requests, three times as many deliveries; then ``rounds`` seconds of fifty a second go in by the door."""
    source = Source.objects.get(name="github")
    Delivery.objects.filter(source=source).delete()  # the door's are no JSON to the end, and nobody applies them
    for processes in (1, 2):
        draining.store(source, _opening(FIRST + many * (processes - 1), many))
        rate = draining.rate(source, processes)
        words = "one worker process" if processes == 1 else f"{processes} side by side, about one repository"
        name, wanted = f"W5 deliveries applied by {words}, each opening a change", RATE if processes == 1 else None
        yield Line(name, f"{rate:,.0f}/s", "", rate, "/s", wanted, "more")
    yield from streaming.measure(source=source, first=FIRST * 3, many=many // 10, folder=folder)
    seconds = _to_the_page(port, cookie, rounds)
    words = f"p50 {median(seconds):.2f} s, p95 {percentile(seconds, 95):.2f} s of {len(seconds)}"
    yield Line(f"W5 delivery to page, {PER_SECOND}/s", words, "", percentile(seconds, 95), "s", LATE_SECONDS)


def _opening(first: int, many: int) -> list[Sent]:
    at = now() - timedelta(seconds=5)
    return [(at, "pull_request", body(number, at=at)) for number in range(first, first + many)]


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
