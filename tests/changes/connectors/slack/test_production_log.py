"""The log of production changes: one message for what a commit brings to production, edited in place, on record (P-14)."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from changes.connectors.models import Source
from changes.connectors.polling import poll_due
from changes.connectors.slack.production_log import keep_log, note_posted, per_day
from changes.delivery.log_models import ReleaseLog
from changes.delivery.models import Release, Repository
from changes.proposals.models import Change
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from tests.changes.stories import Clock, connect, post, read_story
from tests.changes.stories import work as settle_story

pytestmark = pytest.mark.django_db(transaction=True)
SHA = "a" * 40


@pytest.fixture
def web(source):
    return Repository.objects.create(name="northwind/web", in_scope_from=now())


def released(repository, number=1, *, state="succeeded", **values):
    given = {"source": "fly", "app": "web-prod", "vendor_id": str(number), "version": number, "environment": "production"}
    given |= {"commit_sha": SHA, "actor": "ann@northwind.example", "created_at": now(), "reported_at": now()}
    return Release.objects.create(repository=repository, state=state, **given | values)


def keep(repository, *releases):
    asked = keep_log(repository=repository, releases=releases, changes=[], at=now())
    deliver_due(now=lambda: now() + timedelta(seconds=1))
    note_posted(at=now())
    return asked


def posts(slack):
    return slack.posts(channel="production-changes")


def test_releases_of_one_commit_share_a_message_that_moves_with_them(web, slack_standin):
    first = released(web, state="running")
    assert keep(web, first) == 1
    assert [row["text"] for row in posts(slack_standin)] == ["northwind/web aaaaaaa to production: in progress"]
    assert keep(web, first) == 0, "nothing new to say"

    Release.objects.update(state="succeeded")
    second = released(web, 2, app="worker-prod")
    assert keep(web, first, second) == 1

    [row] = posts(slack_standin)
    assert row["text"] == "northwind/web aaaaaaa to production: succeeded"
    assert "worker-prod v2 by ann@northwind.example" in row["blocks"][1]["text"]["text"]
    assert {(log.release_id, log.ts) for log in ReleaseLog.objects.all()} == {(first.pk, row["ts"]), (second.pk, row["ts"])}
    assert ReleaseLog.objects.first().permalink.endswith(row["ts"].replace(".", ""))


def test_a_commit_that_is_released_again_after_months_is_noted_by_the_new_version_of_its_message(web, slack_standin):
    keep(web, released(web))
    Effect.objects.update(done_at=now() - timedelta(days=60))
    again = released(web, 2)

    assert keep(web, again) == 1

    log = ReleaseLog.objects.get(release=again)
    assert log.posted_at >= again.created_at
    assert len(posts(slack_standin)) == 1


def test_staging_pending_and_what_was_before_slack_are_not_posted(web, slack_standin):
    rows = [
        released(web, 1, environment="staging"),
        released(web, 2, state="pending"),
        released(web, 3, created_at=Source.objects.get().connected_at - timedelta(days=1)),
    ]

    assert keep(web, *rows) == 0
    assert posts(slack_standin) == []


def test_after_an_outage_of_the_channel_it_is_posted_once(web, slack_standin):
    channel = slack_standin.channel("production-changes")["channel_id"]
    poll_due(now=now)
    slack_standin.change_channel(channel=channel, archived=True)
    keep(web, released(web))
    assert Effect.objects.get().state == "quarantined"
    poll_due(now=lambda: now() + timedelta(minutes=2))

    slack_standin.change_channel(channel=channel, archived=False)
    poll_due(now=lambda: now() + timedelta(minutes=4))
    deliver_due(now=lambda: now() + timedelta(minutes=5))
    poll_due(now=lambda: now() + timedelta(minutes=6))
    deliver_due(now=lambda: now() + timedelta(minutes=7))

    assert len(posts(slack_standin)) == 1
    assert ReleaseLog.objects.count() == 1


def test_each_day_counts_releases_against_messages(web, slack_standin):
    at = now().replace(hour=12)
    keep(web, released(web, 1))
    missing = released(web, 2, commit_sha="b" * 40)
    Release.objects.update(created_at=at)
    late = released(web, 3, commit_sha="c" * 40, created_at=at - timedelta(days=1))
    keep(web, late)

    days = per_day(days=3, at=at, within=timedelta(minutes=15))

    assert [(day.releases, day.logged, day.missing) for day in days] == [(2, 1, (missing,)), (1, 1, ()), (0, 0, ())]
    assert days[1].late == 1


def test_a_story_ends_with_its_change_in_the_message(client, source, slack_standin):
    story = read_story("dev.standard-change")
    connect(story)
    Source.objects.filter(kind="slack").update(connected_at="2020-01-01T00:00:00Z")

    for delivery in story["deliveries"]:
        post(client, delivery)
    settle_story(Clock())
    deliver_due(now=lambda: now() + timedelta(days=365))

    [row] = posts(slack_standin)
    assert "CHG-1" in row["blocks"][1]["text"]["text"]
    later = Clock()
    later.wait(600)
    poll_due(now=later)
    settle_story(later)
    gates = {gate["code"]: gate for gate in Change.objects.get().assessment["gates"]}
    assert "Logged in Slack at " in gates["log"]["reason"]
    assert gates["log"]["evidence"][0]["ref"] == ReleaseLog.objects.first().permalink
