"""The completeness sheet counts at every source and in both directions; each number is the number of its rows."""

import json
from datetime import timedelta

import pytest

from changes.completeness.counting import rows
from changes.completeness.populations import POPULATIONS
from changes.completeness.queries import sheet_of
from changes.completeness.window import window_of
from portal.access.scope import EVERYTHING, Scope
from portal.ledger.canonical import canonical
from tests.changes.stories import NOW, Clock, connect, post, read_story, work

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

    sheet = sheet_of(since=SINCE, until=until, scope=EVERYTHING, at=clock.at)

    assert counted(sheet.forward)
    for line in (*sheet.forward, *sheet.backward):
        assert line.at_source == line.matched + line.unmatched + line.outside
        assert line.unmatched == line.waiting + line.late + line.answered + line.unseen
        window = window_of(since=SINCE, until=until, scope=EVERYTHING, at=clock.at)
        opened = rows(population=POPULATIONS[line.population], window=window, place=line.place, size=1000)
        assert len(opened) == line.at_source
    assert json.loads(canonical(sheet.as_json()))["repositories"] is None
    nothing = sheet_of(since=SINCE, until=until, scope=Scope(repositories=frozenset({"nobody/nothing"})), at=clock.at)
    assert [counted(nothing.forward), counted(nothing.backward), nothing.scope] == [{}, {}, ()]
