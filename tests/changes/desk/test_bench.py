"""The benchmark in small: its rows pass every guard, its figures come out, and its bare views stay out of the product."""

import json
import zlib
from datetime import UTC, datetime
from urllib.parse import unquote_plus

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.urls import Resolver404, resolve
from django.utils.timezone import now

from changes.connectors.github.payloads import parse
from changes.delivery.models import Check, PullRequest, Release, Review
from changes.desk.bench import client, door, fill, lives, reader, searching, shapes
from changes.desk.bench.completing import complete
from changes.desk.bench.figures import Line, Table, median, percentile
from changes.gates.models import Verdict
from changes.proposals.listing import Wanted, find
from changes.proposals.models import Approval, Change, LinkedPullRequest, Revision
from changes.proposals.searching.models import SearchText
from portal.access.scope import EVERYTHING
from portal.ledger import projection
from portal.ledger.models import LedgerLeaf
from tests.portal.standins.vendors import wrong_webhooks

MANY = 440
"""Enough for changes that are open (the newest four hundred) and for some in production."""


def address():
    at = connection.settings_dict
    named = {"host": at["HOST"], "port": at["PORT"], "dbname": at["NAME"], "user": at["USER"], "password": at["PASSWORD"]}
    return " ".join(f"{key}='{value}'" for key, value in named.items() if value)


@pytest.fixture
def bob(transactional_db):
    person = reader.approver(email="bob@northwind.example", name="Bob", at=now())
    fill.fill(url=address(), have=0, want=MANY, approver=person.pk, at=now(), say=lambda text: None)
    return person


def test_the_filled_changes_pass_every_guard(bob):
    assert {model.objects.count() for model in (Change, Revision, LinkedPullRequest, PullRequest, SearchText)} == {MANY}
    assert (Review.objects.count(), Check.objects.count()) == (2 * MANY, 3 * MANY)
    assert set(Change.objects.values_list("state", flat=True)) >= {"proposed", "approved", "released", "closed", "withdrawn"}
    assert Release.objects.exists()
    covered = 3 * MANY + Approval.objects.count() + Verdict.objects.count()
    assert LedgerLeaf.objects.filter(stream__startswith="change:").count() == covered
    with connection.cursor() as cursor:
        assert projection.check(cursor, 10) == ([], [])


def test_list_and_record_ask_as_often_for_many_as_for_few(bob):
    long = Change.objects.filter(state="released").order_by("-number").values_list("number", flat=True)[0]
    fill.lengthen(url=address(), number=long, entries=57)
    cookie = reader.signed_in(bob, at=now())

    paths = ("/changes/", "/changes/?q=CHG-7", "/changes/?state=draft", "/changes/?q=people", "/changes/?q=people+is:emergency")
    assert len({reader.queries_of(path, cookie) for path in paths}) == 1
    newest = dict(Change.objects.order_by("number").values_list("state", "number"))
    asked = {state: reader.queries_of(f"/changes/{number}/", cookie) for state, number in {**newest, "long": long}.items()}
    assert {state: number for state, number in asked.items() if number > 12} == {}


def test_the_questions_of_the_benchmark_find_what_their_names_say(bob):
    def rows(question):
        return len(find(wanted=Wanted(text=unquote_plus(question), today=now().date()), scope=EVERYTHING).rows)

    found = {name: rows(question) for name, question in searching.questions().items()}

    assert {found[name] for name in ("a change by its number", "a pull request", "a commit by its beginning", "a rare word")} == {1}
    assert {found[name] for name in ("one word", "words that every change has", "the beginning of a word")} == {50}
    assert {found[name] for name in ("nothing found", "operators that find nothing", "words of a span")} == {0}


def test_the_bare_views_are_no_part_of_the_product():
    with pytest.raises(Resolver404):
        resolve("/bench/one-insert/")
    assert [pattern for pattern in settings.LEAN_PATHS if "bench" in pattern] == []


def test_a_made_up_delivery_is_as_large_and_as_genuine_as_a_real_one(db):
    sent = door.delivery()(1)
    head, _, body = sent.partition(b"\r\n\r\n")

    assert len(body) == 24 * 1024 == client.length_of(head)
    assert shapes.delivery() == body
    assert door.delivery()(1) != sent


@pytest.fixture
def stream(tmp_path):
    """The deliveries about two pull requests."""
    return lives.backlog(folder=tmp_path, first=3_000_000, many=2, at=datetime(2026, 11, 27, 12, 0, tzinfo=UTC))


def test_a_life_is_thirty_known_deliveries_of_the_usual_size_in_their_order(stream):
    whole = [(at, parse(event, body), body) for at, event, body in stream]
    assert [at for at, _, _ in whole] == sorted(at for at, _, _ in whole)
    assert ({told.kind for _, told, _ in whole}, {told.note for _, told, _ in whole}) == ({"known"}, {""})
    assert all(24_000 < len(body) < 26_000 and 3_000 < len(zlib.compress(body, 1)) < 6_500 for _, _, body in whole)

    said = [(told.event, told.action, json.loads(body)) for _, told, body in whole if b"3000000" in body]
    story = [(event, action) for event, action, _ in said]
    checks = [("check_run", "created"), ("check_run", "completed")]
    opened, again = ("pull_request", "opened"), ("pull_request", "synchronize")
    ends = [("pull_request_review", "submitted"), ("pull_request", "closed"), ("push", "")]
    assert len(said) == lives.EACH == 30
    assert [one for one in story if one not in checks] == [opened, ("push", ""), again, *ends]
    assert story[-3:] == ends
    before, after = said[1 : story.index(("push", ""))], said[story.index(again) + 1 : -3]
    runs = [
        [(body["check_run"]["head_sha"], body["check_run"]["name"], action) for _, action, body in one] for one in (before, after)
    ]
    change = next(body for event, action, body in said if (event, action) == again)
    for sha, about in zip((change["before"], change["after"]), runs, strict=True):
        assert sorted(about) == sorted((sha, name, action) for name in lives.CHECKS for _, action in checks)
        assert all(about.index((sha, name, "created")) < about.index((sha, name, "completed")) for name in lives.CHECKS)


def test_a_life_is_valid_against_githubs_contract(stream):
    one_of_each = {(event, json.loads(body).get("action")): (event, json.loads(body)) for _, event, body in stream}

    assert len(one_of_each) == 7
    assert wrong_webhooks(one_of_each.values()) == []


def test_a_line_says_by_how_much_a_target_was_missed():
    near = Line("W1", "7 ms", "1 ms", 7.0, target=6.0)
    rate = Line("W4", "40/s", "100/s", 0.4, target=0.8, better="more")

    assert (near.reached, rate.reached) == ("no, 1.17 times away", "no, 2.00 times away")
    assert Line("W1", "6 ms", "1 ms", 6.0, target=6.0).reached == "yes"
    assert Line("W1", "6 ms", "1 ms").reached == ""
    assert Table([near, rate]).text().count("\n") == 3


def test_percentiles_are_those_of_the_values():
    assert (median([3.0, 1.0, 2.0]), percentile([float(n) for n in range(1, 101)], 99)) == (2.0, pytest.approx(99.01))
    assert percentile([5.0], 99) == 5.0


def test_a_statement_by_hand_gets_the_columns_that_came_later(db):
    with psycopg.connect(address()) as line:
        made = complete("INSERT INTO changes_repository (forge, name, in_scope_from)\nSELECT 'github', %s, now()", line)
        line.execute(made, ["northwind/later"])
        found = line.execute(
            "SELECT name, main_branch, mirror_error FROM changes_repository WHERE name = 'northwind/later'"
        ).fetchone()
        line.rollback()

    assert found == ("northwind/later", "main", "")
    assert complete("SELECT 1", line) == "SELECT 1"
