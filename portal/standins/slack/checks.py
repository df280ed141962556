"""What Slack refuses in a message: too many blocks, texts that are too long, buttons without a name.

https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/messaging/message-metadata.
"""

from collections.abc import Callable
from typing import Any

from portal.standins.slack.world import SlackError

MOST_BLOCKS = 50
TEXTS = {"plain_text", "mrkdwn"}


def check_blocks(blocks: Any) -> None:
    """Raises invalid_blocks."""
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        raise SlackError("invalid_blocks")
    for block in blocks:
        check = CHECKS.get(str(block.get("type"))) if isinstance(block, dict) else None
        if check is None or not check(block):
            raise SlackError("invalid_blocks")


def _section(block: dict[str, Any]) -> bool:
    fields = block.get("fields") or []
    texts = ([block["text"]] if "text" in block else []) + list(fields)
    return len(texts) > 0 and all(_text(one, 3000 if one is block.get("text") else 2000) for one in texts)


def _actions(block: dict[str, Any]) -> bool:
    elements = block.get("elements") or []
    names = [one.get("action_id") for one in elements]
    return 1 <= len(elements) <= 25 and len(set(names)) == len(names) and all(_button(one) for one in elements)


def _button(one: dict[str, Any]) -> bool:
    return (
        one.get("type") == "button"
        and _text(one.get("text"), 75, {"plain_text"})
        and 0 < len(str(one.get("action_id") or "")) <= 255
        and len(str(one.get("value") or "")) <= 2000
        and len(str(one.get("url") or "")) <= 3000
        and one.get("style", "primary") in {"primary", "danger"}
    )


def _header(block: dict[str, Any]) -> bool:
    return _text(block.get("text"), 150, {"plain_text"})


def _context(block: dict[str, Any]) -> bool:
    elements = block.get("elements") or []
    return 1 <= len(elements) <= 10 and all(_text(one, 2000) for one in elements)


def _text(one: Any, longest: int, kinds: set[str] = TEXTS) -> bool:
    return isinstance(one, dict) and one.get("type") in kinds and 0 < len(str(one.get("text") or "")) <= longest


CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "section": _section,
    "actions": _actions,
    "header": _header,
    "context": _context,
    "divider": lambda block: True,
}


def check_metadata(metadata: Any) -> None:
    """Raises invalid_metadata_format."""
    if metadata is None:
        return
    right = isinstance(metadata, dict) and bool(metadata.get("event_type")) and isinstance(metadata.get("event_payload"), dict)
    if not right:
        raise SlackError("invalid_metadata_format")
