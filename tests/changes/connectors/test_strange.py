"""A fault in an answer that no parser foresaw stops its question: its source says so, and the others are read."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, OperationalError

from changes.connectors import polling
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.models import Source
from portal import vault

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CANARY = "canary-2b9"


@pytest.fixture
def sources(monkeypatch):
    for kind in ("cloudflare", "doppler"):
        Source.objects.create(name=kind, kind=kind, api_url="http://x", token_encrypted=vault.seal("t"), connected_at=AT)
    monkeypatch.setattr(polling.doppler, "sync", lambda **_: 0)

    def fail(wrong):
        def sync(**_):
            raise wrong

        monkeypatch.setattr(polling.cloudflare, "sync", sync)

    return fail


@pytest.mark.parametrize(
    "kind", [DataError, AttributeError, KeyError, OverflowError, TypeError, ValueError, Unreadable, Incomplete]
)
def test_a_fault_that_nobody_foresaw_stops_its_source_and_no_other(sources, kind):
    sources(kind(CANARY))

    polling.poll_due(now=lambda: AT)

    strange, well = Source.objects.order_by("name")
    assert strange.failures == 1
    assert strange.last_error == f"An answer could not be taken ({kind.__name__}); the log of the portal says where"
    assert (well.failures, well.last_good_read_at) == (0, AT)


def test_a_database_that_is_away_is_no_fault_of_a_vendor(sources):
    sources(OperationalError("the connection is closed"))

    with pytest.raises(OperationalError):
        polling.poll_due(now=lambda: AT)

    assert not Source.objects.filter(failures__gt=0).exists()
