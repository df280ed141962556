"""A pretend Slack for people: read a channel as somebody, write, react, press buttons, type ``/change``. No script."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from portal.standins.page_parts import button, chooser, document, said, tag
from portal.standins.slack import SlackStandIn
from portal.standins.slack.shown import shown_text
from portal.standins.slack.world import BOT_USER, SlackError
from portal.standins.store import Row

Fields = dict[str, str]
ANSWER_WITHIN = 2.0
"""Seconds that the page waits for what the portal's workers tell a person."""
SHOWN = 60
PLUS = "+1"
DIRECT = "direct-messages"


def page(slack: SlackStandIn, query: Fields) -> str:
    """One channel as one person sees it. Raises SlackError for a person or channel that is not there."""
    users = [row for row in slack.users() if not row["is_bot"] and not row["deleted"]]
    if not users or not slack.channels():
        return document("Stand-in of Slack", "<h1>Slack, played by a stand-in</h1><p>Nobody is here yet.</p>")
    who = slack.user(query.get("as") or users[0]["name"])
    direct = slack.direct_channel(who["user_id"])
    where = direct if query.get("in") == DIRECT else slack.channel(query.get("in") or slack.channels()[0]["name"])
    view = {"as": who["name"], "in": where["name"] or DIRECT}
    body = (
        '<p><a href="/">GitHub and Fly</a></p><h1>Slack, played by a stand-in</h1>'
        '<p class="quiet">Read a channel as somebody, press buttons, react with :+1:, or type '
        "<code>/change emergency what is broken | the fix | how to undo it</code>.</p>"
        f"{_choosing(slack, [row['name'] for row in users], view)}{said(query)}{_messages(slack, where, who, view)}{_writing(view)}"
    )
    return document("Stand-in of Slack", body)


def _choosing(slack: SlackStandIn, people: list[str], view: Fields) -> str:
    places = [*(row["name"] for row in slack.channels()), DIRECT]
    inner = chooser("as", "You are", people, view["as"]) + chooser("in", "Channel", places, view["in"])
    return f'<form class="wide" method="get" action="/slack">{inner}<button>Show</button></form>'


def _writing(view: Fields) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in view.items())
    return (
        f'<form class="wide" method="post" action="/slack/write">{hidden}'
        '<label>Message or command <input name="title" required value="/change emergency "></label>'
        f"<button>Send as {escape(view['as'])}</button></form>"
    )


def _messages(slack: SlackStandIn, where: Row, who: Row, view: Fields) -> str:
    rows = slack.messages(channel=where["channel_id"])[-SHOWN:]
    whispers = [
        row for row in slack.store.all("ephemeral") if (row["user"], row["channel"]) == (who["user_id"], where["channel_id"])
    ][-10:]
    items = sorted([*rows, *whispers], key=lambda row: str(row["ts"]))
    listed = "".join(_whisper(row) if "channel" in row else _message(slack, where, who, row, view) for row in items)
    heading = tag("h2", f"#{where['name']}" if where["name"] else "Direct messages with Countersign")
    return f'{heading}<ol class="talk">{listed}</ol>' if listed else f"{heading}<p>Nothing was written here yet.</p>"


def _whisper(row: Row) -> str:
    return f'<li class="whisper">{tag("p", "Countersign, only visible to you", class_="quiet")}{_lines(shown_text(row))}</li>'


def _message(slack: SlackStandIn, where: Row, who: Row, row: Row, view: Fields) -> str:
    """A message with its thread."""
    replies = [one for one in slack.messages(channel=where["channel_id"], thread=row["ts"]) if one["ts"] != row["ts"]]
    inner = "".join(f"<li>{_one(slack, who, one, view)}</li>" for one in replies)
    thread = f'<ol class="talk">{inner}</ol>' if inner else ""
    return f"<li>{_one(slack, who, row, view)}{thread}</li>"


def _one(slack: SlackStandIn, who: Row, row: Row, view: Fields) -> str:
    author = "Countersign" if row["user"] == BOT_USER else slack.user(row["user"])["real_name"]
    at = datetime.fromtimestamp(float(row["ts"]), UTC).strftime("%H:%M:%S")
    edited = " (edited)" if row["edited"] else ""
    about = tag("p", f"{author}, {at}{edited}", class_="quiet")
    return f"{about}{_lines(shown_text(row))}{_reactions(who, row, view)}{_buttons(row, view)}"


def _lines(text: str) -> str:
    return "".join(tag("p", line) for line in text.splitlines())


def _reactions(who: Row, row: Row, view: Fields) -> str:
    fields = {**view, "ts": row["ts"]}
    told = "".join(tag("span", f"{name} × {len(people)} ", class_="quiet") for name, people in row["reactions"].items())
    mine = who["user_id"] in row["reactions"].get(PLUS, ())
    act = button("/slack/unreact", "Take :+1: back", fields) if mine else button("/slack/react", "React :+1:", fields)
    return told + act


def _buttons(row: Row, view: Fields) -> str:
    made = []
    for element in (one for block in row["blocks"] for one in block.get("elements", ()) if one.get("type") == "button"):
        label = shown_text({"text": element["text"]["text"], "blocks": []})
        if "url" in element:
            made.append(tag("a", label, href=element["url"]))
        else:
            fields = {**view, "ts": row["ts"], "action": element["action_id"]}
            made.append(button("/slack/press", label, fields, danger=element.get("style") == "danger"))
    return "".join(made)


def pressed(slack: SlackStandIn, path: str, fields: Fields) -> str:
    """Does what a button of the page says; returns the address of the page that follows. Raises KeyError for no button."""
    view = {name: fields[name] for name in ("as", "in")}
    act = BUTTONS[path]
    try:
        act(slack, fields, _where(slack, fields))
    except SlackError as problem:
        view |= {"said": problem.message, "no": "1"}
    return f"/slack?{urlencode(view)}"


def _where(slack: SlackStandIn, fields: Fields) -> str:
    if fields["in"] == DIRECT:
        return str(slack.direct_channel(slack.user(fields["as"])["user_id"])["channel_id"])
    return fields["in"]


def _write(slack: SlackStandIn, fields: Fields, where: str) -> None:
    text, by = fields["title"].strip(), fields["as"]
    if not text.startswith("/"):
        slack.say(channel=where, by=by, text=text)
        return
    slash, _, rest = text.partition(" ")
    with _listening(slack, by, wanted=2):
        slack.command(by=by, channel=where, slash=slash, text=rest.strip())


def _press(slack: SlackStandIn, fields: Fields, where: str) -> None:
    with _listening(slack, fields["as"]):
        slack.press(channel=where, ts=fields["ts"], by=fields["as"], action=fields["action"])


def _react(slack: SlackStandIn, fields: Fields, where: str) -> None:
    with _listening(slack, fields["as"]):
        slack.react(channel=where, ts=fields["ts"], by=fields["as"])


def _unreact(slack: SlackStandIn, fields: Fields, where: str) -> None:
    with _listening(slack, fields["as"]):
        slack.unreact(channel=where, ts=fields["ts"], by=fields["as"])


@contextmanager
def _listening(slack: SlackStandIn, who: str, *, wanted: int = 1) -> Iterator[None]:
    """Afterwards waits a moment for so many words of the portal to this person, so that the next page shows them."""
    before = len(slack.told(by=who))
    yield
    patience = time.monotonic() + ANSWER_WITHIN
    while len(slack.told(by=who)) < before + wanted and time.monotonic() < patience:
        time.sleep(0.05)


BUTTONS: dict[str, Callable[[SlackStandIn, Fields, str], None]] = {
    "/slack/write": _write,
    "/slack/press": _press,
    "/slack/react": _react,
    "/slack/unreact": _unreact,
}
