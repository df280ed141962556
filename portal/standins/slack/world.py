"""What the Slack stand-in holds: people, channels, messages with reactions, and what only one person sees.

Slack's own ids stand in ``user_id``, ``channel_id`` and ``ts``; ``id`` is the record's.
"""

import secrets
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from portal.standins.clock import Clock
from portal.standins.faults import Faults
from portal.standins.store import Row, Store

TEAM = {"id": "T0NORTHWND", "name": "Northwind Labs", "domain": "northwind"}
BOT_USER, BOT, APP = "U0CSIGNBOT", "B0CSIGNBOT", "A0CSIGNAPP"
SCOPES = (
    *("channels:history", "channels:read", "chat:write", "commands", "im:history", "im:write", "reactions:read"),
    *("reactions:write", "users:read", "users:read.email"),
)
PATH = "/slack"
API_PATH = f"{PATH}/api"


class SlackError(Exception):
    """A refusal in Slack's form: ``{"ok": false, "error": code}``, and more fields where Slack has them."""

    def __init__(self, code: str, **more: str) -> None:
        self.code, self.more = code, more
        self.message = code.replace("_", " ")
        self.status = 200
        super().__init__(code)


class SlackWorld:
    """One workspace with one app in it, Countersign. Names (``ann``, ``emergencies``) and Slack's ids both name things."""

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1") -> None:
        self.url = url
        self.store = Store(directory / "slack.sqlite3")
        self.faults = Faults()
        self.clock = Clock()
        self.lock = threading.RLock()
        self._last_ts = 0

    @property
    def api_url(self) -> str:
        """Where the Web API answers."""
        return self.url + API_PATH

    @property
    def token(self) -> str:
        """The app's bot token, the same on every call until it is revoked."""
        return str(self._app()["token"])

    @property
    def scopes(self) -> list[str]:
        """What the app may do."""
        return list(self._app()["scopes"])

    def _app(self) -> Row:
        with self.lock:
            row = self.store.one("app", subject=APP)
            return row or self.store.add("app", subject=APP, body={"token": _token(), "scopes": list(SCOPES)})

    def set_scopes(self, *, scopes: list[str]) -> list[str]:
        """Gives the app these scopes and no others."""
        self.store.save({**self._app(), "scopes": sorted(scopes)})
        return self.scopes

    def revoke_token(self) -> str:
        """The old token is worth nothing from now on; returns the new one."""
        self.store.save({**self._app(), "token": _token()})
        return self.token

    # People

    def add_user(
        self,
        *,
        name: str,
        real_name: str = "",
        email: str = "",
        is_bot: bool = False,
        confirmed: bool = True,
        team: str = "",
        standing: str = "member",
    ) -> Row:
        """A person (or a bot) of the workspace, or of another ``team`` in a shared channel; found again by name.

        ``standing``: primary_owner, owner, admin, member, guest, single_guest.
        """
        with self.lock:
            found = self.store.one("user", subject=name)
            if found:
                return found
            body: Row = {"name": name, "real_name": real_name or name, "email": email, "is_bot": is_bot, "deleted": False}
            row = self.store.add(
                "user", subject=name, body={**body, "confirmed": confirmed, "team": team or TEAM["id"], "standing": standing}
            )
            row["user_id"] = f"U0{row['id']:07d}"
            self.store.save(row)
            return row

    def change_user(self, *, name: str, **changed: Any) -> Row:
        """Another e-mail address, deactivated (``deleted``), no longer ``confirmed``, another ``standing``."""
        row = {**self.user(name), **changed}
        self.store.save(row)
        return row

    def user(self, who: str) -> Row:
        """A person by name or id. Raises user_not_found."""
        for row in self.store.all("user"):
            if who in (row["name"], row["user_id"]):
                return row
        raise SlackError("user_not_found")

    def users(self) -> list[Row]:
        """Everybody, oldest first."""
        return self.store.all("user")

    # Channels

    def add_channel(self, *, name: str, app: bool = True, private: bool = False, at: datetime | None = None) -> Row:
        """A channel, with or without the app in it; found again by name."""
        with self.lock:
            found = next((row for row in self.channels() if row["name"] == name), None)
            if found:
                return found
            return self._add_channel({"name": name, "app": app, "private": private, "with": ""}, "C", at)

    def direct_channel(self, user: str) -> Row:
        """The direct messages of the app with a person."""
        with self.lock:
            found = next((row for row in self.store.all("channel") if row["with"] == user), None)
            return found or self._add_channel({"name": "", "app": True, "private": True, "with": user}, "D", None)

    def _add_channel(self, body: Row, letter: str, at: datetime | None) -> Row:
        created = int((at or self.clock.now()).timestamp())
        row = self.store.add("channel", body={**body, "archived": False, "created": created})
        row["channel_id"] = f"{letter}0{row['id']:07d}"
        self.store.save(row)
        return row

    def channel(self, where: str) -> Row:
        """A channel by name or id. Raises channel_not_found."""
        for row in self.store.all("channel"):
            if where in (row["channel_id"], row["name"] or "-", f"#{row['name']}"):
                return row
        raise SlackError("channel_not_found")

    def channels(self) -> list[Row]:
        """Every channel that is no direct message."""
        return [row for row in self.store.all("channel") if not row["with"]]

    def change_channel(self, *, channel: str, **changed: Any) -> Row:
        """``archived``, or the ``app`` in it or not."""
        row = {**self.channel(channel), **changed}
        self.store.save(row)
        return row

    # Messages

    def add_message(self, channel: Row, body: Row, *, at: datetime | None = None) -> Row:
        """Keeps a message under a ts of its own."""
        with self.lock:
            fields = {"thread_ts": "", "reactions": {}, "blocks": [], "metadata": None, "edited": False, **body}
            ts = self.next_ts(at)
            return self.store.add("message", place=channel["channel_id"], subject=ts, body={**fields, "ts": ts})

    def next_ts(self, at: datetime | None = None) -> str:
        """Seconds since 1970 with six digits behind the point, never the same twice."""
        with self.lock:
            if at is None:
                micros = self._last_ts = max(int(self.clock.now().timestamp() * 1_000_000), self._last_ts + 1)
            else:
                micros = int(at.timestamp()) * 1_000_000 + secrets.randbelow(1_000_000)
            return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def message(self, channel: Row, ts: str) -> Row:
        """A message. Raises message_not_found."""
        row = self.store.one("message", place=channel["channel_id"], subject=ts)
        if row is None:
            raise SlackError("message_not_found")
        return row

    def messages(self, *, channel: str, thread: str | None = "") -> list[Row]:
        """Messages of a channel, oldest first; ``thread`` "" leaves replies out, None keeps them, a ts is that thread."""
        rows = self.store.all("message", place=self.channel(channel)["channel_id"])
        if thread is None:
            return rows
        if not thread:
            return [row for row in rows if not row["thread_ts"]]
        return [row for row in rows if thread in (row["ts"], row["thread_ts"])]

    def whisper(self, channel: Row, user: str, text: str, *, blocks: Any = None) -> Row:
        """What only one person sees."""
        body = {"user": user, "channel": channel["channel_id"], "text": text, "blocks": blocks or [], "ts": self.next_ts()}
        return self.store.add("ephemeral", body=body)

    def told(self, *, by: str, channel: str = "") -> list[str]:
        """What only this person was told, oldest first; in one channel if that is named."""
        user = self.user(by)["user_id"]
        where = self.channel(channel)["channel_id"] if channel else ""
        rows = self.store.all("ephemeral")
        return [row["text"] for row in rows if row["user"] == user and where in ("", row["channel"])]


def _token() -> str:
    return f"xoxb-{secrets.randbelow(10**12)}-{secrets.token_hex(12)}"
