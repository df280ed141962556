"""What a message of the portal looks like in Slack. Pure: plain words in, text and blocks out.

Features say words and never Slack's marking. Everything that a person wrote stands in plain-text objects with ``&``, ``<``
and ``>`` as entities, so that it is neither a mention nor a link nor bold; control and direction characters are dropped.
https://docs.slack.dev/messaging/formatting-message-text, https://docs.slack.dev/reference/block-kit.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_TEXT = 3000
LONGEST_LABEL = 75
LONGEST_VALUE = 2000
MOST_BLOCKS = 50
MOST_BUTTONS = 25
STYLES = frozenset({"primary", "danger"})
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
Json = dict[str, Any]


def message_of(payload: Mapping[str, Any]) -> Json:
    """``{"text", "blocks"}`` for chat.postMessage and chat.update.

    ``payload``: ``text`` (the sentence, also what notifications show), and if wanted ``lines`` (each a line below),
    ``link`` (``{"text", "url"}``, opens the portal) and ``buttons`` (``{"text", "action", "value", "style"}``). Ready
    ``blocks`` are taken as they are.
    """
    text = plain(text=str(payload["text"]))
    ready = payload.get("blocks")
    blocks = list(ready) if ready else [*_sections(payload, text), *_actions(payload)]
    return {"text": shortened(text=text, longest=LONGEST_TEXT), "blocks": blocks[:MOST_BLOCKS]}


def _sections(payload: Mapping[str, Any], text: str) -> Iterable[Json]:
    yield _section(text)
    lines = [line for line in (plain(text=str(given)) for given in payload.get("lines") or ()) if line]
    if lines:
        yield _section("\n".join(lines))


def _actions(payload: Mapping[str, Any]) -> Iterable[Json]:
    link = payload.get("link")
    made = [_button(button) for button in payload.get("buttons") or ()]
    made += [_opens(link)] if link else []
    if made:
        yield {"type": "actions", "elements": made[:MOST_BUTTONS]}


def _section(text: str) -> Json:
    return {"type": "section", "text": _words(text, LONGEST_TEXT)}


def _button(given: Mapping[str, Any]) -> Json:
    button = {
        "type": "button",
        "text": _words(plain(text=str(given["text"])), LONGEST_LABEL),
        "action_id": str(given["action"]),
        "value": str(given.get("value", ""))[:LONGEST_VALUE],
    }
    style = given.get("style")
    return {**button, "style": style} if style in STYLES else button


def _opens(link: Mapping[str, Any]) -> Json:
    return {
        "type": "button",
        "text": _words(plain(text=str(link["text"])), LONGEST_LABEL),
        "action_id": "open",
        "url": str(link["url"]),
    }


def _words(escaped: str, longest: int) -> Json:
    return {"type": "plain_text", "text": shortened(text=escaped, longest=longest), "emoji": False}


def plain(*, text: str) -> str:
    """One line of plain words, escaped: no control or direction characters, no line breaks, nothing that Slack reads as marking."""
    kept = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or unicodedata.category(sign) not in _DROPPED)
    return escaped(text=" ".join(kept.split()))


def escaped(*, text: str) -> str:
    """``&``, ``<`` and ``>`` as entities, as Slack asks for; so ``<!channel>`` and ``<@U…>`` are only letters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shortened(*, text: str, longest: int) -> str:
    """Cut with a sign that it was cut, and never in the middle of an entity."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    start = cut.rfind("&")
    if start != -1 and ";" not in cut[start:]:
        cut = cut[:start]
    return cut + "…"


def whispered(*, text: str) -> str:
    """An answer of several lines for one person, escaped."""
    return shortened(text="\n".join(plain(text=line) for line in text.splitlines()), longest=LONGEST_TEXT)
