"""Requests to the portal: signed with the time, events sent again as Slack does, commands and buttons waiting for an answer.

Slack gives three seconds. An event that was not taken is sent again at once, after a minute and after five, with
``X-Slack-Retry-Num`` and ``X-Slack-Retry-Reason``; commands and buttons are never sent again.
"""

import hashlib
import hmac
import json
import queue
import threading
import time
from urllib.parse import urlencode

from portal.standins.sending import Outcome, posted
from portal.standins.slack.world import SlackWorld
from portal.standins.store import Row

ANSWER_WITHIN = 3.0
RETRIES = (0.0, 60.0, 300.0)
REQUESTS_KEPT = 2000
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class Requests:
    """The app's Request URL at the portal. Without one nothing is sent."""

    def __init__(self, world: SlackWorld) -> None:
        self._world = world
        self._queue: queue.Queue[tuple[Row, int, str] | None] = queue.Queue()
        self._idle = threading.Condition()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._timers: list[threading.Timer] = []
        self._held: list[Row] = []
        self.retries: tuple[float, ...] = RETRIES
        """Seconds before each further try of an event."""

    @property
    def config(self) -> Row:
        """``url`` ("" when there is none) and ``secret``."""
        return self._world.store.one("hook", subject="app") or {"url": "", "secret": ""}

    def configure(self, *, url: str, secret: str) -> None:
        """Sends from now on to ``url``, signed with ``secret``."""
        row = self._world.store.one("hook", subject="app")
        body = {"url": url, "secret": secret}
        self._world.store.save({**body, "id": row["id"]}) if row else self._world.store.add("hook", subject="app", body=body)

    def start(self) -> None:
        """Begins to send events."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="standin-slack", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the sender; tries that are still to come are dropped."""
        for timer in self._timers:
            timer.cancel()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=ANSWER_WITHIN + 1)
            self._thread = None

    def event(self, payload: Row) -> None:
        """Queues an event, with the faults in force."""
        faults = self._world.faults.hooks
        if not self.config["url"]:
            return
        row = self._kept(payload["event"]["type"], json.dumps(payload), JSON)
        if faults.drop_every and row["number"] % faults.drop_every == 0:
            return
        self._held += [row] * (1 + faults.duplicate)
        if len(self._held) >= faults.shuffle:
            self._release()

    def again(self, row: Row, *, number: int = 1, reason: str = "http_timeout") -> None:
        """Sends an event once more, as Slack does when it heard nothing."""
        self._enqueue(row, number, reason)

    def command(self, fields: dict[str, str]) -> Outcome:
        """Sends a slash command and waits for the answer."""
        return self._sent(self._kept("command", urlencode(fields), FORM))

    def interaction(self, payload: Row) -> Outcome:
        """Sends a pressed button and waits."""
        return self._sent(self._kept(payload["type"], urlencode({"payload": json.dumps(payload)}), FORM))

    def verification(self, challenge: str) -> Outcome:
        """Asks the Request URL to prove itself."""
        body = {"token": "verification-token", "challenge": challenge, "type": "url_verification"}
        return self._sent(self._kept("url_verification", json.dumps(body), JSON))

    def log(self) -> list[Row]:
        """Every request with what became of it, oldest first."""
        return self._world.store.all("request")

    def flush(self, *, timeout: float = 30.0) -> bool:
        """Waits until every queued event was tried; False when time ran out. Later tries are not waited for."""
        self._release()
        with self._idle:
            return self._idle.wait_for(lambda: self._waiting == 0, timeout)

    def _kept(self, kind: str, body: str, content: str) -> Row:
        number = int(self._world.store.add("request_number", body={})["id"])
        fields = {"kind": kind, "body": body, "content": content, "number": number, "status": None, "tries": 0}
        self._world.store.keep_newest("request", count=REQUESTS_KEPT)
        return self._world.store.add("request", body=fields)

    def _release(self) -> None:
        held, self._held = self._held, []
        if self._world.faults.hooks.shuffle:
            self._world.faults.random.shuffle(held)
        for row in held:
            self._enqueue(row, 0, "")

    def _enqueue(self, row: Row, number: int, reason: str) -> None:
        with self._idle:
            self._waiting += 1
        self._queue.put((row, number, reason))

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            row, number, reason = item
            outcome = self._sent(row, number=number, reason=reason)
            if not 200 <= outcome.status < 300 and number < len(self.retries):
                self._later(row, number + 1, "http_error" if outcome.status else "http_timeout")
            with self._idle:
                self._waiting -= 1
                self._idle.notify_all()

    def _later(self, row: Row, number: int, reason: str) -> None:
        wait = self.retries[number - 1]
        if not wait:
            self._enqueue(row, number, reason)
            return
        timer = threading.Timer(wait, self._enqueue, [row, number, reason])
        timer.daemon = True
        self._timers = [one for one in self._timers if one.is_alive()] + [timer]
        timer.start()

    def _sent(self, row: Row, *, number: int = 0, reason: str = "") -> Outcome:
        config, faults = self.config, self._world.faults.hooks
        if not config["url"]:
            return Outcome(0, "the app has no Request URL", 0.0)
        if faults.delay:
            time.sleep(faults.delay)
        retry = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason} if number else {}
        headers = {**self._headers(row["body"].encode(), config["secret"]), "Content-Type": row["content"], **retry}
        outcome = posted(config["url"], headers, row["body"].encode(), within=ANSWER_WITHIN)
        row |= {"status": outcome.status, "answer": outcome.body, "seconds": round(outcome.seconds, 3), "tries": row["tries"] + 1}
        self._world.store.save(row)
        return outcome

    def _headers(self, body: bytes, secret: str) -> dict[str, str]:
        if self._world.faults.hooks.bad_signature > 0:
            self._world.faults.hooks.bad_signature -= 1
            secret += " but wrong"
        stamp = str(int(time.time()))
        signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "Accept": "application/json,*/*",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed}",
        }
