"""Declaring, giving the +1, taking it back and confirming it: what holds, what is refused, and that nothing happens twice."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from changes.emergencies import actions
from changes.emergencies.models import Emergency
from changes.emergencies.queries import who_may_plus_one
from changes.proposals.actions import press
from changes.proposals.models import Approval, Change
from changes.proposals.submitting import submit
from portal.outbox.models import Effect
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import TEXTS, kinds, proposed
from tests.changes.emergencies.situations import AT, BROKEN, declared, gate, hotfix, merged, plus_one, said, web
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


def test_declaring_opens_a_change_in_review_that_waits_for_a_plus_one(ann, bob):
    emergency = declared(ann, asked=bob)

    change = Change.objects.get()
    assert emergency.change == change
    assert (change.state, change.category, change.undeclared, change.requester) == ("proposed", "emergency", False, ann)
    assert change.title == "The checkout answers 500"
    text = change.revisions.get()
    assert (text.why, text.what, text.rollback) == (BROKEN, "Switch the new basket off.", "Switch it on again.")
    assert gate(change) == "waiting"
    assert kinds(change) == ["change.opened", "emergency.declared"]
    assert said() == [
        (f"emergency:{emergency.pk}:thread", "Emergency CHG-1001: The checkout answers 500"),
        (f"emergency:{emergency.pk}:asked", "Ann asks you for the +1 on emergency CHG-1001: The checkout answers 500"),
    ]
    first, direct = Effect.objects.order_by("id")
    assert first.payload["channel"] == "emergencies"
    assert first.payload["buttons"] == [{"text": "+1", "action": "emergency.plus_one", "value": "1001", "style": "primary"}]
    assert first.payload["link"]["url"].endswith("/changes/1001/")
    assert direct.payload["person"] == bob.pk


def test_a_long_first_line_becomes_a_short_title(ann):
    declared(ann, broken="x" * 300)

    assert Change.objects.get().title == "x" * 119 + "…"


def test_the_same_form_declares_once(ann):
    first = declared(ann)
    second = declared(ann, broken="Something else")

    assert first == second
    assert Change.objects.count() == 1


def test_a_form_sent_twice_at_once_declares_once(ann):
    found, wait = [], threading.Barrier(2)

    def send():
        wait.wait()
        try:
            found.append(declared(ann).pk)
        finally:
            connection.close()

    both = [threading.Thread(target=send) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert len(set(found)) == 1
    assert len(found) == 2
    assert (Change.objects.count(), Emergency.objects.count(), Effect.objects.filter(kind="slack.message").count()) == (1, 1, 1)


@pytest.mark.parametrize("name", ["Mia", "Uma", "Rex"])
def test_who_may_not_declare_is_told_who_may(name):
    with pytest.raises(Refused, match="may not declare"):
        declared(person(name))

    assert not Change.objects.exists()


@pytest.mark.parametrize("field", ["broken", "fix", "undo"])
@pytest.mark.parametrize("text", ["", " \n", "x" * 200_000])
def test_an_empty_or_endless_field_is_refused_and_nothing_opens(ann, field, text):
    with pytest.raises(Refused, match=r"Missing|Too long"):
        declared(ann, **{field: text})

    assert not Change.objects.exists()


def test_a_contributor_cannot_be_asked(ann, bob):
    linked(bob, 12, "bob")
    change = proposed(ann)
    hotfix(change, author=(12, "bob"))
    cleo = person("Cleo")

    with pytest.raises(Refused, match="Bob cannot give the \\+1") as refused:
        declared(ann, asked=bob, fix="acme/web#44")
    assert declared(ann, asked=cleo, fix="acme/web#44").change == change

    assert refused.value.instead == "Who may: Cleo."


def test_nobody_asks_themselves_or_somebody_without_the_right(bob):
    for asked in (bob, person("Ann")):
        with pytest.raises(Refused, match="cannot give"):
            declared(bob, asked=asked)


def test_the_change_of_a_pull_request_that_the_fix_names_becomes_the_emergency(ann, bob):
    change = proposed(bob, ready=False)
    hotfix(change)

    emergency = declared(ann, fix="Merge https://github.com/acme/web/pull/44 at once")

    change = Change.objects.get()
    assert (emergency.change, change.category, change.state, change.requester) == (change, "emergency", "proposed", bob)
    assert change.revisions.order_by("-number").first().why == BROKEN
    assert change.reasons["asked"]["category"] == "emergency"
    assert change.title == "Split the queue"


def test_a_change_is_declared_once_and_never_after_it_is_over(ann):
    change = proposed(ann)
    hotfix(change)
    declared(ann, fix="acme/web#44", key="form:1")

    with pytest.raises(Stale, match="an emergency already"):
        declared(ann, fix="acme/web#44", key="form:2")
    press(change=Change.objects.get(), verb="withdraw", by=ann, at=AT)
    with pytest.raises(Refused, match="is withdrawn"):
        declared(ann, fix="acme/web#44", key="form:3")


def test_two_declarations_of_one_change_at_once_end_as_one_and_a_refusal(ann, monkeypatch):
    change = proposed(ann)
    hotfix(change)
    declared(ann, fix="acme/web#44", key="form:1")
    monkeypatch.setattr(actions, "of_change", lambda change: None)

    with pytest.raises(Stale, match="in this moment"):
        declared(ann, fix="acme/web#44", key="form:2")

    assert Emergency.objects.count() == 1


def test_an_unknown_pull_request_is_only_words(ann):
    web()

    assert declared(ann, fix="See acme/web#99").change.title == "The checkout answers 500"


def test_a_plus_one_opens_the_gate_at_once_and_the_thread_hears_of_it(ann, bob):
    emergency = declared(ann)

    plus_one(emergency, bob)

    assert gate(emergency.change) == "met"
    change = Change.objects.get()
    assert (change.state, change.gates[7]) == ("approved", "m")
    assert said()[-1] == (f"emergency:{emergency.pk}:step:word-{Approval.objects.get().pk}", "+1 by Bob in the portal.")


def test_a_plus_one_publishes_the_check_on_the_pull_request(ann, bob):
    emergency = declared(ann)
    hotfix(emergency.change)

    plus_one(emergency, bob)

    (run,) = Effect.objects.filter(kind="github.check_run")
    assert "+1 by Bob" in run.payload["summary"]


def refusal(emergency, by, **more):
    with pytest.raises(Refused) as refused:
        plus_one(emergency, by, **more)
    assert not Approval.objects.exists()
    return refused.value


def test_whoever_declared_took_part_or_lacks_the_right_is_told_why_and_who_may(bob):
    cleo, dev, mia = person("Cleo"), person("Dev"), person("Mia")
    linked(dev, 14, "dev")
    emergency = declared(bob)
    hotfix(emergency.change, author=(14, "dev"))

    own, author, other = (refusal(emergency, who) for who in (bob, dev, mia))

    assert (own.why, own.instead) == ("You declared this emergency.", "Ask somebody else for the +1. Who may: Cleo.")
    assert (author.why, "Who may: Cleo." in author.instead) == ("You contributed to this change.", True)
    assert (other.why, "Who may: Cleo." in other.instead) == ("Mia may not give the +1 of an emergency.", True)
    assert [one.name for one in who_may_plus_one(emergency.change, at=AT)] == [cleo.name]


def test_the_declarer_of_somebody_elses_fix_cannot_say_plus_one(ann, bob):
    change = proposed(ann)
    hotfix(change)

    assert refusal(declared(bob, fix="acme/web#44"), bob).why == "You declared this emergency."


def test_where_nobody_may_the_refusal_says_so(bob):
    assert "Nobody may at the moment" in refusal(declared(bob), bob).instead


def test_a_stale_sign_in_gives_no_plus_one(ann, bob):
    assert "sign-in" in refusal(declared(ann), bob, signed_in=AT - timedelta(hours=1)).why


def test_a_plus_one_on_a_change_that_is_over_is_refused(ann, bob):
    emergency = declared(ann)
    press(change=emergency.change, verb="withdraw", by=ann, at=AT)

    assert refusal(emergency, bob).why == "The change was withdrawn."


def test_a_plus_one_cannot_cure_what_nobody_declared(ann, bob):
    emergency = declared(ann)
    change = emergency.change
    change.undeclared = True

    with pytest.raises(Refused, match="Nobody declared"):
        actions.plus_one(change=change, by=bob, via="portal", authenticated_at=AT, at=AT)


def test_one_person_gives_one_plus_one(ann, bob):
    emergency = declared(ann)
    plus_one(emergency, bob)

    with pytest.raises(Stale):
        plus_one(emergency, bob)


def test_a_plus_one_is_taken_back_until_the_merge(ann, bob):
    emergency = declared(ann)
    pull = hotfix(emergency.change)
    plus_one(emergency, bob)

    assert actions.take_back_plus_one(change=emergency.change, by=bob, at=AT) == 1
    assert actions.take_back_plus_one(change=emergency.change, by=bob, at=AT) == 0
    assert gate(emergency.change) == "waiting"
    assert said()[-1][1] == "The +1 of Bob no longer counts: withdrawn by Bob."
    plus_one(emergency, bob)
    change = merged(emergency.change, pull, at=AT + timedelta(minutes=9))
    with pytest.raises(Refused, match="stays on record"):
        actions.take_back_plus_one(change=change, by=bob, at=AT)


def test_a_reaction_takes_back_only_what_was_given_in_slack(ann, bob):
    emergency = declared(ann)
    plus_one(emergency, bob)

    assert actions.take_back_plus_one(change=emergency.change, by=bob, at=AT, via="slack") == 0
    assert gate(emergency.change) == "met"


def test_a_plus_one_from_slack_is_confirmed_in_the_portal_within_a_day(ann, bob):
    emergency = declared(ann)
    pull = hotfix(emergency.change)
    plus_one(emergency, bob, via="slack")
    change = merged(emergency.change, pull, at=AT + timedelta(minutes=9))

    assert gate(change) == "met"
    assert "not confirmed in the portal" in change.assessment["gates"][11]["reason"]
    late = AT + timedelta(hours=2)
    with pytest.raises(Refused, match="sign-in"):
        actions.confirm_plus_one(change=change, by=bob, authenticated_at=AT, at=late)
    actions.confirm_plus_one(change=change, by=bob, authenticated_at=late, at=late)

    assert "not confirmed" not in Change.objects.get().assessment["gates"][11]["reason"]
    assert "emergency.plus_one_confirmed" in kinds(change)
    with pytest.raises(Stale, match="no \\+1 of yours"):
        actions.confirm_plus_one(change=change, by=bob, authenticated_at=late, at=late)


def test_an_emergency_from_the_proposals_form_is_put_on_record_once(ann):
    change = submit(given={**TEXTS, "category": "emergency", "size": "normal"}, by=ann, ready=True, at=AT)

    first = actions.note_declared(change=change, at=AT)

    assert actions.note_declared(change=change, at=AT) == first
    assert (first.via, first.declared_by, first.broken, first.undo) == ("form", ann, "slow", "redeploy")
    assert len(said()) == 1


def test_what_is_after_a_change_without_a_declaration_needs_no_thread(ann, bob):
    change = submit(given={**TEXTS, "category": "emergency", "size": "normal"}, by=ann, ready=True, at=AT)

    actions.plus_one(change=change, by=bob, via="portal", authenticated_at=AT, at=AT)

    assert gate(change) == "met"
    assert said() == []
