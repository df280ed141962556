"""Messages through the outbox at the stand-in: posted once whatever gets lost, updated in place, answered in their thread."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.timezone import now

from changes.connectors.models import Posting, Source
from changes.connectors.slack import messages
from portal.access.identities import link_identity
from portal.outbox.actions import enqueue
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from portal.outbox.registry import deliverer_of
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def ask(key, *, subject=None, **payload):
    with transaction.atomic():
        enqueue(kind=messages.KIND, key=key, payload={"text": f"Words of {key}", **payload}, at=now(), subject=subject)


def deliver(*, later=0.0):
    deliver_due(now=lambda: now() + timedelta(seconds=later))


def effect(key):
    return Effect.objects.get(key=key)


def posts(slack, channel="emergencies"):
    return [row["text"] for row in slack.posts(channel=channel)]


def test_the_deliverers_are_registered_when_the_app_starts():
    assert deliverer_of("slack.message") is messages.deliver_message
    assert deliverer_of("slack.answer") is not None


def test_a_message_stands_in_its_channel_with_its_address(source, slack_standin):
    ask("one", channel="emergencies", lines=["Fix: <!here> roll back"])
    ask("two", channel="changes")
    ask("three", channel=slack_standin.channel("emergencies")["channel_id"])

    deliver()

    made, row = effect("one"), slack_standin.posts(channel="emergencies")[0]
    where = slack_standin.channel("emergencies")["channel_id"]
    assert made.state == "done"
    assert made.result == {
        "posted": True,
        "channel": where,
        "ts": row["ts"],
        "permalink": f"https://northwind.slack.com/archives/{where}/p{row['ts'].replace('.', '')}",
    }
    assert row["blocks"][1]["text"]["text"] == "Fix: &lt;!here&gt; roll back"
    assert row["metadata"] == {"event_type": "countersign_message", "event_payload": {"name": "one"}}
    assert posts(slack_standin) == ["Words of one", "Words of three"]
    assert posts(slack_standin, "production-changes") == ["Words of two"]


LOST = {
    "the answer is cut": {"fault": "truncated", "path": "chat.postMessage", "times": 1},
    "the line goes dead": {"fault": "half-open", "path": "chat.postMessage", "times": 1, "seconds": 0.01},
    "the answer is broken": {"fault": "broken-json", "path": "chat.postMessage", "times": 1},
}


@pytest.mark.parametrize("case", LOST)
def test_a_message_whose_answer_was_lost_is_posted_once(source, slack_standin, case):
    slack_standin.faults.switch({"rules": [LOST[case]]})
    ask("one", channel="emergencies")
    deliver()
    first = effect("one")
    Effect.objects.update(state="waiting", not_before=now(), error="")

    deliver()

    assert first.state in ("waiting", "quarantined")
    assert first.error
    assert effect("one").state == "done"
    assert posts(slack_standin) == ["Words of one"]


def test_a_worker_that_dies_after_the_post_makes_no_second_message(source, slack_standin):
    ask("one", channel="emergencies")
    deliver()
    before = effect("one").result
    Posting.objects.all().delete()
    Effect.objects.update(state="waiting", result=None, done_at=None, not_before=now())

    deliver()

    assert effect("one").result == before
    assert posts(slack_standin) == ["Words of one"]


def test_another_app_that_copies_our_words_is_not_taken_for_us(source, slack_standin):
    slack_standin.say(channel="emergencies", by="ann", text="Words of one")
    ask("one", channel="emergencies")

    deliver()

    assert len(slack_standin.posts(channel="emergencies")) == 1


def test_a_limit_is_waited_out_and_does_not_count(source, slack_standin):
    slack_standin.faults.switch({"rules": [{"fault": "secondary-429", "path": "chat.postMessage", "seconds": 20, "times": 1}]})
    ask("one", channel="emergencies")
    deliver()
    waiting = effect("one")

    deliver(later=10)
    still = effect("one").state
    deliver(later=30)

    assert (waiting.state, waiting.attempts, still) == ("waiting", 0, "waiting")
    assert 15 < (waiting.not_before - now()).total_seconds() < 25
    assert effect("one").state == "done"
    assert posts(slack_standin) == ["Words of one"]


def test_a_broken_slack_is_tried_again_with_the_reason(source, slack_standin):
    slack_standin.faults.switch({"rules": [{"fault": "503", "times": 1}]})
    ask("one", channel="emergencies")
    deliver()

    waiting = effect("one")
    deliver(later=30)

    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert "503" in waiting.error
    assert effect("one").state == "done"


def test_a_thread_finds_its_first_message(source, slack_standin):
    ask("one", channel="emergencies")
    ask("reply", thread="one")
    ask("deeper", thread="reply")
    deliver()

    parent = slack_standin.posts(channel="emergencies")[0]["ts"]
    thread = slack_standin.messages(channel="emergencies", thread=parent)

    assert [row["text"] for row in thread] == ["Words of one", "Words of reply", "Words of deeper"]
    assert effect("reply").result["permalink"].endswith(f"?thread_ts={parent}&cid={effect('reply').result['channel']}")


def test_a_reply_whose_answer_was_lost_is_posted_once(source, slack_standin):
    ask("one", channel="emergencies")
    deliver()
    slack_standin.faults.switch({"rules": [LOST["the answer is cut"]]})
    ask("reply", thread="one")
    deliver()

    deliver(later=30)

    assert effect("reply").state == "done"
    assert posts(slack_standin) == ["Words of one", "Words of reply"]


def test_a_reply_waits_for_its_first_message_without_losing_a_try(source, slack_standin):
    slack_standin.faults.switch({"rules": [{"fault": "503", "path": "chat.postMessage", "times": 1}]})
    ask("one", channel="emergencies")
    ask("reply", thread="one")
    deliver()
    waiting = effect("reply")

    deliver(later=30)
    deliver(later=60)

    assert (waiting.state, waiting.attempts) == ("waiting", 0)
    assert effect("reply").state == "done"


def test_a_reply_to_what_was_never_posted_is_left_out(source):
    ask("reply", thread="nothing")
    ask("update", update_of="nothing")

    deliver()

    assert effect("reply").result == {"posted": False, "reason": "the message that it answers was not posted"}
    assert (effect("update").state, "no channel is set" in effect("update").error) == ("quarantined", True)


def test_a_message_is_updated_in_place(source, slack_standin):
    ask("one", channel="emergencies")
    deliver()
    ask("newer", update_of="one", text="Approved", subject="message:one")
    ask("newest", update_of="one", text="Released", subject="message:one")
    deliver()

    assert posts(slack_standin) == ["Released"]
    assert effect("newer").state == "superseded"
    assert effect("newest").result == effect("one").result
    assert slack_standin.posts(channel="emergencies")[0]["metadata"]["event_payload"] == {"name": "one"}


def test_an_update_waits_for_its_message_or_posts_it_when_that_never_comes(source, slack_standin):
    slack_standin.faults.switch({"rules": [{"fault": "503", "path": "chat.postMessage", "times": 1}]})
    ask("one", channel="emergencies")
    ask("newer", update_of="one", channel="emergencies", text="Approved")
    deliver()
    waiting = effect("newer")
    Effect.objects.filter(key="one").update(state="superseded")

    deliver(later=30)
    ask("reply", thread="one")
    deliver(later=31)

    assert (waiting.state, waiting.attempts) == ("waiting", 0)
    assert posts(slack_standin) == ["Approved", "Words of reply"]
    assert effect("newer").state == effect("reply").state == "done"


def test_an_update_whose_posting_was_lost_finds_it_at_slack(source, slack_standin):
    ask("one", channel="emergencies")
    deliver()
    Posting.objects.all().delete()
    ask("newer", update_of="one", channel="emergencies", text="Approved")

    deliver()

    assert posts(slack_standin) == ["Approved"]


def test_a_person_is_told_directly_by_their_linked_account_or_their_address(source, slack_standin):
    ann, bob = person("Ann"), person("Robert")
    uid = f"T0NORTHWND:{slack_standin.user('bob')['user_id']}"
    link_identity(user=bob, provider="slack", uid=uid, login="bob", by="shell:test", at=now())
    ask("one", person=ann.pk)
    ask("two", person=bob.pk)

    deliver()

    for who, key in (("ann", "one"), ("bob", "two")):
        where = slack_standin.direct_channel(slack_standin.user(who)["user_id"])["channel_id"]
        assert effect(key).result["channel"] == where
        assert [row["text"] for row in slack_standin.posts(channel=where)] == [f"Words of {key}"]


def test_a_person_whom_slack_does_not_know_is_named_in_the_reason(source, slack_standin):
    ask("one", person=person("Mia").pk)
    slack_standin.add_user(name="robot", email="robot@northwind.example", is_bot=True)
    ask("two", person=person("Robot").pk)

    deliver()

    assert (effect("one").state, effect("two").state) == ("quarantined", "quarantined")
    assert "nobody with the e-mail address of Mia" in effect("one").error
    assert "deactivated or a bot" in effect("two").error


def test_somebody_who_has_left_is_not_written_to(source):
    gone = person("Gone")
    type(gone).objects.filter(pk=gone.pk).update(left_at=now(), is_active=False)
    ask("one", person=gone.pk)
    ask("two", person=99_999)

    deliver()

    assert {effect(key).result["reason"] for key in ("one", "two")} == {"the person is not there any more"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"app": False}, "/invite @Countersign"), ({"archived": True}, "archived")],
)
def test_a_channel_that_is_closed_to_us_is_quarantined_with_what_to_do(source, slack_standin, changed, reason):
    slack_standin.change_channel(channel="emergencies", **changed)
    ask("one", channel="emergencies")

    deliver()

    assert effect("one").state == "quarantined"
    assert reason in effect("one").error


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"paused_at": now()}, "not connected: the Slack source is paused"),
        ({"api_url": "https://slack.com/api", "token_encrypted": b""}, "not connected: the Slack source has no token"),
        (None, "not connected: no Slack source"),
    ],
)
def test_slack_that_is_not_connected_is_a_result_and_no_error(source, changed, reason):
    if changed:
        Source.objects.update(**changed)
    else:
        Source.objects.filter(pk=source.pk).update(kind="other")
    ask("one", channel="emergencies")

    deliver()

    assert (effect("one").state, effect("one").result) == ("done", {"posted": False, "reason": reason})


@pytest.mark.parametrize("known", [True, False])
def test_a_permalink_that_slack_does_not_tell_is_made_as_slack_makes_it(source, slack_standin, known):
    if known:
        Source.objects.update(settings={**source.settings, "url": "https://northwind.slack.com/"})
    slack_standin.faults.switch({"rules": [{"fault": "500", "path": "getPermalink"}]})
    ask("one", channel="emergencies")

    deliver()

    found = effect("one").result
    made = f"https://northwind.slack.com/archives/{found['channel']}/p{found['ts'].replace('.', '')}"
    assert found["permalink"] == (made if known else "")


def test_an_updated_message_that_somebody_deleted_is_said(source, slack_standin):
    ask("one", channel="emergencies")
    deliver()
    slack_standin.delete(channel="emergencies", ts=effect("one").result["ts"])
    ask("newer", update_of="one", text="Approved")

    deliver()

    assert (effect("newer").state, "somebody may have deleted it" in effect("newer").error) == ("quarantined", True)
