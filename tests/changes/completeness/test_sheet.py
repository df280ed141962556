"""The completeness sheet counts at every source and in both directions; each number is the number of its rows."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from changes.completeness.counting import rows
from changes.completeness.populations import POPULATIONS
from changes.completeness.queries import sheet_of
from changes.completeness.rerunning import picture, rerun
from changes.completeness.window import window_of
from changes.connectors.models import Delivery
from changes.delivery.log_models import ReleaseLog
from changes.delivery.models import BranchCommit, PullRequest, Release, Repository
from changes.exceptions.edits import judge_edits
from changes.inventory.actions import note_events
from changes.inventory.facts import VendorEvent
from portal.access.scope import EVERYTHING, Scope
from portal.ledger.canonical import canonical
from tests.changes.people import person, sign_in
from tests.changes.stories import NOW, Clock, connect, post, read_story, work
from tests.database import cover

pytestmark = pytest.mark.django_db
SINCE = NOW - timedelta(days=3650)


def counted(lines):
    return {(line.population, line.place): (line.at_source, line.matched, line.unmatched) for line in lines if line.at_source}


def test_a_story_of_violations_is_counted_both_ways_and_each_number_opens_its_rows(client):
    story = read_story("dev.violations")
    connect(story)
    for delivery in story["deliveries"]:
        post(client, delivery)
    clock = Clock()
    work(clock)
    until = clock.at + timedelta(days=1)
    event = VendorEvent(external_id="e1", at=NOW, kind="cloudflare.dns_record", action="update", object_name="www")
    note_events(source="cloudflare", events=[event, replace(event, external_id="e2")], at=NOW)
    judge_edits(source="cloudflare", since=NOW, at=NOW)

    sheet = sheet_of(since=SINCE, until=until, scope=EVERYTHING, at=clock.at)

    assert counted(sheet.forward) == {
        ("merged", "acme/web main"): (1, 1, 0),
        ("merged", "acme/web prod"): (1, 1, 0),
        ("cloudflare-edits", "cloudflare"): (2, 0, 2),
    }
    assert {line.population: (line.at_source, line.outside) for line in sheet.backward if line.outside} == {}
    for line in (*sheet.forward, *sheet.backward):
        assert line.at_source == line.matched + line.unmatched + line.outside
        assert line.unmatched == line.waiting + line.late + line.answered + line.unseen
        window = window_of(since=SINCE, until=until, scope=EVERYTHING, at=clock.at)
        opened = rows(population=POPULATIONS[line.population], window=window, place=line.place, size=1000)
        assert len(opened) == line.at_source
    assert json.loads(canonical(sheet.as_json()))["repositories"] is None
    _pages_show_the_numbers(client, sheet)
    nothing = sheet_of(since=SINCE, until=until, scope=Scope(repositories=frozenset({"nobody/nothing"})), at=clock.at)
    assert [counted(nothing.forward), counted(nothing.backward), nothing.scope] == [{}, {}, ()]


def _pages_show_the_numbers(client, sheet):
    """The page, the rows behind a number, the files and the outages open, also behind an auditor's wall."""
    sign_in(client, person("Mia", "compliance"))
    asked = f"from={sheet.since:%Y-%m-%d}&to={sheet.until:%Y-%m-%d}"
    whole = client.get(f"/completeness/?{asked}").content.decode()
    line = next(line for line in sheet.forward if line.unmatched)
    assert not re.search(r"\d{4,} min", whole), "days and hours are said in their words"
    address = f"/completeness/{line.population}/?{asked}&place={line.place.replace(' ', '%20')}&state=unmatched"
    assert f"{line.unmatched} without, {line.place}" in whole
    assert client.get(address).content.decode().count("Without</") == line.unmatched
    table = client.get(address.replace("/?", ".csv?")).content.decode()
    assert len(table.strip().splitlines()) == 2 + line.unmatched
    assert client.get(f"/completeness/sheet.json?{asked}").json()["digest"]
    assert client.get(f"/completeness/outages/?{asked}").status_code == 200
    for wrong in ("from=nonsense&to=9999-99-99", "older=nonsense", "place=%00", "older=2026-01-01T00:00:00"):
        assert client.get(f"/completeness/{line.population}/?{wrong}").status_code == 200
    assert client.get("/completeness/nothing/").status_code == 404


def test_a_full_run_from_the_raw_deliveries_comes_to_the_same_result(client):
    story = read_story("dev.violations")
    connect(story)
    for delivery in story["deliveries"]:
        post(client, delivery)
    clock = Clock()
    work(clock)
    before = picture()

    again = rerun(at=clock.at, seed=7)
    assert (again.deliveries, again.repositories) == (Delivery.objects.filter(state="applied").count(), 1)
    assert (again.differences, again.compared, picture()) == ((), len(before), before)

    PullRequest.objects.filter(state="merged").update(state="open", clocks={}, vendor_updated_at=None)
    assert any("was ('open'" in words for words in rerun(at=clock.at).differences)
    with pytest.raises(CommandError, match="differ"):
        call_command("reconcile", "--full", stdout=StringIO())
    Delivery.objects.update(body=b"")
    assert rerun(at=clock.at).deliveries == 0, "bodies that were let go cannot be applied again"
    call_command("reconcile", stdout=StringIO())


def test_a_commit_says_what_it_holds_as_a_merge():
    repository = Repository.objects.create(name="acme/web", in_scope_from=SINCE)
    for position, content in enumerate(("", "same", "own", "resolved", "unknown"), start=1):
        BranchCommit.objects.create(
            repository=repository,
            branch="prod",
            sha=f"{position:040}",
            parents=["a" * 40, "b" * 40],
            position=position,
            subject="Merge",
            committed_at=NOW,
            seen_at=NOW,
            merge_content=content,
        )
    after = NOW + timedelta(days=1)
    window = window_of(since=SINCE, until=after, scope=EVERYTHING, at=after)

    shown = rows(population=POPULATIONS["commits"], window=window, place="acme/web prod", size=10)

    more = "Merge · the merge holds what neither side has"
    assert sorted(row.words for row in shown) == ["Merge", "Merge", "Merge · nobody can tell what the merge holds", more, more]


def test_a_released_change_is_followed_back_to_commit_release_and_message(client):
    story = read_story("dev.standard-change")
    repository = connect(story)
    for delivery in story["deliveries"]:
        post(client, delivery)
    clock = Clock()
    work(clock)

    def backward():
        sheet = sheet_of(since=SINCE, until=clock.at + timedelta(days=1), scope=EVERYTHING, at=clock.at)
        return {line.population: (line.at_source, line.matched, line.unmatched, line.outside) for line in sheet.backward}

    assert backward() == {
        "logged": (1, 0, 1, 0),
        "changes-commit": (1, 0, 0, 1),
        "changes-release": (1, 1, 0, 0),
        "changes-message": (1, 0, 1, 0),
    }
    release = Release.objects.get(environment="production")
    Repository.objects.update(mirrored_at=clock.at)
    assert backward()["changes-commit"] == (1, 0, 1, 0)
    BranchCommit.objects.create(
        repository=repository, branch="prod", sha=release.commit_sha, position=1, committed_at=clock.at, seen_at=clock.at
    )
    with transaction.atomic():
        log = ReleaseLog.objects.create(
            release=release, channel="C1", ts="1.0", posted_at=clock.at - timedelta(minutes=1), at=clock.at
        )
        cover(log)
    assert set(backward().values()) == {(1, 1, 0, 0)}
    sheet = sheet_of(since=SINCE, until=clock.at + timedelta(days=1), scope=EVERYTHING, at=clock.at)
    assert [(line.at_source, line.matched) for line in sheet.forward if line.population == "messages"] == [(1, 1)]
    assert [(day.releases, day.logged) for day in sheet.days] == [(1, 1)]
