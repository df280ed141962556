"""GitHub's official contracts, read in place from the vendors' folder beside the checkout."""

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "data"


def official(name: str) -> dict[str, Any]:
    """A contract by its path below the vendors' data; skips the test with the reason where the folder is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the vendors' contracts are not beside this checkout: {name} is missing")
    return json.loads(path.read_text())
