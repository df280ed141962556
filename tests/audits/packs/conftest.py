"""The ledger's key in a folder of the test."""

import pytest

from portal.ledger.places import GIT_VARIABLE, KEY_VARIABLE, places


@pytest.fixture
def where(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(GIT_VARIABLE, raising=False)
    return places()
