"""A short year, played through real HTTP and broken off once: the portal finds exactly what was planted.

``COUNTERSIGN_TEST_YEAR=all`` plays every scenario, which takes minutes.
"""

import os
from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.drifting import compare_all
from changes.delivery.log_models import ReleaseLog
from changes.desk.demo.expected import found
from changes.desk.demo.people import named
from changes.desk.demo.year.load import load_year, must_be_found
from changes.desk.demo.year.playbook import DEEDS
from changes.desk.demo.year.scenarios import SCENARIOS
from changes.drift.queries import not_compared, open_count
from changes.meetings.models import Meeting
from changes.outcomes.models import RollbackDrill
from changes.outcomes.queries import drill_clocks
from changes.proposals.lifecycle import State
from changes.proposals.models import Change
from changes.talk.models import Notice
from portal.runtime.models import Lease
from portal.standins.client import Remote
from portal.standins.together import StandIns
from tests.changes.outcomes.world import released
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FEW = ("merge-without-review", "direct-push", "release-by-hand", "meeting-missed", "dns-edited", "revert", "changed-mind")
PLAYED, WEEKS = (sorted(SCENARIOS), 9) if os.environ.get("COUNTERSIGN_TEST_YEAR") == "all" else (FEW, 5)


@pytest.fixture
def standins(tmp_path, settings):
    settings.DEMO, settings.DEMO_PASSWORD = True, "northwind-demo-2026"
    settings.DATA_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    made = StandIns(tmp_path / "standins")
    made.start()
    yield made
    made.stop()


def test_a_drill_that_was_written_down_before_the_telling_broke_off_is_not_written_twice():
    person("Dev")
    released("a", 1, at=NOW - timedelta(days=200))

    for _ in range(2):
        DEEDS["practise"](app="web", took=timedelta(minutes=5), by="dev", at=NOW)

    (line,) = drill_clocks(at=NOW, every=timedelta(days=183))
    assert (line.last, line.overdue) == (NOW - timedelta(minutes=5), False)
    assert RollbackDrill.objects.count() == 1


class Interrupted(Exception):
    """Somebody pulled the plug."""


@pytest.mark.long
def test_a_short_year_is_found_as_it_was_planned_even_when_it_broke_off(standins):
    said = []

    def interrupt(words):
        said.append(words)
        if len(said) == 2:
            raise Interrupted

    year = {"seed": 1, "scale": 0.005, "weeks": WEEKS, "names": PLAYED, "now": NOW}
    with pytest.raises(Interrupted):
        load_year(address=standins.vendors.url, say=interrupt, **year)
    assert Lease.objects.filter(name="standstill").exists()
    told = Notice.objects.create(person=named("ann"), entry=0, kind="comment", title="Bob commented", why="", href="/", at=NOW)
    made = load_year(address=standins.vendors.url, say=interrupt, **{**year, "seed": 2}, held=True)

    assert Lease.objects.filter(name="standstill").exists(), "the week is told next"
    remote = Remote(standins.vendors.url)
    wanted, shown = must_be_found(remote), found()
    assert sorted(wanted - shown) == []
    assert sorted(shown - wanted) == []
    assert len(wanted) == len({(one.repository, one.kind, one.subject) for one in made.expected}) >= 5
    assert made.seed == 1
    released = Change.objects.filter(state=State.RELEASED)
    assert released.count() >= 2
    logs = ReleaseLog.objects.select_related("release")
    assert {(log.posted_at - log.release.created_at).total_seconds() < 900 for log in logs} == {True}
    assert set(Meeting.objects.filter(planned_at__lt=NOW).values_list("state", flat=True)) == {"ended", "missed"}
    compare_all(at=NOW)
    assert (not_compared(), open_count()) == ([], 0), "every app has its file in Git, and runs as that says"
    told.refresh_from_db()
    assert told.read_at is not None, "a newcomer is not to begin with the unread notices of a year"
    assert remote.do("clock") > "2026-11-27"
    before = Change.objects.count()
    assert load_year(address=standins.vendors.url, say=said.append, **year) == made
    assert Change.objects.count() == before
