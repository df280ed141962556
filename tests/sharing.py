"""How the tests of a run are shared out among its processes: groups and long tests first, and quickly.

pytest-xdist goes through everything that it has ever given to a process whenever a test ends, and looks each test up in a list:
ten thousand times ten thousand steps, while the processes wait for their next test.
"""

from functools import cached_property

import pytest
from xdist.scheduler import LoadGroupScheduling

LONG = ("browser", "long")
"""Markers of tests that take seconds, not milliseconds."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items, config):
    """Whole stacks first, and where there are several processes those that take long where the first of them stands.

    That is after what only looks at the database, before the rest. The order stays random among the long ones and among the
    others. Among whole stacks the one that is started from nothing comes first: the others start as copies of it.
    """
    stacks = [item for item in items if item.get_closest_marker("stack")]
    others = [item for item in items if not item.get_closest_marker("stack")]
    if hasattr(config, "workerinput"):
        others = long_ones_early(others)
    items[:] = [*sorted(stacks, key=lambda item: "running_stack" not in item.fixturenames), *others]


def long_ones_early(items):
    long = [item for item in items if any(item.get_closest_marker(name) for name in LONG)]
    first, chosen = items.index(long[0]) if long else 0, set(long)
    return [*items[:first], *long, *(item for item in items[first:] if item not in chosen)]


def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


class Scheduling(LoadGroupScheduling):
    """The same shares as pytest-xdist's; what is done is forgotten."""

    @cached_property
    def numbers(self):
        """Test -> its place in the collection, which is the same in every process."""
        return {name: number for number, name in enumerate(self.collection)}

    def mark_test_complete(self, node, item_index, duration=0):
        name = self.collection[item_index]
        scope = self._split_scope(name)
        unit = self.assigned_work[node][scope]
        unit[name] = True
        if all(unit.values()):
            del self.assigned_work[node][scope]
        self._reschedule(node)

    def _assign_work_unit(self, node):
        scope, unit = self.workqueue.popitem(last=False)
        self.assigned_work[node][scope] = unit
        node.send_runtest_some([self.numbers[name] for name, done in unit.items() if not done])
