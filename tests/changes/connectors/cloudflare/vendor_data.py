"""Cloudflare's description and recorded answers, read in place beside the checkout and never copied into it."""

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
