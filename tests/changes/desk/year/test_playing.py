"""A small year with every scenario, played through real HTTP: the portal finds exactly what was planted."""

from datetime import UTC, datetime

import pytest

from changes.desk.demo.expected import found
from changes.desk.demo.year.load import load_year, must_be_found
from changes.proposals.models import Change
from portal.standins.client import Remote
from portal.standins.together import StandIns

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


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


def test_a_small_year_is_found_as_it_was_planned(standins):
    said = []

    load_year(address=standins.vendors.url, seed=1, scale=0.01, weeks=9, now=NOW, say=lambda what: said.append(what) or print(what))

    import time

    print("CPU", time.process_time())
    want, have = must_be_found(Remote(standins.vendors.url)), found()
    for x in sorted(want - have):
        print("MISSING", x)
    for x in sorted(have - want):
        print("EXTRA", x)
    assert sorted(found()) == sorted(must_be_found(Remote(standins.vendors.url)))
    print([(c.number, c.title, c.state, c.moved_at) for c in Change.objects.all()])
    assert Change.objects.count()
