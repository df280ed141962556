"""``/change emergency``, the button and the reaction: what each does, refuses and answers."""

from datetime import timedelta

import pytest
from django.db import transaction

from changes.connectors.slack import emergency as handlers
from changes.connectors.slack import routing
from changes.connectors.slack.payloads import Asked, split_fields
from changes.emergencies.models import Emergency, ThreadReaction
from changes.emergencies.threads import thread_key
from changes.proposals.models import Approval, Change
from portal.policy.refusal import Refused
from tests.changes.emergencies.situations import AT, declared, gate, hotfix, merged
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
LINE = "Search is down | roll back | release it again"


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


def asked(what, name, *, known_by="identity", text="", **more):
    values = {"user": "U1", "team": "T1", "channel": "C1", "known_by": known_by, **more}
    return Asked(what=what, name=name, text=text, fields=split_fields(text=text), **values)


def command(by, text, *, at=AT, **more):
    return handlers.declare(person=by, asked=asked("command", "emergency", text=text, **more), at=at)


def press(by, number=1001, **more):
    return handlers.press(person=by, asked=asked("action", "emergency.plus_one", value=str(number), **more), at=AT)


def react(by, *, added=True, after=0, message=None, **more):
    key = message or thread_key(Emergency.objects.get())
    said = asked("reaction", "+1", added=added, said_at=AT + timedelta(seconds=after), message=key, **more)
    with transaction.atomic():  # as the inbox applies a request
        return handlers.react(person=by, asked=said, at=AT + timedelta(minutes=5))


def test_the_handlers_are_registered():
    found = [
        routing.handler_of(asked(*what, text="x"))
        for what in (("command", "emergency"), ("action", "emergency.plus_one"), ("reaction", "+1"))
    ]

    assert found == [handlers.declare, handlers.press, handlers.react]


def test_a_bare_command_is_answered_with_the_form_and_the_order():
    assert "/changes/new/emergency/" in routing.first_answer(word="emergency", text="")
    assert "what is broken | the fix | how to undo it" in routing.first_answer(word="help", text="")


def test_a_command_declares_once(ann):
    words = command(ann, LINE)
    command(ann, LINE)

    emergency = Emergency.objects.get()
    assert "CHG-1001 is declared an emergency." in words
    assert (emergency.via, emergency.declared_by, emergency.broken, emergency.undo) == (
        "slack",
        ann,
        "Search is down",
        "release it again",
    )


def test_three_lines_do_as_well_as_bars(ann):
    command(ann, "Search is down\nroll back\nrelease it again")

    assert Emergency.objects.get().fix == "roll back"


@pytest.mark.parametrize("name", ["Bob", "@bob", "bob@northwind.example", "BO"])
def test_a_fourth_field_asks_somebody(ann, bob, name):
    command(ann, f"{LINE} | {name}")

    assert Emergency.objects.get().asked == bob


@pytest.mark.parametrize("name", ["", "anyone", "Anybody"])
def test_nobody_in_particular_may_be_asked(ann, name):
    command(ann, f"{LINE} | {name}")

    assert Emergency.objects.get().asked is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{LINE} | Zoe", "Nobody here is called"),
        (f"{LINE} | B", "It is not clear who is meant"),
        (f"{LINE} | Bob | more", "there are 5 of them"),
        ("Search is down | roll back", "Missing: how to undo it"),
        ("Search is down", "Missing: the fix, how to undo it"),
        (f"{'x' * 200_000} | a | b", "Too long"),
    ],
)
def test_what_cannot_be_declared_is_said_and_nothing_opens(ann, bob, text, words):
    person("Bea", "approver")

    with pytest.raises(Refused) as refused:
        command(ann, text)

    assert words in refused.value.why
    assert not Change.objects.exists()


def test_somebody_known_by_mail_may_declare_but_not_say_plus_one(ann, bob):
    command(ann, LINE, known_by="email")

    with pytest.raises(Refused, match="only from a linked account"):
        press(bob, known_by="email")
    with pytest.raises(Refused, match="only from a linked account"):
        react(bob, known_by="email")
    assert not Approval.objects.exists()


def test_the_button_gives_the_plus_one(ann, bob):
    command(ann, LINE)

    assert "Your +1 on CHG-1001 counts. Confirm it in Countersign within a day" in press(bob)
    assert (Approval.objects.get().via, gate(Change.objects.get())) == ("slack", "met")


@pytest.mark.parametrize("number", ["9999", "x", ""])
def test_a_button_of_an_emergency_that_is_not_there_does_nothing(bob, number):
    assert press(bob, number) == "This emergency is not there any more."


def test_a_reaction_gives_it_and_taking_it_back_takes_it_back(ann, bob):
    command(ann, LINE)

    assert "counts" in react(bob)
    assert react(bob, added=False, after=1) == "Your +1 on CHG-1001 is taken back."
    assert gate(Change.objects.get()) == "waiting"
    assert "counts" in react(bob, after=2)


def test_the_newest_reaction_counts_in_whatever_order_they_come(ann, bob):
    command(ann, LINE)

    assert react(bob, added=False, after=9) == ""
    assert react(bob, after=3) == ""
    assert (gate(Change.objects.get()), Approval.objects.count(), ThreadReaction.objects.count()) == ("waiting", 0, 1)


def test_after_the_merge_a_reaction_takes_nothing_back(ann, bob):
    emergency = declared(ann)
    pull = hotfix(emergency.change)
    react(bob)
    merged(emergency.change, pull, at=AT + timedelta(minutes=9))

    with pytest.raises(Refused, match="stays on record"):
        react(bob, added=False, after=1)
    assert gate(emergency.change) == "met"


def test_a_reaction_to_another_message_is_no_plus_one(ann, bob):
    emergency = declared(ann)

    for key in (f"emergency:{emergency.pk}:step:word-1", "log:7", "emergency:999999:thread"):
        assert react(bob, message=key) == ""
    assert not Approval.objects.exists()
