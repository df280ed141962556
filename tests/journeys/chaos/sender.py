"""Sends deliveries over real HTTP as GitHub's redelivery would: what is not acknowledged is sent again with the same id."""

import hashlib
import hmac
import http.client
import threading
import time
from collections import deque
from dataclasses import dataclass, field

PATH = "/hooks/github/"
PATIENCE = 10.0
"""Seconds that GitHub waits for an answer."""


def signed(sent, secret):
    """The headers of one delivery."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/tests",
        "X-GitHub-Event": sent.event,
        "X-GitHub-Delivery": sent.id,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), sent.body, hashlib.sha256).hexdigest(),
    }


@dataclass
class Tally:
    """What came of sending."""

    acknowledged: set = field(default_factory=set)
    """Delivery ids that were answered with 202."""
    answers: list = field(default_factory=list)
    """(when it was asked, when answered, status), by the monotonic clock, of every request that was answered."""
    broken: int = 0
    """Requests without an answer."""
    last: float = 0.0
    """When the last 202 came."""

    def milliseconds(self, *, without=()):
        """How long each 202 took, sorted; requests that meet a window (from, to) in ``without`` are left out."""
        kept = [
            (end - begin) * 1000
            for begin, end, status in self.answers
            if status == 202 and not any(begin < to and end > since for since, to in without)
        ]
        return sorted(kept)


class Sender:
    """``threads`` of them share one queue. ``pace`` is how many deliveries begin in a second; None means at once."""

    def __init__(self, *, port, secret, threads=8, pace=None, seconds=120.0):
        self.port, self.secret, self.pace = port, secret, pace
        self.tally = Tally()
        self.began = 0.0
        self._deadline = seconds
        self._queue = deque()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def start(self, deliveries):
        self._queue.extend(enumerate(deliveries))
        self.began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def finish(self):
        """Wait until everything is acknowledged; returns the tally."""
        for thread in self._threads:
            thread.join(timeout=max(0.0, self.began + self._deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "not everything was acknowledged in time"
        return self.tally

    def busy(self):
        return any(thread.is_alive() for thread in self._threads)

    def _run(self):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while (item := self._next()) is not None:
            place, sent = item
            if self.pace:
                time.sleep(max(0.0, self.began + place / self.pace - time.monotonic()))
            while not self._sent(line, sent) and time.monotonic() < self.began + self._deadline:
                time.sleep(0.2)
        line.close()

    def _next(self):
        with self._lock:
            return self._queue.popleft() if self._queue else None

    def _sent(self, line, sent):
        """Whether it was acknowledged."""
        began = time.monotonic()
        try:
            line.request("POST", PATH, body=sent.body, headers=signed(sent, self.secret))
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            line.close()
            with self._lock:
                self.tally.broken += 1
            return False
        self._note(began, time.monotonic(), answer.status, sent)
        return answer.status == 202

    def _note(self, began, ended, status, sent):
        with self._lock:
            self.tally.answers.append((began, ended, status))
            if status == 202:
                self.tally.acknowledged.add(sent.id)
                self.tally.last = ended


def percentile(values, share):
    """The value below which ``share`` of the sorted values lie."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
