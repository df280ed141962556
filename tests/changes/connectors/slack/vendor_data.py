"""Slack's own recordings, read in place beside the checkout and never copied into it."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data"))
ABSENT = f"Slack's recordings are not here ({FOLDER.name} folder is absent)"


def read(path: Path):
    """A recording; skips with the reason where it is absent."""
    if not path.is_file():
        pytest.skip(ABSENT)
    return json.loads(path.read_bytes())


def inbound(name: str) -> dict:
    """A payload that Slack has sent."""
    return read(FOLDER / "slack/inbound/bolt-python" / f"{name}.json")


def response(method: str) -> dict:
    """The official example of an answer: status → body."""
    return read(FOLDER / "slack/responses/spec" / f"{method}.json")


def vectors() -> list:
    """The official signature vectors as parameters of a test."""
    path = FOLDER / "vectors.json"
    if not path.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason=ABSENT), id="absent")]
    return json.loads(path.read_bytes())["slack"]["vectors"]
