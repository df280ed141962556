"""Doppler's description and examples, read in place beside the checkout and never copied into it."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data")) / "doppler"
ABSENT = "Doppler's description and examples are not here (the vendor data folder is absent)"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)


def samples(pattern):
    """All examples that match, with their names; one without a file where the folder is absent, which is then skipped."""
    found = sorted(FOLDER.glob(pattern)) if FOLDER.is_dir() else []
    return [pytest.param(path, id=path.name) for path in found] or [pytest.param(None, marks=needed)]


def described():
    """Doppler's OpenAPI description with its own defects mended: a scheme without flows, defaults that are texts of numbers, and
    fields that its own examples show as null."""
    document = json.loads((FOLDER / "openapi.doppler.cut.json").read_bytes())
    document.pop("security", None)
    return _mended(document)


def _mended(value, *, told=False):
    """``told``: inside what Doppler answers."""
    if isinstance(value, dict):
        gone = {"security", "examples", "default", "example"}
        kept = {key: _mended(inner, told=told or key == "responses") for key, inner in value.items() if key not in gone}
        if told and kept.get("type") == "string":
            kept["type"] = ["string", "null"]
        return kept
    return [_mended(inner, told=told) for inner in value] if isinstance(value, list) else value
