"""GitHub's own recordings, read in place beside the checkout and never copied into it."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data"))
GITHUB = FOLDER / "github"
ABSENT = f"GitHub's recordings are not here ({FOLDER.name} folder is absent)"
needed = pytest.mark.skipif(not GITHUB.is_dir(), reason=ABSENT)


def deliveries() -> list[Path]:
    """Every recorded webhook payload. Its folder is named after the event."""
    return sorted((GITHUB / "webhooks").glob("*/*/*.json"))


def told(path: Path) -> str:
    """Source, event and file name: the name of a recording in a test's id."""
    return "/".join(path.with_suffix("").parts[-3:])


def event_of(path: Path) -> str:
    """The event of a recording: its folder, but for one that its collector filed under another."""
    return {"go-playground/team/add": "team_add"}.get(told(path), path.parent.name)


def story(name: str) -> dict:
    """One story; skips with the reason where it is absent."""
    path = GITHUB / "stories" / f"dev.{name}.json"
    if not path.is_file():
        pytest.skip(ABSENT)
    return json.loads(path.read_bytes())


def recorded(name: str) -> dict:
    """A recorded payload ``source/event/file``; skips with the reason where it is absent."""
    path = GITHUB / "webhooks" / f"{name}.json"
    if not path.is_file():
        pytest.skip(ABSENT)
    return json.loads(path.read_bytes())
