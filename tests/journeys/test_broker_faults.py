"""A broker that hangs or is gone: the door, the sign-in page and health answer as ever, and nothing is lost afterwards."""

import os
import shutil
import signal
import time
import urllib.request

import pytest

from tests.journeys.chaos.facts import disordered, life_of
from tests.journeys.chaos.portal import SECRET, figures
from tests.journeys.chaos.sender import Sender, percentile
from tests.pace import SHARED
from tests.stack import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.chaos]
ANSWER_P99 = 300.0 * SHARED
DELIVERIES = 240
STANDS = ["ready", "Database works", "Schema is the one of this release", "Disk has room", "Seal keeps up"]
WELL = [*STANDS, "Broker works", "Scheduler works", "Worker works"]


def send(portal, *, seed, deliveries=DELIVERIES):
    """A burst at concurrency 8; the tally, when all are acknowledged."""
    sent, _ = life_of(deliveries=deliveries, seed=seed)
    return Sender(port=portal.stack.port, secret=SECRET, threads=8).start(disordered(sent, total=len(sent), seed=seed)).finish()


def in_use(portal):
    """It has taken deliveries before: its connections to the database are open, as on any day but the first minute."""
    send(portal, seed=10, deliveries=24)
    return portal


def pages(portal):
    """(status, seconds) of what people and monitors look at."""
    found = {}
    for path in ("/healthz", "/readyz", "/account/login/"):
        began = time.monotonic()
        found[path] = (portal.stack.get(path), time.monotonic() - began)
    return found


def parts(portal):
    """What ``/readyz`` says of each part, in words."""
    with urllib.request.urlopen(f"{portal.stack.url}/readyz", timeout=5 * SHARED) as answer:
        return answer.read().decode().splitlines()


def in_the_end(portal, tally):
    portal.settle(seconds=60.0)
    states = {state for state, _ in portal.inbox().values()}
    assert tally.acknowledged <= set(portal.inbox())
    assert states <= {"applied", "duplicate"}


def judge(name, portal, tally, seen):
    answers = tally.milliseconds()
    p50, p99 = round(percentile(answers, 0.5)), round(percentile(answers, 0.99))
    figures(name, deliveries=len(answers), p50_ms=p50, p99_ms=p99, broken=tally.broken, pages=seen)
    in_the_end(portal, tally)
    assert tally.broken == 0
    assert {status for _, _, status in tally.answers} == {202}
    assert {status for status, _ in seen.values()} == {200}
    assert max(seconds for _, seconds in seen.values()) < 3.0 * SHARED
    assert p99 <= ANSWER_P99


def test_with_a_hanging_broker_the_door_answers_and_nothing_is_lost(connected):
    portal = in_use(connected())
    pid = portal.stack.kill("valkey", signal.SIGSTOP)

    tally = send(portal, seed=11)
    seen, words = pages(portal), parts(portal)
    os.kill(pid, signal.SIGCONT)

    assert [words[0], words[1], words[5]] == ["ready", "Database works", "Broker does not answer"]
    judge("broker hangs", portal, tally, seen)
    wait_for(lambda: parts(portal) == WELL, what="every part to work again")


def test_without_a_broker_the_door_answers_and_nothing_is_lost(connected):
    portal = in_use(connected())
    broker = portal.stack.places.broker
    away = broker.with_name("valkey-away")
    # A broker that finds no folder ends at once: the supervisor tries again and again, as with a broken disk.
    broker.rename(away)
    old = portal.stack.kill("valkey")

    tally = send(portal, seed=12)
    seen = pages(portal)
    assert portal.left() > 0
    shutil.rmtree(away)
    broker.mkdir(mode=0o700)

    portal.stack.wait_for_new("valkey", old=old)
    judge("broker gone", portal, tally, seen)
