"""Figures for a monitor: behind a token, in Prometheus's format, without a record's number in any series."""

import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from portal import metrics
from portal.home import foundations
from portal.home.measures import seconds_since
from portal.ledger.models import LedgerCheck
from portal.metrics import Gauge, Requests
from portal.runtime.models import Lease
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import person

LINE = re.compile(r'countersign_[a-z_]+(?:\{(?:[a-z]+="[^"\n]*",?)+\})? (?:[0-9.e+-]+|\+Inf)')
TOKEN = "monitor-token-of-a-test"


def test_counts_and_a_cumulative_histogram_are_told_and_a_stranger_makes_no_series():
    requests = Requests()
    requests.note(view="home", method="GET", status=200, seconds=0.01)
    requests.note(view="home", method="GET", status=200, seconds=0.3)
    requests.note(view="home", method="BREW", status=405, seconds=99)

    lines = list(requests.lines())

    assert 'countersign_http_requests_total{view="home",method="GET",status="200"} 2' in lines
    assert 'countersign_http_requests_total{view="home",method="none",status="405"} 1' in lines
    buckets = [line.rpartition(" ")[2] for line in lines if "_bucket" in line]
    assert buckets == ["1", "1", "1", "1", "1", "2", "2", "2", "2", "2", "3"]
    assert 'countersign_http_request_seconds_count{view="home"} 3' in lines
    assert 'countersign_http_request_seconds_sum{view="home"} 99.31' in lines


def test_a_label_cannot_break_out_of_its_line():
    assert metrics._gauge(Gauge("x", "X.", [({"source": 'a"} 1\nb\\'}, 2)]))[-1] == 'countersign_x{source="a\\"} 1\\nb\\\\"} 2'


@pytest.mark.django_db
def test_the_page_answers_a_monitor_with_its_token_only(client, settings, monkeypatch):
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    for header in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer ü"):
        refused = client.get("/metrics", headers={"Authorization": header})
        assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
        assert b"countersign_" not in refused.content
    sign_in(client, person("Rex"))
    assert client.get("/metrics").status_code == 401

    at = timezone.now()
    Lease.objects.create(name="sweep-inbox", next_at=at, run_at=at - timedelta(seconds=30), finished=None)
    LedgerCheck.objects.create(what="verify", ok=True, entries=0, checkpoints=0, seconds=0.1, at=at)
    monkeypatch.setitem(metrics._providers, "broken", lambda at: _raise(OperationalError("10.0.0.7 refused")))
    client.get("/nowhere/17/")
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (200, metrics.CONTENT_TYPE)
    assert [line for line in text.splitlines() if not line.startswith("# ") and not LINE.fullmatch(line)] == []
    for name in ("outbox_effects", "outbox_oldest_seconds", "seal_lag_seconds", "deliveries_waiting", "exceptions_open"):
        assert f"# TYPE countersign_{name} gauge" in text
    assert re.search(r'lease_sent_age_seconds\{lease="sweep-inbox"\} 3\d', text)
    assert re.search(r'http_requests_total\{view="none",method="GET",status="404"\} \d', text)
    assert "countersign_ledger_verified 1\n" in text
    assert 'countersign_provider_failed{provider="broken"} 1' in text
    assert 'countersign_provider_failed{provider="outbox"} 0' in text
    assert "10.0.0.7" not in text
    assert "/17" not in text


def test_two_clocks_that_disagree_make_no_negative_age():
    assert seconds_since(timezone.now() + timedelta(minutes=1), timezone.now()) == 0
    assert seconds_since(None, timezone.now()) == 0


@pytest.mark.parametrize(
    ("total", "free", "room"),
    [(100, 11, True), (100, 9, False), (100, 0, False), (10**12, 6 * 1024**3, True), (10**12, 4 * 1024**3, False)],
)
def test_a_disk_is_full_at_nine_tenths_unless_much_is_left(total, free, room):
    assert foundations.has_room(total=total, free=free) is room


@pytest.mark.django_db
def test_a_schema_older_than_the_code_is_not_ready_and_a_newer_one_is(client, monkeypatch):
    monkeypatch.setattr(foundations, "APPLIED", foundations.Applied())
    assert ("portal", "0001_user") in foundations.shipped()
    known = foundations.shipped()
    monkeypatch.setattr(foundations, "shipped", lambda: known | {("changes", "9999_next")})

    behind = client.get("/readyz")
    assert behind.status_code == 503
    assert "Schema is older than this release: run the migrations" in behind.content.decode()

    monkeypatch.setattr(foundations, "shipped", lambda: known - {("portal", "0001_user")})
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr(foundations, "shipped", lambda: known | {("changes", "9999_next")})
    assert foundations.schema_is_current(), "a yes is remembered: the schema does not go back while a process runs"


@pytest.mark.django_db
def test_a_refused_seal_is_told_and_makes_nobody_unready(client):
    refusal = {"what": "seal", "ok": False, "entries": 0, "checkpoints": 0, "seconds": 0.0}
    LedgerCheck.objects.create(**refusal, at=timezone.now() - timedelta(hours=3))
    assert "Seal keeps up" in client.get("/readyz").content.decode()
    LedgerCheck.objects.create(**refusal, at=timezone.now() - timedelta(minutes=10))

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert "Seal is behind or was refused" in answer.content.decode()


def _raise(problem):
    raise problem
