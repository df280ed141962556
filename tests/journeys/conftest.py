"""Stand-ins of the vendors for stories through a whole portal, and portals that somebody has set up already."""

from contextlib import ExitStack

import pytest

from tests.journeys.chaos.seeds import Seed
from tests.standins import github_standin

__all__ = ["github_standin"]


@pytest.fixture(scope="session")
def seed():
    each = Seed()
    yield each
    each.clear()


@pytest.fixture
def connected(seed):
    """Factory: each call gives a running portal that knows its forge by deliveries only, gone after the test."""
    with ExitStack() as running:
        yield lambda: running.enter_context(seed.running())
