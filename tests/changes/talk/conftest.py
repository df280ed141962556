"""The sealer signs in a folder of each test: notices are made from sealed entries."""

import pytest
from django.utils import timezone

from portal.ledger.places import GIT_VARIABLE, KEY_VARIABLE, places
from portal.ledger.sealer import seal as seal_ledger


@pytest.fixture(autouse=True)
def folder(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(GIT_VARIABLE, raising=False)


@pytest.fixture
def seal(folder):
    """Seal everything that was admitted."""
    return lambda: seal_ledger(at=timezone.now(), where=places(), origin="countersign.example/ledger", force=True)
