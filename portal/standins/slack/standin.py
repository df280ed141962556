"""The Slack stand-in as one object: a server, and what people do there as methods. Keywords only."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from portal.standins.sending import Outcome
from portal.standins.slack import api, shapes
from portal.standins.slack.requests import Requests
from portal.standins.slack.world import BOT_USER, PATH, SlackError, SlackWorld
from portal.standins.store import Row
from portal.standins.web import Answer, Request, Serving

ACTS = (
    "add_user",
    "change_user",
    "add_channel",
    "change_channel",
    "set_scopes",
    "revoke_token",
    "say",
    "react",
    "unreact",
    "press",
    "command",
    "verify",
    "send_again",
    "delete",
    "messages",
    "told",
    "hooks",
    "flush",
)
SAME = {"thumbsup": "+1", "thumbsdown": "-1"}


class SlackStandIn(SlackWorld):
    """One workspace in a folder. Use ``start``/``stop``, or ``answer`` inside another server.

    Point a connector at ``api_url`` with ``token``; ``hooks`` says where events, buttons and commands go.
    """

    def __init__(self, directory: Path, *, url: str = "http://127.0.0.1") -> None:
        super().__init__(directory, url=url)
        self.requests = Requests(self)
        self._serving: Serving | None = None

    def start(self, *, port: int = 0) -> str:
        """Serves on a loopback port of its own (0: any free one) and begins to send events. Returns the address."""
        self._serving = Serving(self.answer, port=port)
        self.url = self._serving.url
        self._serving.start()
        self.requests.start()
        return self.url

    def stop(self) -> None:
        """Stops serving and sending."""
        if self._serving:
            self._serving.stop()
        self.requests.stop()
        self.store.close()

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``/slack``: the Web API, and the addresses that commands and buttons are answered at."""
        return api.answer(self, request)

    def perform(self, act: str, arguments: dict[str, Any]) -> Any:
        """Does one of ``ACTS`` by name, as the control door needs it. Raises SlackError for an unknown act or wrong arguments."""
        if act not in ACTS:
            raise SlackError(f"there is no act {act!r}; there are {', '.join(ACTS)}")
        try:
            return getattr(self, act)(**arguments)
        except TypeError as problem:
            raise SlackError(str(problem)) from problem

    # The app

    def hooks(self, *, url: str, secret: str) -> str:
        """Where events, buttons and commands go from now on, signed with ``secret``; "" sends nothing."""
        self.requests.configure(url=url, secret=secret)
        return url

    def verify(self, *, challenge: str = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P") -> bool:
        """Whether the portal's address proves itself by saying the challenge."""
        outcome = self.requests.verification(challenge)
        return outcome.status == 200 and challenge in outcome.body

    def flush(self, *, timeout: float = 30.0) -> bool:
        """Waits until the events so far were sent."""
        return self.requests.flush(timeout=timeout)

    # What people do

    def change_channel(self, *, channel: str, **changed: Any) -> Row:
        """Archives or renames a channel, or takes the app out of it, and tells the app."""
        row = super().change_channel(channel=channel, **changed)
        where, ts = row["channel_id"], self.next_ts()
        if "archived" in changed:
            kind = "channel_archive" if changed["archived"] else "channel_unarchive"
            self.requests.event(shapes.event({"type": kind, "channel": where, "user": BOT_USER, "event_ts": ts}))
        if "name" in changed:
            told = {"id": where, "name": row["name"], "created": row["created"]}
            self.requests.event(shapes.event({"type": "channel_rename", "channel": told, "event_ts": ts}))
        if changed.get("app") is False:
            self.requests.event(shapes.event({"type": "channel_left", "channel": where, "actor_id": BOT_USER, "event_ts": ts}))
        return row

    def say(self, *, channel: str, by: str, text: str, thread: str = "", at: datetime | None = None) -> Row:
        """Somebody writes something, in a thread if one is named."""
        where, who = self.channel(channel), self.user(by)
        row = self.add_message(where, {"user": who["user_id"], "text": shapes.escaped(text), "thread_ts": thread}, at=at)
        inner = {**shapes.message(self, row), "channel": where["channel_id"], "channel_type": "channel", "event_ts": row["ts"]}
        self.requests.event(shapes.event(inner))
        return shapes.message(self, row)

    def react(self, *, channel: str, ts: str, by: str, name: str = "+1") -> Row:
        """Somebody adds a reaction; a skin tone is part of its name. Raises already_reacted."""
        return self.change_reaction(channel, ts, self.user(by)["user_id"], name, added=True)

    def unreact(self, *, channel: str, ts: str, by: str, name: str = "+1") -> Row:
        """Somebody takes a reaction back. Raises no_reaction."""
        return self.change_reaction(channel, ts, self.user(by)["user_id"], name, added=False)

    def change_reaction(self, channel: str, ts: str, who: str, name: str, *, added: bool) -> Row:
        """Adds or takes back, by somebody's id, and tells the app."""
        where = self.channel(channel)
        with self.lock:
            row, name = self.message(where, ts), SAME.get(name, name)
            people = row["reactions"].setdefault(name, [])
            if (who in people) == added:
                raise SlackError("already_reacted" if added else "no_reaction")
            people.append(who) if added else people.remove(who)
            row["reactions"] = {one: listed for one, listed in row["reactions"].items() if listed}
            self.store.save(row)
        kind = "reaction_added" if added else "reaction_removed"
        inner = shapes.reaction(kind, who=who, name=name, channel_id=where["channel_id"], row=row, ts=self.next_ts())
        self.requests.event(shapes.event(inner))
        return shapes.message(self, row)

    def press(self, *, channel: str, ts: str, by: str, action: str) -> Row:
        """Somebody presses the button with this action id. Returns what the portal answered."""
        where, who = self.channel(channel), self.user(by)
        row = self.message(where, ts)
        found = [one for block in row["blocks"] for one in block.get("elements", ()) if one.get("action_id") == action]
        if not found:
            raise SlackError("there is no such button on this message")
        payload = shapes.block_actions(
            self, who=who, where=where, row=row, element=found[0], response_url=self.response_url(where, who)
        )
        return _outcome(self.requests.interaction(payload))

    def command(self, *, by: str, text: str = "", channel: str = "", slash: str = "/change") -> Row:
        """Somebody types a slash command. Returns what the portal answered at once; words for the person are shown to them."""
        who = self.user(by)
        where = self.channel(channel) if channel else self.direct_channel(who["user_id"])
        fields = shapes.command(self, who=who, where=where, slash=slash, text=text, response_url=self.response_url(where, who))
        outcome = self.requests.command(fields)
        said = _said(outcome)
        if said:
            self.whisper(where, who["user_id"], said)
        elif outcome.status != 200:
            self.whisper(where, who["user_id"], f"{slash} failed because the app did not respond")
        return _outcome(outcome)

    def delete(self, *, channel: str, ts: str) -> bool:
        """Somebody deletes a message."""
        self.store.delete(self.message(self.channel(channel), ts))
        return True

    def send_again(self, *, number: int = 1, reason: str = "http_timeout") -> bool:
        """Sends the newest event once more, as Slack does when it heard nothing. False when there was none."""
        events = [row for row in self.requests.log() if row["kind"] not in {"command", "block_actions", "url_verification"}]
        if events:
            self.requests.again(events[-1], number=number, reason=reason)
        return bool(events)

    def response_url(self, where: Row, who: Row) -> str:
        row = self.store.add("response", body={"channel": where["channel_id"], "user": who["user_id"], "used": 0})
        return f"{self.url}{PATH}/respond/{row['id']}"

    # What is there

    def posts(self, *, channel: str) -> list[Row]:
        """Messages of the app in a channel and its threads, oldest first."""
        return [row for row in self.messages(channel=channel, thread=None) if row["user"] == BOT_USER]


def _outcome(outcome: Outcome) -> Row:
    return {"status": outcome.status, "body": outcome.body, "seconds": outcome.seconds}


def _said(outcome: Outcome) -> str:
    if outcome.status != 200 or not outcome.body.startswith("{"):
        return ""
    return str(json.loads(outcome.body).get("text", ""))
