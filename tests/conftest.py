"""What every test has: its own database (tests/settings.py), no way off this machine, and whole stacks on demand."""

import gc

import hypothesis
import pytest
from django.db.backends.postgresql.creation import DatabaseCreation

from tests.browser import _site, chromium, site, visit
from tests.connections import kept_connection, remove
from tests.copies import django_db_modify_db_settings
from tests.database import flush_lifts_guards
from tests.sockets import refuse_outside
from tests.stack import Stack, become_template

pytest_plugins = ["tests.branches", "tests.sharing"]
__all__ = ["_site", "chromium", "django_db_modify_db_settings", "flush_lifts_guards", "kept_connection", "site", "visit"]

# Tests that start whole stacks share one worker, so that two stacks and their timings do not meet on two cores.
_TOGETHER = ("stack", "chaos")


# Examples are the same in every run, and none fails because a busy machine took long over it.
hypothesis.settings.register_profile(
    "countersign", derandomize=True, deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("countersign")


def pytest_configure(config):
    refuse_outside()
    DatabaseCreation._destroy_test_db = remove


def pytest_collection_finish():
    """Look for rubbish seldom: with the usual thresholds that took a third of the processor time of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(300_000, 20, 10)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if any(item.get_closest_marker(name) for name in _TOGETHER):
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture
def stack():
    """Factory: `stack(empty=True)` gives a running portal, which is gone after the test, orphans included."""
    made = []

    def start(**options):
        made.append(Stack(**options))
        return made[-1].start()

    yield start
    for each in made:
        each.clear()


@pytest.fixture(scope="module")
def running_stack():
    """One empty portal, started from nothing, for all tests of a module that only look at a running one and leave it as it is.

    It ends with them, since an idle portal takes processor time too, and others begin as copies of it.
    """
    each = Stack(fresh=True)
    try:
        yield each.start()
        become_template(each)
    finally:
        each.clear()
