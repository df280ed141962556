"""Makes characters visible that reorder or hide text in titles and names (SECURITY.md of this repository, rule on bidi).

Pure. The result is escaped HTML: each such character becomes a small box with its code, and the whole stands in <bdi>,
so that it cannot turn the text around it.
"""

import unicodedata

from django.utils.html import escape
from django.utils.safestring import SafeString

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Control, format (directions, zero width, tags), private use, surrogate, line and paragraph separators."""

WELCOME = frozenset("\n\t\r\u00ad\u200d\ufe0f")
"""Line breaks and tabs; soft hyphen; joiner and selector, without which emoji fall apart."""

BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters that print as nothing: Hangul fillers and the blank braille pattern."""


def is_hidden(char: str) -> bool:
    """Whether a character is invisible or changes the direction of what follows."""
    return char not in WELCOME and (char in BLANKS or unicodedata.category(char) in HIDDEN_CATEGORIES)


def visible(text: str) -> SafeString:
    """The text as safe HTML with hidden characters shown by their code."""
    if text.isascii() and text.isprintable():
        return SafeString(escape(text))
    marked = "".join(_box(char) if is_hidden(char) else escape(char) for char in text)
    return SafeString(f"<bdi>{marked}</bdi>")


def revealed(text: str) -> str:
    """The same as plain text, for a title or a message: «U+202E» in place of the character."""
    return "".join(f"«U+{ord(char):04X}»" if is_hidden(char) else char for char in text)


def _box(char: str) -> str:
    name = unicodedata.name(char, "control character").lower()
    return f'<span class="control" title="{escape(name)}">U+{ord(char):04X}</span>'
