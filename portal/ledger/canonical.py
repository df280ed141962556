"""One text for one value: JSON with sorted keys and no spaces (RFC 8785 for what facts are made of). Pure."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

REPLACEMENT = "\ufffd"


def digest_of(value: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of a value as canonical JSON."""
    return digest_of_text(canonical(value))


def digest_of_text(text: str) -> str:
    """SHA-256, in hexadecimal, of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Mapping[str, Any]) -> str:
    """``value`` as canonical JSON text.

    Times (aware ones only) become UTC ISO 8601, durations seconds, decimals and UUIDs text. Characters that no PostgreSQL
    text can hold (NUL, half a surrogate pair) become U+FFFD. Raises ``TypeError`` or ``ValueError`` for what is not JSON.
    """
    text = _dumps(value)
    if "\\u0000" in text or not _is_utf8(text):
        return _dumps(_cleaned(value))
    return text


def _dumps(value: Any) -> str:
    if isinstance(value, dict) and all(type(item) is str for item in value.values()):
        # The same text in a tenth of the time, which long proposals notice. It does not know every value as ``json`` does.
        with suppress(TypeError):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    match value:
        case datetime() if value.tzinfo:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal() | UUID():
            return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a fact: {value!r}")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case Mapping():
            return {_cleaned(key): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
    return value
