"""A thousand deliveries while everything is killed: nothing acknowledged is lost, nothing is done twice, nothing ends wrong."""

import time
from collections import Counter

import pytest

from tests.journeys.chaos.facts import disordered, life_of
from tests.journeys.chaos.killer import Killer
from tests.journeys.chaos.portal import SECRET, figures
from tests.journeys.chaos.sender import Sender, percentile
from tests.pace import SHARED

pytestmark = [pytest.mark.stack, pytest.mark.chaos]
DELIVERIES = 1000
DIFFERENT = 900
KILLS = 22
PAUSE = 1.8
DRAINED_WITHIN = 30.0 * SHARED
LONGEST_ANSWER = 5000.0 * SHARED
ANSWER_P99 = 300.0 * SHARED
SEED = 20260302

GAPS = """
SELECT stream FROM portal_ledgerleaf GROUP BY stream
HAVING min(stream_seq) <> 1 OR max(stream_seq) <> count(*) OR count(DISTINCT stream_seq) <> count(*)
"""
ONE_CHANGE_EACH = """
SELECT p.number, count(DISTINCT l.id), count(DISTINCT l.change_id), count(DISTINCT p.id)
FROM changes_pullrequest p LEFT JOIN changes_linkedpullrequest l ON l.pull_request_id = p.id
GROUP BY p.number
HAVING count(DISTINCT l.id) <> 1 OR count(DISTINCT l.change_id) <> 1 OR count(DISTINCT p.id) <> 1
"""
CHANGES = """
SELECT p.number, c.state FROM changes_change c
JOIN changes_linkedpullrequest l ON l.change_id = c.id JOIN changes_pullrequest p ON p.id = l.pull_request_id
"""


def known(portal):
    """What the portal knows at the end, in the shape of ``facts.Expected``."""
    pulls = portal.sql("SELECT number, state, title, head_sha, merge_sha FROM changes_pullrequest")
    reviews = portal.sql(
        "SELECT r.vendor_id, p.number, r.state, r.commit_sha FROM changes_review r "
        "JOIN changes_pullrequest p ON p.id = r.pull_request_id"
    )
    checks = portal.sql("SELECT vendor_id, status, conclusion, head_sha FROM changes_check")
    releases = portal.sql("SELECT vendor_id, environment, state, commit_sha FROM changes_release")
    return {
        "pull_requests": {row[0]: row[1:] for row in pulls},
        "reviews": {row[0]: row[1:] for row in reviews},
        "checks": {row[0]: row[1:] for row in checks},
        "pushes": set(portal.sql("SELECT branch, before, after FROM changes_push")),
        "releases": {row[0]: row[1:] for row in releases},
        "changes": dict(portal.sql(CHANGES)),
    }


def differences(found, wanted):
    """What differs, as (part, key, found, wanted), so that a failure names the row."""
    pairs = [(part, as_table(found[part]), as_table(wanted[part])) for part in wanted]
    return [
        (part, key, one.get(key), other.get(key))
        for part, one, other in pairs
        for key in one | other
        if one.get(key) != other.get(key)
    ]


def as_table(value):
    return dict.fromkeys(value, True) if isinstance(value, set) else value


def test_a_thousand_deliveries_survive_twenty_kills(connected):
    began = time.monotonic()
    portal = connected()
    sent, expected = life_of(deliveries=DIFFERENT, seed=SEED)
    deliveries = disordered(sent, total=DELIVERIES, seed=SEED)

    killer = Killer(portal.stack, pause=PAUSE, database_answers=portal.database_answers)
    sender = Sender(port=portal.stack.port, secret=SECRET, threads=6, pace=DELIVERIES / (KILLS * PAUSE), seconds=180.0).start(
        deliveries
    )
    killer.run(count=KILLS)
    tally = sender.finish()
    last_fault = killer.kills[-1].back
    calm = max(last_fault, tally.last)
    portal.empty(seconds=240.0)
    drained = time.monotonic() - calm
    portal.settle(seconds=240.0)
    rested = time.monotonic() - calm

    inbox = portal.inbox()
    verified = portal.stack.manage("ledger", "verify", check=False)
    answers = tally.milliseconds(without=killer.windows("postgres"))
    ordinary = tally.milliseconds(without=killer.windows("postgres", "web"))
    figures(
        "chaos",
        kills=dict(Counter(kill.target for kill in killer.kills)),
        sent=len(deliveries),
        requests=len(tally.answers) + tally.broken,
        acknowledged=len(tally.acknowledged),
        pull_requests=len(expected.pull_requests),
        states=dict(Counter(state for state, _ in inbox.values())),
        answer_ms={"p50": round(percentile(answers, 0.5)), "p99": round(percentile(answers, 0.99)), "of": len(answers)},
        answer_p99_ms_without_restarts_of_web=round(percentile(ordinary, 0.99)),
        drained_s=round(drained, 1),
        at_rest_s=round(rested, 1),
        whole_s=round(time.monotonic() - began, 1),
    )
    assert set(inbox) == {each.id for each in deliveries} == tally.acknowledged
    assert portal.sql("SELECT count(*) FROM changes_delivery")[0][0] == len(inbox)
    assert {pk: each for pk, each in inbox.items() if each[0] not in ("applied", "duplicate", "ignored")} == {}
    assert portal.sql(ONE_CHANGE_EACH) == []
    assert portal.sql(GAPS) == []
    assert differences(known(portal), vars(expected)) == []
    assert (verified.returncode, verified.stderr) == (0, "")
    assert drained <= DRAINED_WITHIN
    assert answers[-1] <= LONGEST_ANSWER
    assert percentile(ordinary, 0.99) <= ANSWER_P99
