"""Fly's contracts and examples, read in place beside the checkout and never copied into it."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data")) / "fly"
ABSENT = "Fly's contracts and examples are not here (the vendor data folder is absent)"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)


def sample(name):
    """One example as decoded JSON."""
    return json.loads((FOLDER / name).read_bytes())


def samples(pattern):
    """All examples that match, with their names; one without a file where the folder is absent, which is then skipped."""
    found = sorted(FOLDER.glob(pattern)) if FOLDER.is_dir() else []
    return [pytest.param(path, id="/".join(path.parts[-3:])) for path in found] or [pytest.param(None, marks=needed)]
