"""What a reader sees of a message: the words of its blocks, or its text where it has none."""

from collections.abc import Mapping
from typing import Any

ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def shown_text(row: Mapping[str, Any]) -> str:
    """Lines, with Slack's three entities as signs again."""
    words = [block["text"]["text"] for block in row["blocks"] if block.get("type") in {"section", "header"} and "text" in block]
    text = "\n".join(words) or str(row["text"])
    for entity, sign in ENTITIES:
        text = text.replace(entity, sign)
    return text
