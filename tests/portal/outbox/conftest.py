"""A register of deliverers of the test's own, and a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.outbox import registry

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at

    def pass_by(self, **duration):
        self.at += timedelta(**duration)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def deliverers(monkeypatch):
    """An empty register; what the test registers is gone afterwards."""
    register = {}
    monkeypatch.setattr(registry, "_deliverers", register)
    return register
