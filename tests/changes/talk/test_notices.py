"""Notices follow the ledger: who is told what, once; at once, later or never, as each person chose."""

from datetime import time, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from changes.connectors.models import Source
from changes.exceptions.actions import Found, hand_over, open_exception
from changes.outcomes import actions as outcomes
from changes.outcomes.policy import Wish
from changes.talk import actions, news, telling
from changes.talk.models import Digest, Following, Notice, NoticeCursor
from changes.talk.queries import Way, followers_of, unread_count
from changes.talk.tasks import send_digests, tell
from portal.ledger.actions import append
from portal.outbox.models import Effect
from portal.policy.refusal import Refused
from tests.changes.outcomes.world import in_production, pull, repository
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def change(ann, seal):
    made = in_production(ann, pull(7, merge="a", author_uid=11))
    seal()
    news.make_notices(at=timezone.now())
    return made


@pytest.fixture
def told(seal):
    """Seal, make the notices, and give what each was told, as (person, kind, title)."""

    def listen():
        seal()
        while news.make_notices(at=timezone.now()) == news.BATCH:
            pass
        rows = Notice.objects.select_related("person").order_by("id")
        return [(row.person.name, row.kind, row.title) for row in rows]

    return listen


def effects():
    rows = Effect.objects.exclude(kind="github.check_run").order_by("id")
    return [(row.kind, row.payload.get("to") or row.payload.get("person")) for row in rows]


def test_nothing_is_told_about_the_past(ann, told):
    in_production(ann, pull(7, merge="a"))

    assert told() == []
    assert NoticeCursor.objects.get().seq > 0


def test_a_comment_is_told_to_followers_and_a_mention_to_whom_it_means(change, ann, told):
    bob, cleo = person("Bob"), person("Cleo")
    actions.follow(change=change, person=cleo, wanted=True)

    actions.comment(change=change, text="Is the index there, @bob?", by=ann, at=timezone.now())

    found = told()
    assert found == [
        ("Bob", "mention", f"Ann mentioned you: {change} Work"),
        ("Cleo", "comment", f"Ann commented: {change} Work"),
    ]
    assert told() == found
    assert bob.pk in followers_of(change)


def test_somebody_who_left_hears_nothing_but_a_mention(change, ann, told):
    actions.follow(change=change, person=ann, wanted=False)
    actions.comment(change=change, text="x", by=person("Bob"), at=timezone.now())
    actions.comment(change=change, text="@ann?", by=person("Dev"), at=timezone.now())

    assert [row for row in told() if row[0] == "Ann"] == [("Ann", "mention", f"Dev mentioned you: {change} Work")]
    assert Following.objects.count() == 1


def test_a_comment_is_corrected_by_its_author_for_ten_minutes_and_both_forms_stay(change, ann):
    at = timezone.now()
    row = actions.comment(change=change, text="Tomorow", by=ann, at=at)
    better = actions.correct(comment=row, text="Tomorrow, @bob", by=ann, at=at + timedelta(minutes=1))
    again = actions.correct(comment=better, text="Tomorrow", by=ann, at=at + timedelta(minutes=2))

    assert (better.corrects, again.corrects, row.text) == (row, row, "Tomorow")
    with pytest.raises(Refused):
        actions.correct(comment=again, text="x", by=ann, at=at + timedelta(minutes=11))
    with pytest.raises(Refused):
        actions.correct(comment=row, text="x", by=person("Bob"), at=at)
    with pytest.raises(Refused):
        actions.comment(change=change, text=" ", by=ann, at=at)


def test_a_correction_that_mentions_somebody_tells_them_and_nobody_else(change, ann, told):
    person("Bob")
    row = actions.comment(change=change, text="x", by=ann, at=timezone.now())
    assert told() == []
    actions.correct(comment=row, text="x @bob", by=ann, at=timezone.now())

    assert [kind for _, kind, _ in told()] == ["mention"]


def entry(change, kind, **fact):
    with transaction.atomic():
        append(stream=f"change:{change.number}", kind=kind, actor="user:999999", fact=fact)


@pytest.mark.parametrize(
    ("kind", "fact", "told_kind", "words"),
    [
        ("approval.given", {"by": "Bob"}, "decision", "Bob approved"),
        ("approval.refused", {"by": "Bob"}, "decision", "Bob asked for changes"),
        ("approval.lapsed", {"by": "Bob"}, "decision", "The approval of Bob no longer counts"),
        ("approval.given", {}, "decision", "Somebody approved"),
        ("change.merge", {}, "progress", "Merged to production"),
        ("change.release", {}, "progress", "In production"),
        ("change.roll_back", {}, "progress", "Rolled back"),
    ],
)
def test_decisions_and_progress_are_told_to_followers(change, kind, fact, told_kind, words, told):
    entry(change, kind, **fact)

    assert told() == [("Ann", told_kind, f"{words}: {change} Work")]


def test_what_nobody_needs_to_hear_of_and_what_names_nothing_is_not_told(change, told):
    entry(change, "change.classified")
    with transaction.atomic():
        append(stream="change:x", kind="change.merge", actor="portal", fact={})
        append(stream="change:4711", kind="approval.given", actor="portal", fact={})
        append(stream="exception:x", kind="exception.found", actor="portal", fact={})
        append(stream="change:4711", kind="emergency.declared", actor="portal", fact={})
        append(stream=f"change:{change.number}", kind="comment.written", actor="portal", fact={"comment": 4711})
        append(stream="change:4711", kind="follow_up.asked", actor="portal", fact={})

    assert told() == []


def test_an_emergency_is_told_to_who_may_give_the_plus_one(change, told):
    person("Bob"), person("Dev"), person("Mia")
    entry(change, "emergency.declared")

    assert {(name, kind) for name, kind, _ in told()} == {("Bob", "emergency"), ("Dev", "emergency")}


def test_an_exception_is_told_to_its_owner_and_to_the_next(change, ann, told):
    mia, bob = person("Mia"), person("Bob")
    linked(bob, 12, "bob-codes")
    at = timezone.now()
    evidence = {"merged_by": "bob-codes"}
    found = Found("no_review", "#7", "k", "Bob merged #7.", at, True, evidence=evidence)
    record = open_exception(repository=repository(), found=found, at=at)
    assert told() == [("Bob", "exception", "Answer an exception: Bob merged #7.")]

    hand_over(record=record, to=ann, by=mia, note="", at=at)

    assert told()[-1][:2] == ("Ann", "exception")


def test_tasks_are_told_to_whom_they_name(change, ann, told):
    bob = person("Bob")
    wish = Wish("Add an alarm", bob.pk, timezone.now().date())
    given = {"kind": "post_implementation", "outcome": "went_well", "impact": "", "note": ""}
    outcomes.review(change=change, follow_ups=[wish], by=ann, at=timezone.now(), **given)

    assert told() == [("Bob", "task", f"A follow-up for you: {change} Work")]


def test_mail_and_slack_go_out_once_as_the_kind_or_the_person_says(change, ann, told):
    at = timezone.now()
    bob = person("Bob")
    Source.objects.create(name="slack", kind="slack", api_url="http://127.0.0.1:1/", connected_at=at, token_encrypted=b"x")
    actions.comment(change=change, text="@bob", by=ann, at=at)
    told()

    telling.tell_now(at=at)
    telling.tell_now(at=at)

    assert effects() == [("mail", [bob.email]), ("slack.message", bob.pk)]
    letter = Effect.objects.get(kind="mail").payload
    assert letter["subject"] == f"Ann mentioned you: {change} Work"
    assert "/me/notices/#mention" in letter["text"]


def test_each_kind_can_be_switched_off(change, ann, told):
    bob, at = person("Bob"), timezone.now()
    ways = {"mention": Way("off", False), "nonsense": Way("now", True)}
    actions.choose(person=bob, ways=ways, quiet=(None, None), digest=False, digest_at=time(8))
    actions.comment(change=change, text="@bob", by=ann, at=at)
    told()

    assert telling.tell_now(at=at) == 1
    assert effects() == []
    assert unread_count(bob) == 1


def test_in_quiet_hours_only_emergencies_go_out_and_the_rest_follows(change, ann, told):
    bob = person("Bob")
    at = timezone.now().replace(hour=23, minute=0)
    actions.choose(person=bob, ways={}, quiet=(time(22), time(7)), digest=True, digest_at=time(8))
    actions.comment(change=change, text="@bob", by=ann, at=at)
    entry(change, "emergency.declared")
    told()
    Notice.objects.update(at=at)

    assert telling.tell_now(at=at) == 1
    assert Effect.objects.get(kind="mail").payload["subject"].startswith("Emergency")
    telling.tell_now(at=at + timedelta(hours=9))

    assert Effect.objects.filter(kind="mail").count() == 2


def test_quiet_hours_have_two_ends(ann):
    with pytest.raises(Refused):
        actions.choose(person=ann, ways={}, quiet=(time(22), None), digest=True, digest_at=time(8))


def test_what_is_read_or_old_or_for_somebody_gone_is_not_sent(change, ann, told):
    at = timezone.now()
    bob, dev, eve = person("Bob"), person("Dev"), person("Eve", "engineer")
    actions.comment(change=change, text="@bob @dev @eve", by=ann, at=at)
    told()
    Notice.objects.filter(person=bob).update(read_at=at)
    Notice.objects.filter(person=dev).update(at=at - timedelta(days=3))
    eve.is_active = False
    eve.save()

    assert telling.tell_now(at=at) == 3
    assert effects() == []


def digest_text():
    return Effect.objects.get(kind="mail").payload


def test_the_digest_gathers_news_and_needs_once_a_day(change, ann, told):
    at = timezone.now().replace(hour=9, minute=0)
    actions.comment(change=change, text="x", by=person("Bob"), at=at)
    told()
    Notice.objects.update(at=at)
    telling.tell_now(at=at)
    assert effects() == []

    assert telling.send_digests(at=at.replace(hour=7)) == 0
    assert telling.send_digests(at=at) == 1
    assert telling.send_digests(at=at) == 0

    letter = digest_text()
    assert letter["to"] == [ann.email]
    assert letter["subject"] == "1 item needs you, 1 piece of news"
    assert "Say how it went" in letter["text"]
    assert f"Bob commented: {change} Work" in letter["text"]
    assert telling.send_digests(at=at + timedelta(days=1)) == 1


def test_no_digest_goes_out_for_nothing_or_to_who_wants_none(change, ann):
    at = timezone.now().replace(hour=9, minute=0)
    bob = person("Bob")
    actions.choose(person=ann, ways={}, quiet=(None, None), digest=False, digest_at=time(8))

    assert telling.send_digests(at=at) == 0
    assert list(Digest.objects.values_list("person", flat=True)) == [bob.pk]


def test_a_long_digest_says_how_much_more_there_is():
    assert telling._listed(str(number) for number in range(23))[-1] == "- and 3 more in the portal"
    assert len(telling._listed(["a", "b"])) == 2


def test_the_tasks_do_it_all(change, ann, seal):
    person("Bob")
    actions.comment(change=change, text="@bob", by=ann, at=timezone.now())
    seal()

    tell()
    send_digests()

    assert ("mail", ["bob@northwind.example"]) in effects()
