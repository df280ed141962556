"""Cloudflare's description and recorded answers, read in place beside the checkout and never copied into it."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data")) / "cloudflare"
ABSENT = "Cloudflare's description and answers are not here (the vendor data folder is absent)"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)


def samples(*patterns):
    """All examples that match, with their names; one without a file where the folder is absent, which is then skipped."""
    found = sorted(path for pattern in patterns for path in FOLDER.glob(pattern)) if FOLDER.is_dir() else []
    return [pytest.param(path, id="/".join(path.parts[-3:])) for path in found] or [pytest.param(None, marks=needed)]


def described():
    """Cloudflare's OpenAPI description with its own defects mended, each of which its text contradicts."""
    document = without(json.loads((FOLDER / "openapi.cloudflare.cut.json").read_bytes()), DEFECTS)
    for parameter in document["paths"]["/accounts/{account_id}/logs/audit"]["get"]["parameters"]:
        if parameter.get("name") in {"since", "before"}:
            # The text allows times as RFC 3339 writes them; only the format says date.
            parameter["schema"]["format"] = "date-time"
    for path in ("/accounts/{account_id}/members", "/accounts/{account_id}/roles"):
        # It forgets tokens here, which Cloudflare's pages on permissions name for these.
        document["paths"][path]["get"]["security"] = [{"api_token": []}]
    return document


DEFECTS = {"discriminator", "readOnly"}
"""Types of records are told apart by a name that no schema has; ids in paths are called read-only."""


def without(value, keys):
    if isinstance(value, dict):
        return {key: without(inner, keys) for key, inner in value.items() if key not in keys}
    return [without(inner, keys) for inner in value] if isinstance(value, list) else value
