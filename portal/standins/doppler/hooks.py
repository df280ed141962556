"""Doppler's webhooks: signed over the raw body, without an id, sent again up to five times."""

import hashlib
import hmac
import json
import threading
import time
from queue import SimpleQueue

from portal.standins.faults import Faults
from portal.standins.sending import posted
from portal.standins.store import Row, Store

RETRIES = 5
WAIT = 0.5
WITHIN = 10.0
HOLD = "hold:"


class Hooks:
    """Webhooks of one workplace; a thread sends them one after the other."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.held: list[bytes] = []

    @property
    def config(self) -> Row:
        """Where they go and what signs them."""
        return self._store.one("hook", subject="workplace") or {"url": "", "secret": "", "template": False}

    def configure(self, *, url: str, secret: str, template: bool = False) -> None:
        """From now on."""
        for row in self._store.all("hook"):
            self._store.delete(row)
        self._store.add("hook", subject="workplace", body={"url": url, "secret": secret, "template": template})

    def send(self, payload: Row) -> None:
        """Queue one. Only a template of one's own carries values."""
        config = self.config
        if not config["url"]:
            return
        values = payload.pop("values")
        body = json.dumps(payload | ({"values": values, "message": f"set to {values}"} if config["template"] else {})).encode()
        if config["url"] == HOLD:
            self.held.append(body)
            return
        self._begin()
        self._waiting.put(body)

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a delivery."""
        digest = hmac.new(str(self.config["secret"]).encode(), body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "User-Agent": "Doppler", "X-Doppler-Signature": f"sha256={digest}"}

    def stop(self) -> None:
        """Sends nothing more."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout=5)

    def _begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="doppler-hooks", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (body := self._waiting.get()) is not None:
            for turn in range(RETRIES + 1):
                if posted(self.config["url"], self.signed(body), body, within=WITHIN).status in range(200, 300):
                    break
                time.sleep(WAIT * turn)
