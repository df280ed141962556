"""In which order the tests of a run on several processes begin: what takes long early, so that none is left alone with it."""

import os

import pytest

LONG = ("browser", "long")
"""Markers of tests that take seconds, not milliseconds."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Those that take long come where the first of them stands: after what only looks at the database, before the rest.

    The order stays random among the long ones and among the others. Groups begin before all; pytest-xdist sees to that.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        long = [item for item in items if any(item.get_closest_marker(name) for name in LONG)]
        if long:
            chosen, first = set(long), items.index(long[0])
            items[:] = [*items[:first], *long, *(item for item in items[first:] if item not in chosen)]
