"""The digest of a version of the policy. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest_for(*, number: int, text: str, parameters: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of what a version says: number, text, parameters. Decisions bind to it."""
    value = {"number": number, "text": text, "parameters": parameters}
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
