"""Webhooks out: signed over the raw bytes, kept in a delivery log, sent in order by one thread unless a fault says otherwise.

Like GitHub: ten seconds to answer, no second try by itself, redelivery under the same GUID.
"""

import contextlib
import hashlib
import hmac
import json
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from portal.standins.faults import Faults
from portal.standins.sending import Outcome, posted
from portal.standins.store import Row, Store
from portal.standins.times import stamp

ANSWER_WITHIN = 10.0
DELIVERIES_KEPT = 5000
HOOK_ID = 292430182
APP_ID = 79929
INSTALLATION_ID = 5150
Post = Callable[[dict[str, str], bytes], int]


class Hooks:
    """The one webhook of the stand-in's App. Without a URL nothing is recorded or sent."""

    def __init__(self, store: Store, faults: Faults, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._store = store
        self._faults = faults
        self._queue: queue.Queue[int | None] = queue.Queue()
        self._idle = threading.Condition()
        self._waiting = 0
        self._held: list[int] = []
        self._thread: threading.Thread | None = None
        self._counted = 0

    @property
    def config(self) -> Row:
        """``url`` and ``secret``; ``url`` is "" when there is no hook and ``hold:`` when deliveries wait to be fetched."""
        return self._store.one("hook", subject="app") or {"url": "", "secret": "", "created_at": stamp(self._now())}

    def configure(self, *, url: str, secret: str, organization: str = "") -> None:
        """Sends from now on to ``url``, signed with ``secret``. With ``organization`` the hook is that organisation's."""
        row = self._store.one("hook", subject="app")
        body = {"url": url, "secret": secret, "created_at": stamp(self._now()), "organization": organization}
        self._store.save({**body, "id": row["id"]}) if row else self._store.add("hook", subject="app", body=body)

    def start(self) -> None:
        """Begins to send, and sends what a stopped stand-in had left."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="standin-hooks", daemon=True)
            self._thread.start()
            for row in self._store.all("waiting"):
                self._enqueue(row["delivery"])

    def stop(self) -> None:
        """Ends the sender after what it is sending now."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=ANSWER_WITHIN)
            self._thread = None

    def send(self, *, event: str, payload: Row, repository: Row | None = None) -> None:
        """Records a delivery and queues it, with the faults in force."""
        config = self.config
        if not config["url"]:
            return
        wanted = self._faults.hooks
        self._counted += 1
        if wanted.drop_every and self._counted % wanted.drop_every == 0:
            return
        row = self._record(event, payload, repository, guid=str(uuid.uuid4()), redelivery=False)
        if self._counted % 500 == 0:
            self._store.keep_newest("delivery", count=DELIVERIES_KEPT)
        for _ in range(1 + wanted.duplicate):
            self._enqueue(row["id"])

    def redeliver(self, delivery: Row) -> Row:
        """Sends an old delivery again: a new row with the same GUID and body."""
        copy = {**delivery, "redelivery": True, "status_code": None, "at": stamp(self._now())}
        copy.pop("id")
        row = self._keep(copy)
        self._enqueue(row["id"])
        return row

    def deliveries(self) -> list[Row]:
        """The delivery log, oldest first."""
        return self._store.all("delivery")

    def flush(self, *, timeout: float = 30.0) -> bool:
        """Waits until everything queued has been sent; lets go of what a shuffle still holds. False when time ran out."""
        self._release()
        with self._idle:
            return self._idle.wait_for(lambda: self._waiting == 0, timeout)

    def post_held(self, post: Post) -> int:
        """With the URL ``hold:``, hands every waiting delivery to ``post`` in this thread. Returns how many there were."""
        waiting = self._waiting_rows()
        for row in waiting:
            self._finish(row, Outcome(post(self._headers(row), row["body"].encode()), "", 0.0))
        return len(waiting)

    def fetch_held(self) -> list[Row]:
        """The same for whoever sends them on: ``at`` (when it happened), ``headers`` and ``body`` of each. They count as sent."""
        waiting = self._waiting_rows()
        fetched = [{"at": row["at"], "headers": self._headers(row), "body": row["body"]} for row in waiting]
        for row in waiting:
            self._finish(row, Outcome(202, "", 0.0))
        return fetched

    def _waiting_rows(self) -> list[Row]:
        rows = (self._store.by_id("delivery", one["delivery"]) for one in self._store.all("waiting"))
        return [row for row in rows if row is not None]

    def _record(self, event: str, payload: Row, repository: Row | None, *, guid: str, redelivery: bool) -> Row:
        body: dict[str, Any] = {
            "guid": guid,
            "event": event,
            "action": payload.get("action"),
            "repository_id": repository["id"] if repository else None,
            "body": as_github_writes(payload),
            "redelivery": redelivery,
            "status_code": None,
            "at": stamp(self._now()),
        }
        return self._keep(body)

    def _keep(self, body: Row) -> Row:
        """Adds a delivery, and the note that it waits to be sent, which outlives a restart."""
        row = self._store.add("delivery", body=body)
        self._store.add("waiting", subject=str(row["id"]), body={"delivery": row["id"]})
        return row

    def _enqueue(self, number: int) -> None:
        if self.config["url"].startswith("hold:"):
            return
        with self._idle:
            self._waiting += 1
        window = self._faults.hooks.shuffle
        if not window:
            self._queue.put(number)
            return
        self._held.append(number)
        if len(self._held) >= window:
            self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        self._faults.random.shuffle(held)
        for number in held:
            self._queue.put(number)

    def _work(self) -> None:
        while (number := self._queue.get()) is not None:
            row = self._store.by_id("delivery", number)
            with contextlib.suppress(Exception):  # a store closed in the middle of a stop
                if row:
                    self._deliver(row)
            with self._idle:
                self._waiting -= 1
                self._idle.notify_all()

    def _deliver(self, row: Row) -> None:
        if self._faults.hooks.delay:
            time.sleep(self._faults.hooks.delay)
        self._finish(row, posted(self.config["url"], self._headers(row), row["body"].encode(), within=ANSWER_WITHIN))

    def _finish(self, row: Row, outcome: Outcome) -> None:
        row |= {"status_code": outcome.status, "answer": outcome.body, "duration": round(outcome.seconds, 2)}
        self._store.save(row)
        waiting = self._store.one("waiting", subject=str(row["id"]))
        if waiting:
            self._store.delete(waiting)

    def signing_secret(self) -> bytes:
        """What signs the next delivery; on a bad day it is a wrong one."""
        secret = str(self.config["secret"]).encode()
        if self._faults.hooks.bad_signature > 0:
            self._faults.hooks.bad_signature -= 1
            secret += b" but wrong"
        return secret

    def _headers(self, row: Row) -> dict[str, str]:
        body, secret = row["body"].encode(), self.signing_secret()
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Delivery": row["guid"],
            "X-GitHub-Event": row["event"],
            "X-GitHub-Hook-ID": str(HOOK_ID),
            "X-GitHub-Hook-Installation-Target-ID": str(APP_ID),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature": "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
        }


def as_github_writes(payload: Row) -> str:
    """Compact JSON with control characters as ``\\u001B``, upper case, as GitHub does: re-serialising it changes the bytes."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return re.sub(r"\\(u00[01][0-9a-f]|.)", lambda found: "\\" + _upper(found.group(1)), text)


def _upper(escape: str) -> str:
    return "u" + escape[1:].upper() if len(escape) > 1 else escape
