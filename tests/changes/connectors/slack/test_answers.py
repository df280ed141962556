"""Where a person is told: where they asked, else in the channel, else directly; never at a foreign address."""

from dataclasses import replace

import pytest
from django.db import transaction
from django.utils.timezone import now

from changes.connectors.models import Source
from changes.connectors.slack.answers import answer
from changes.connectors.slack.payloads import Asked
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(source, slack_standin):
    who, where = slack_standin.user("ann"), slack_standin.channel("emergencies")
    return Asked(
        what="command",
        name="emergency",
        user=who["user_id"],
        team="T0NORTHWND",
        channel=where["channel_id"],
        response_url=slack_standin.response_url(where, who),
    )


def tell(asked, text="Done: <!here>"):
    with transaction.atomic():
        answer(asked=asked, text=text, key="answer", at=now())
    deliver_due(now=now)
    return Effect.objects.get()


def direct(slack):
    return [row["text"] for row in slack.posts(channel=slack.direct_channel(slack.user("ann")["user_id"])["channel_id"])]


def test_an_answer_comes_where_it_was_asked(asked, slack_standin):
    assert tell(asked).result == {"told": "respond"}
    assert slack_standin.told(by="ann", channel="emergencies") == ["Done: &lt;!here&gt;"]


@pytest.mark.parametrize("url", ["", "https://evil.example/commands/1", "http://127.0.0.1:9/slack/respond/1"])
def test_without_a_good_address_it_is_whispered_in_the_channel(asked, slack_standin, url):
    assert tell(replace(asked, response_url=url, thread_ts="1.000001")).result == {"told": "whisper"}
    assert slack_standin.told(by="ann", channel="emergencies") == ["Done: &lt;!here&gt;"]


def test_an_address_that_is_used_up_is_no_end(asked, slack_standin):
    asked = replace(asked, response_url=f"{asked.response_url}9")

    assert tell(asked).result == {"told": "whisper"}


def test_in_a_channel_that_is_closed_to_us_the_person_is_told_directly(asked, slack_standin):
    slack_standin.change_channel(channel="emergencies", app=False)

    assert tell(replace(asked, response_url="")).result == {"told": "direct"}
    assert direct(slack_standin) == ["Done: &lt;!here&gt;"]


def test_without_a_channel_too(asked, slack_standin):
    assert tell(replace(asked, response_url="", channel="")).result == {"told": "direct"}


def test_a_slack_that_is_away_is_tried_again(asked, slack_standin):
    slack_standin.faults.switch({"rules": [{"fault": "503", "times": 1}]})

    waiting = tell(asked)

    assert (waiting.state, "503" in waiting.error) == ("waiting", True)
    assert slack_standin.told(by="ann") == []


def test_without_slack_nobody_is_told(asked):
    Source.objects.update(paused_at=now())

    assert tell(asked).result == {"told": "", "reason": "not connected: the Slack source is paused"}
