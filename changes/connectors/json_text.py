"""JSON as vendors write it. Strict, but for one thing that happens: a text that was cut in the middle of a character beyond U+FFFF
ends in half of a surrogate pair. That half becomes the sign for an unknown character, and everything else is read. Pure.
"""

import re
from typing import Any

import orjson

HALF = "surrogate"
"""How orjson says what it found."""
_ESCAPE = re.compile(rb"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2})")
"""An escaped backslash, a whole pair, or a half."""
_HALF_LENGTH = 6
_UNKNOWN = rb"\ufffd"


def decoded(body: bytes) -> Any:
    """The value of a body in UTF-8: no NaN, no infinite number, at most 1,024 levels. Raises ``orjson.JSONDecodeError``."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        if HALF not in str(wrong.msg):
            raise
        return orjson.loads(_ESCAPE.sub(_whole, body))


def _whole(found: re.Match[bytes]) -> bytes:
    return _UNKNOWN if len(found[0]) == _HALF_LENGTH else found[0]
