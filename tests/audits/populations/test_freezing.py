"""Populations over a recorded story of real deliveries: frozen rows, digests, sheets, scope, comparing, and what is refused."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from audits.populations.actions import freeze
from audits.populations.kinds import KINDS
from portal.ledger.canonical import canonical, digest_of
from portal.ledger.models import LedgerLeaf
from portal.policy.refusal import Refused
from tests.audits.engagements.opened import admitted
from tests.changes.stories import Clock, connect, post, read_story, work

pytestmark = pytest.mark.django_db
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_kind_of_a_story_is_frozen_counted_twice_and_hashed(client):
    story = read_story("dev.violations")
    repository = connect(story)
    for delivery in story["deliveries"]:
        post(client, delivery)
    clock = Clock()
    work(clock)
    uma, engagement = admitted(window_from=datetime(2020, 1, 1, tzinfo=UTC))
    since, at = engagement.window_from, clock.at

    frozen = {code: freeze(engagement=engagement, kind=code, since=since, until=at, by=uma, at=at) for code in KINDS}

    assert [population.number for population in frozen.values()] == list(range(1, len(KINDS) + 1))
    for code, population in frozen.items():
        lines = list(population.rows.order_by("position").values_list("key", "line"))
        assert population.digest == hashlib.sha256("".join(f"{line}\n" for _, line in lines).encode()).hexdigest()
        assert population.sheet_digest == digest_of(population.sheet)
        assert population.sheet["rows"]["agrees"], (code, population.sheet["rows"])
        assert population.count == len(lines) == population.sheet["rows"]["exported"]
        for key, line in lines:
            row = json.loads(line)
            assert (row["key"], canonical(row), list(KINDS[code].read.__annotations__)) == (key, line, ["asked", "return"])
            assert {*row} == {column.name for column in KINDS[code].columns}
            assert all(isinstance(value, str | int | None) for value in row.values())
    print({code: population.count for code, population in frozen.items()})
    for code, population in frozen.items():
        print(code, population.rows.first() and population.rows.first().line)
    print(json.dumps(frozen["changes"].sheet, indent=1)[:6000])
