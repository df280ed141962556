"""Recorded situations: ordered, signed GitHub deliveries with what they must end with. Read in place, never copied."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from changes.connectors.actions import connect_github
from changes.connectors.door import forget
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Settling
from changes.connectors.settling import settle_due
from changes.exceptions.models import ExceptionRecord, ExceptionState
from tests.told import once

FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[3] / "shared/vendors/data")) / "github/stories"
NAMES = ["dev.standard-change", "dev.violations", "dev.emergency-with-rollback"]
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that the test turns."""

    at: datetime = NOW

    def __call__(self):
        self.at += timedelta(milliseconds=1)
        return self.at

    def wait(self, seconds):
        self.at += timedelta(seconds=seconds)


def read_story(name):
    """The story, or a skip that says why."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not here: the recorded stories are read in place and are no part of the project")
    return json.loads(path.read_text())


def connect(story, at=NOW):
    """Connect the story's repository as `manage.py connect github` does."""
    forget()
    return connect_github(repository=story["repository"], secret=story["secret"], main="main", prod="prod", at=at)


def post(client, delivery, **more):
    """Post one delivery with its own headers and bytes."""
    headers = {**delivery["headers"], **more}
    return client.post(
        "/hooks/github/", data=delivery["body_raw"].encode(), content_type=headers.pop("Content-Type"), headers=headers
    )


def told(client, *names, until=None):
    """The same as ``tell``, which each process does once (tests/told.py): the first thing of a test."""
    forget()
    once((names, until), partial(tell, client, *names, until=until))


def tell(client, *names, until=None):
    """Post and work off these stories one after the other; ``until``: the first so many deliveries of each."""
    clock = Clock()
    for name in names:
        story = read_story(name)
        connect(story)
        for delivery in story["deliveries"][:until]:
            post(client, delivery)
        work(clock)


def work(clock):
    """Everything the workers would do until nothing is left."""
    drain(now=clock)
    clock.wait(6)
    settle_due(now=clock)
    assert not Settling.objects.exists(), list(Delivery.objects.values_list("event", "state", "attempts", "note"))


def findings():
    """What stands: kind and subject in one word."""
    rows = ExceptionRecord.objects.exclude(state=ExceptionState.CLEARED)
    return sorted(f"{row.kind}:{row.subject}" if row.subject else row.kind for row in rows)
