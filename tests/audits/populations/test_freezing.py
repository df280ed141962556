"""Populations over a recorded story of real deliveries: frozen rows, digests, sheets, drawing, marks, and a second reading."""

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from audits.populations.actions import Wish, freeze
from audits.populations.comparing import compare
from audits.populations.csv_file import file_of
from audits.populations.facts import Asked
from audits.populations.kinds import KINDS
from audits.populations.sheet import count_at_source
from audits.samples import results
from audits.samples.actions import draw, mark, new_seed, replace
from audits.samples.drawing import ALGORITHM, digest_of_keys, ranked, systematic
from audits.samples.models import Mark, SampleItem
from audits.samples.queries import items_of, standing
from changes.proposals.models import Change
from portal.access.scope import Scope
from portal.ledger.canonical import canonical, digest_of, digest_of_text
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.opened import admitted
from tests.changes.people import who
from tests.changes.stories import Clock, connect, post, read_story, work

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def told(clock, client, name="dev.violations"):
    story = read_story(name)
    connect(story)
    for delivery in story["deliveries"]:
        post(client, delivery)
    work(clock)


def test_every_kind_of_a_story_is_frozen_counted_twice_hashed_and_sampled(client):
    clock = Clock()
    told(clock, client)
    uma, engagement = admitted(window_from=LONG_AGO, at=clock.at)
    at = clock.at

    frozen = {code: freeze(wish=Wish(engagement, code, LONG_AGO, at), by=uma, at=at) for code in KINDS}

    assert [population.number for population in frozen.values()] == list(range(1, len(KINDS) + 1))
    for code, population in frozen.items():
        lines = list(population.rows.order_by("position").values_list("key", "line"))
        assert population.digest == hashlib.sha256("".join(f"{line}\n" for _, line in lines).encode()).hexdigest()
        assert population.sheet_digest == digest_of(population.sheet)
        assert population.sheet["rows"]["agrees"], (code, population.sheet["rows"])
        assert population.count == len(lines) == population.sheet["rows"]["exported"]
        assert population.sheet["completeness"]["scope"]
        for key, line in lines:
            row = json.loads(line)
            assert (row["key"], canonical(row), {*row}) == (key, line, {column.name for column in KINDS[code].columns})
            assert all(isinstance(value, str | int | None) for value in row.values())
    assert {code: row.count for code, row in frozen.items() if row.count} == {
        "changes": 3,
        "pull_requests": 2,
        "exceptions": 9,
        "emergencies": 3,
        "training": 2,
        "roles": 3,
    }
    _nothing_of_other_repositories(at)
    _what_a_filter_leaves_out(frozen["exceptions"], uma, at)
    _a_second_reading(frozen["changes"], clock)
    sample = _a_sample_of_changes(frozen["changes"], uma, clock)
    _marks(sample, uma, clock)
    _a_replacement(frozen["exceptions"], uma, clock)
    _other_ways_to_draw(frozen, uma, clock)
    _nothing_else_is_drawn(frozen, uma, clock)


def _nothing_of_other_repositories(at):
    elsewhere = Asked(since=LONG_AGO, until=at, scope=Scope(repositories=frozenset({"acme/other"})), at=at)
    for code in ("changes", "pull_requests", "exceptions", "emergencies", "commits"):
        assert (list(KINDS[code].read(elsewhere)), count_at_source(KINDS[code], elsewhere)) == ([], 0)


def _what_a_filter_leaves_out(everything, uma, at):
    wish = Wish(everything.engagement, "exceptions", LONG_AGO, at, {"clause": "P-08", "outcome": ""})

    some = freeze(wish=wish, by=uma, at=at)

    counted = some.sheet["rows"]
    assert 0 < some.count < everything.count
    assert (counted["at_source"], counted["read"], counted["left_out"]) == (
        everything.count,
        everything.count,
        everything.count - some.count,
    )
    assert {json.loads(line)["clause"] for line in some.rows.values_list("line", flat=True)} == {"P-08"}
    assert (some.filters, some.sheet["filters"]) == ({"clause": "P-08"}, {"Clause": "P-08"})
    with pytest.raises(Refused, match="cannot be narrowed by subject"):
        freeze(wish=dataclasses.replace(wish, filters={"subject": "x"}), by=uma, at=at)


def _a_second_reading(population, clock):
    assert (compare(population=population, at=clock()).same, compare(population=population, at=clock()).equal) == (True, 3)
    first, second, _ = Change.objects.filter(merged_at__isnull=False).order_by("number")
    Change.objects.filter(pk=first.pk).update(title="=Edited")
    Change.objects.filter(pk=second.pk).update(merged_at=clock.at + timedelta(days=1))

    found = compare(population=population, at=clock())

    assert (found.equal, found.added, found.missing, found.different) == (1, 0, 1, 1)
    assert (found.missing_keys, [(key, fields[0].label, fields[0].now) for key, fields in found.different_rows]) == (
        [str(second)],
        [(str(first), "Title", "=Edited")],
    )
    Change.objects.filter(pk=second.pk).update(merged_at=population.since)
    assert compare(population=population, at=clock()).different == 2
    again = freeze(wish=Wish(population.engagement, "changes", LONG_AGO, clock.at), by=population.frozen_by, at=clock.at)
    assert (population.rows.count(), again.count, again.digest == population.digest) == (3, 3, False)
    with file_of(population=again, reader="Uma", at=clock.at).body as body:
        header, *lines = body.read().decode().splitlines()
    assert header.startswith("Change,Title,")
    assert sum(",'=Edited," in line for line in lines) == 1
    assert len(lines) == 3


def _a_sample_of_changes(population, uma, clock):
    sample = draw(population=population, method="random", seed="  Oakline 7 ", size=2, by=uma, at=clock(), plan={"preset": "own"})

    keys = [item.row.key for item in items_of(sample)]
    assert keys == ranked(seed="Oakline 7", keys=population.rows.values_list("key", flat=True))[:2]
    assert (sample.seed, sample.algorithm, sample.digest) == ("Oakline 7", ALGORITHM, digest_of_keys(keys))
    assert sample.plan == {"preset": "own", "population": 3}
    for item in items_of(sample):
        sheet = item.sheet
        assert item.sheet_digest == digest_of(sheet)
        assert [one["letter"] for one in sheet["attributes"]] == list("ABCDEFGHIJKL")
        assert all(one["digest"] == digest_of_text(one["raw"]) and one["sentence"] and one["source"] for one in sheet["attributes"])
        pull_request = sheet["attributes"][2]
        assert pull_request["answers"] or json.loads(pull_request["raw"])["direct_pushes"]
        assert all(answer["digest"] == digest_of_text(answer["text"]) for answer in pull_request["answers"])
    return sample


def _marks(sample, uma, clock):
    first, second = items_of(sample)
    mark(item=first, letter="D", outcome="deviation", note=" Nobody else looked. ", workpaper=" W-7 ", by=uma, at=clock())
    mark(item=second, letter="*", outcome="passed", by=uma, at=clock())
    mark(item=first, letter="*", outcome="passed", by=who("Mia"), at=clock())

    items = items_of(sample)
    sides = {side: results.result_of(items, side=side, population=sample.population.count) for side in Mark.Side.values}
    assert (sides["auditor"].tested, sides["auditor"].deviations) == (2, 1)
    assert [bound.rows for bound in sides["auditor"].bounds] == [2, 2]
    assert "at most 2 of the 3 rows deviate (66.7 %)" in sides["auditor"].bounds[0].words
    assert (sides["own"].tested, sides["own"].deviations, sides["own"].bounds) == (1, 0, ())
    assert results.tested(items[0], side="auditor").marks["D"].note == "Nobody else looked."
    for letter, outcome, note, why in (
        ("Z", "passed", "", "no attribute Z"),
        ("A", "fine", "", "pass, deviation or not applicable"),
        ("A", "deviation", " ", "needs a note"),
    ):
        with pytest.raises(Refused, match=why):
            mark(item=first, letter=letter, outcome=outcome, note=note, by=uma, at=clock())


def _a_replacement(population, uma, clock):
    sample = draw(population=population, method="systematic", seed="x", size=8, by=uma, at=clock())
    keys = list(population.rows.order_by("position").values_list("key", flat=True))
    assert [item.row.key for item in items_of(sample)] == systematic(seed="x", keys=keys, size=8)
    first = items_of(sample)[0]
    with pytest.raises(Refused, match="needs a reason"):
        replace(item=first, reason=" ", by=uma, at=clock())

    new = replace(item=first, reason="Its repository was moved away.", by=uma, at=clock())

    [left] = set(keys) - set(systematic(seed="x", keys=keys, size=8))
    assert (new.position, new.replaces, new.row.key) == (9, first, left)
    assert len(standing(items_of(sample))) == 8
    with pytest.raises(Stale, match="replaced this row already"):
        replace(item=first, reason="Again.", by=uma, at=clock())
    with pytest.raises(Stale, match="mark the one in its place"):
        mark(item=first, letter="*", outcome="passed", by=uma, at=clock())
    with pytest.raises(Refused, match="No row is left"):
        replace(item=new, reason="This one too.", by=uma, at=clock())


def _other_ways_to_draw(frozen, uma, clock):
    exceptions = frozen["exceptions"]
    stratified = draw(population=exceptions, method="stratified", stratum="clause", size=6, by=uma, at=clock())
    assert len(stratified.seed) == len(new_seed()) == 16
    clauses = {clause for clause, (_, drawn) in stratified.plan["strata"].items() if drawn}
    assert clauses == {json.loads(line)["clause"] for line in exceptions.rows.values_list("line", flat=True)}
    assert sum(drawn for _, drawn in stratified.plan["strata"].values()) == stratified.size == 6
    keys = list(exceptions.rows.order_by("position").values_list("key", flat=True))
    by_hand = draw(
        population=exceptions, method="by_hand", keys=[keys[4], " ", keys[1], keys[4]], reason=" Two ", by=uma, at=clock()
    )
    assert ([item.row.key for item in items_of(by_hand)], by_hand.seed, by_hand.reason) == ([keys[4], keys[1]], "", "Two")
    new = replace(item=items_of(by_hand)[0], reason="Not this one.", key=keys[2], by=uma, at=clock())
    assert new.row.key == keys[2]
    with pytest.raises(Refused, match="not in this population"):
        replace(item=new, reason="Taken already.", key=keys[1], by=uma, at=clock())
    for code in ("pull_requests", "emergencies", "training", "roles"):
        item = draw(population=frozen[code], method="random", size=1, by=uma, at=clock()).items.get()
        assert all(one["digest"] == digest_of_text(item.row.line) for one in item.sheet["attributes"])


def _nothing_else_is_drawn(frozen, uma, clock):
    changes, many = frozen["changes"], SampleItem.objects.count()
    wish = {"by": uma, "at": clock()}
    for population, values, why in (
        (frozen["releases"], {"method": "random", "size": 1}, "population is empty"),
        (changes, {"method": "dice", "size": 1}, "no way to draw"),
        (changes, {"method": "random", "size": 4}, "sample of 4 cannot be drawn from a population of 3"),
        (changes, {"method": "random", "size": 0}, "sample of 0"),
        (changes, {"method": "random", "size": 1, "seed": "x" * 101}, "at most 100"),
        (changes, {"method": "stratified", "size": 3}, "needs a column"),
        (changes, {"method": "by_hand", "keys": ["CHG-1"]}, "needs a reason"),
        (changes, {"method": "by_hand", "keys": ["CHG-1"], "reason": "x"}, "CHG-1: not in this population"),
        (changes, {"method": "by_hand", "keys": [" "], "reason": "x"}, "No row was named"),
    ):
        with pytest.raises(Refused, match=why):
            draw(population=population, **wish, **values)
    with pytest.raises(Refused, match="Ann does not work in this audit"):
        draw(population=changes, method="random", size=1, by=who("Ann"), at=clock())
    assert SampleItem.objects.count() == many


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"until": datetime(2025, 12, 1, tzinfo=UTC)}, "ends before it begins"),
        ({"until": datetime(2026, 1, 1, tzinfo=UTC)}, "ends before it begins"),
        ({"until": datetime(2026, 12, 1, tzinfo=UTC)}, "reaches into the future"),
        ({"until": datetime(2027, 2, 1, tzinfo=UTC)}, "outside the audited period, 1 Jan 2026 00:00 UTC to 1 Jan 2027"),
        ({"since": datetime(2025, 12, 31, tzinfo=UTC)}, "outside the audited period"),
        ({"kind": "lunches"}, "no population called lunches"),
        ({"kind": "console_edits"}, "outside the scope"),
        ({"by": "Ann"}, "does not work in this audit"),
    ],
)
def test_a_window_or_kind_that_cannot_be_frozen_is_said(values, why):
    values = dict(values)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    uma, engagement = admitted(at=at, systems=("git",))
    by = who(values.pop("by")) if "by" in values else uma
    wish = Wish(engagement, **{"kind": "changes", "since": datetime(2026, 1, 1, tzinfo=UTC), "until": at, **values})

    with pytest.raises(Refused, match=why):
        freeze(wish=wish, by=by, at=at)
