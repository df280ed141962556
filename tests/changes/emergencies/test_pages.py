"""The pages of the emergency lane: what they ask, show and refuse, and how often they ask the database."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from changes.emergencies.models import Answer, Ask, Emergency
from changes.exceptions.models import ExceptionRecord
from changes.gates.actions import reassess
from changes.proposals.actions import review_after
from changes.proposals.models import Approval, Change
from portal.home.inbox import items_for
from portal.outbox.models import Effect
from tests.changes.approvals.situations import proposed
from tests.changes.emergencies.situations import WORDS, declared, hotfix, merged, plus_one
from tests.changes.emergencies.test_bypasses import merged_past, pushed_past, settled
from tests.changes.people import linked, person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "/changes/new/emergency/"


@pytest.fixture
def team():
    return {name: person(name) for name in ("Ann", "Bob", "Cleo", "Dev", "Mia")}


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


def test_the_form_declares_and_leads_to_the_change(client, team):
    sign_in(client, team["Ann"])

    page = client.get(NEW).content.decode()
    answer = client.post(NEW, {**WORDS, "asked": team["Bob"].pk, "form_key": str(uuid.uuid4())})

    assert page.count("<textarea") == 3
    assert [name in page for name in ("Anybody who may", "Bob", "Cleo", "Dev")] == [True] * 4
    assert (answer.status_code, answer.url) == (302, "/changes/1001/#emergency")
    shown = client.get("/changes/1001/").content.decode()
    for words in (
        "Waiting for a +1, ",
        "data-since",
        "Bob is asked. Who may give it: Bob, Cleo, Dev.",
        "The thread in Slack opens in a moment.",
    ):
        assert words in shown
    assert "Only approvers, architects and the chair give the +1." in shown


def test_a_form_posted_twice_is_one_emergency(client, team):
    sign_in(client, team["Ann"])
    values = {**WORDS, "form_key": str(uuid.uuid4())}

    first, second = client.post(NEW, values), client.post(NEW, values)

    assert first.url == second.url
    assert Change.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"broken": ""}, "Write what is broken"),
        ({"fix": " "}, "Write what the fix is"),
        ({"undo": "x" * 200_000}, "Say it in a few sentences"),
        ({"broken": "a\x00b"}, "Null characters"),
        ({"asked": "999999"}, "Select a valid choice"),
        ({"form_key": "nonsense"}, "valid UUID"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_nothing_is_lost(client, team, changed, words):
    sign_in(client, team["Ann"])

    answer = client.post(NEW, {**WORDS, **changed})

    page = answer.content.decode()
    assert (answer.status_code, words in page, "There is a problem" in page) == (422, True, True)
    assert "Switch" in page
    assert not Change.objects.exists()


def test_a_refusal_stands_on_the_form(client, team, now):
    linked(team["Bob"], 12, "bob")
    hotfix(proposed(team["Ann"]), author=(12, "bob"), at=now)
    sign_in(client, team["Ann"])

    answer = client.post(NEW, {**WORDS, "fix": "acme/web#44", "asked": team["Bob"].pk})

    assert answer.status_code == 422
    assert "Who may: Cleo, Dev." in answer.content.decode()


def test_a_change_that_is_an_emergency_already_is_answered_with_409(client, team, now):
    hotfix(proposed(team["Ann"]), at=now)
    sign_in(client, team["Ann"])
    client.post(NEW, {**WORDS, "fix": "acme/web#44", "form_key": str(uuid.uuid4())})

    answer = client.post(NEW, {**WORDS, "fix": "acme/web#44", "form_key": str(uuid.uuid4())})

    assert (answer.status_code, b"an emergency already" in answer.content) == (409, True)


@pytest.mark.parametrize(("name", "status"), [("Ann", 200), ("Bob", 200), ("Mia", 403), ("Rex", 403)])
def test_who_may_declare_sees_the_form(client, name, status):
    sign_in(client, person(name))

    assert client.get(NEW).status_code == status


def test_the_plus_one_takes_a_fresh_sign_in_and_opens_the_gate(client, team):
    declared(team["Ann"], at=timezone.now())
    sign_in(client, team["Bob"], fresh=False)
    stale = client.post("/changes/1001/plus-one/")
    assert ("reauthenticate" in stale.url, Approval.objects.count()) == (True, 0)
    sign_in(client, team["Bob"])

    page = client.get("/changes/1001/").content.decode()
    answer = client.post("/changes/1001/plus-one/")

    assert "Give the +1: I looked at it and it makes sense" in page
    assert (answer.status_code, Change.objects.get().gates[7]) == (302, "m")
    shown = client.get("/changes/1001/emergency/").content.decode()
    assert ("Emergency: +1 by Bob in the portal" in shown, "Take my +1 back" in shown, "Waiting for a +1" in shown) == (
        True,
        True,
        False,
    )


def test_whoever_cannot_is_told_why_and_who_may(client, team):
    declared(team["Bob"], at=timezone.now())
    sign_in(client, team["Bob"])

    answer = client.post("/changes/1001/plus-one/")
    page = client.get("/changes/1001/").content.decode()

    assert answer.status_code == 422
    assert "Ask somebody else for the +1. Who may: Cleo, Dev." in answer.content.decode()
    assert "so somebody else gives the +1" in page
    sign_in(client, team["Mia"])
    assert client.post("/changes/1001/plus-one/").status_code == 403


def test_a_plus_one_is_taken_back_on_the_page(client, team):
    emergency = declared(team["Ann"], at=timezone.now())
    plus_one(emergency, team["Bob"], at=timezone.now())
    sign_in(client, team["Bob"])

    first, second = client.post("/changes/1001/plus-one/take-back/"), client.post("/changes/1001/plus-one/take-back/")

    assert (first.status_code, second.status_code) == (302, 409)
    assert Change.objects.get().gates[7] == "w"


def test_a_plus_one_from_slack_asks_to_be_confirmed(client, team):
    emergency = declared(team["Ann"], at=timezone.now())
    plus_one(emergency, team["Bob"], via="slack", at=timezone.now())
    sign_in(client, team["Bob"])

    before = client.get("/changes/1001/").content.decode()
    needs = [item.title for item in items_for(user=team["Bob"], at=timezone.now())]
    answer = client.post("/changes/1001/plus-one/confirm/")
    again = client.post("/changes/1001/plus-one/confirm/")

    assert ("Not confirmed in the portal yet." in before, "Confirm my +1 from Slack" in before) == (True, True)
    assert needs == ["Confirm your +1"]
    assert (answer.status_code, again.status_code) == (302, 409)
    assert "Not confirmed" not in client.get("/changes/1001/").content.decode()


def test_the_thread_is_linked_or_said_to_be_missing(client, team):
    declared(team["Ann"], at=timezone.now())
    sign_in(client, team["Ann"])
    effect = Effect.objects.filter(key__endswith=":thread")
    seen = []
    for state, result in (
        ("done", {"posted": False, "reason": "not connected"}),
        ("quarantined", None),
        ("done", {"posted": True, "permalink": "https://northwind.slack.com/archives/C1/p1"}),
    ):
        effect.update(state=state, result=result)
        seen.append(client.get("/changes/1001/").content.decode())

    assert "There is no thread, because Slack is not connected." in seen[0]
    assert "There is no thread: Slack did not take it." in seen[1]
    assert 'href="https://northwind.slack.com/archives/C1/p1"' in seen[2]


@pytest.fixture
def bypassed(team, now):
    """Bob merged past the rules, an hour ago; the portal has asked him."""
    linked(team["Bob"], 12, "bob")
    merged_past(proposed(team["Ann"]), merged_by_uid=12, at=now - timedelta(hours=1))
    settled(at=now)
    return Ask.objects.get()


def test_the_asked_person_answers_on_the_page_and_everybody_reads_it(client, team, bypassed):
    url = f"/changes/1001/reasons/{bypassed.pk}/"
    sign_in(client, team["Ann"])
    assert "Nobody declared it." in (page := client.get("/changes/1001/").content.decode())
    assert f'action="{url}"' not in page
    assert client.post(url, {"text": "It was me."}).status_code in (403, 422)
    sign_in(client, team["Bob"])
    assert [item.title for item in items_for(user=team["Bob"], at=timezone.now()) if item.icon == "message-square-warning"] == [
        "Give the reason"
    ]

    empty = client.post(url, {"text": " "})
    answer = client.post(url, {"text": "<script>pwn()</script> The printer **burned**."})
    again = client.post(url, {"text": "Or not."})

    assert (empty.status_code, b"Write in a sentence or two why" in empty.content) == (422, True)
    assert (answer.status_code, again.status_code, Answer.objects.count()) == (302, 409, 1)
    shown = client.get("/changes/1001/").content.decode()
    assert ("<strong>burned</strong>" in shown, "<script>pwn" in shown) == (True, False)
    assert ExceptionRecord.objects.get().state == "explained"


def test_an_administrator_who_went_past_the_rules_answers_too(client, team, now):
    rex = linked(person("Rex"), 77, "rex").user
    pushed_past(uid=77, at=now)
    settled(at=now)
    sign_in(client, rex)

    needs = [item.title for item in items_for(user=rex, at=now)]
    answer = client.post(f"/changes/1001/reasons/{Ask.objects.get().pk}/", {"text": "Nobody else was awake."})

    assert ("Give the reason" in needs, answer.status_code, Answer.objects.get().by) == (True, 302, rex)
    assert ExceptionRecord.objects.get().state == "open"


def test_the_list_shows_what_is_open_its_clocks_the_agenda_and_the_rate(client, team, bypassed, now):
    emergency = declared(team["Ann"], key="form:2", at=now - timedelta(minutes=3))
    sign_in(client, team["Mia"])

    page = client.get("/emergencies/").content.decode()

    for words in (
        "The checkout answers 500",
        "Waits for a +1",
        "undeclared",
        "For the next agenda",
        "It stands on the agenda of",
        "By month",
    ):
        assert words in page
    assert "Declare an emergency" not in page
    plus_one(emergency, team["Bob"], at=now)
    assert "+1 by Bob" in client.get("/emergencies/").content.decode()
    change = Change.objects.get(number=1001)
    for kind, by in (("retrospective", team["Cleo"]), ("post_implementation", team["Ann"])):
        review_after(change=change, kind=kind, outcome="partly", note="n", by=by, at=now)
    page = client.get("/emergencies/").content.decode()
    assert "Reviewed or withdrawn" in page
    assert "no emergency in production waits for its retrospective review" in page


def test_the_list_asks_as_often_for_three_as_for_one(client, team, django_assert_max_num_queries, now):
    sign_in(client, team["Mia"])
    client.get("/emergencies/")
    for number in range(3):
        emergency = declared(team["Ann"], key=f"form:{number}", at=now)
        plus_one(emergency, team["Bob"], at=now)

    with django_assert_max_num_queries(12):
        assert client.get("/emergencies/").content.decode().count("+1 by Bob") == 3


@pytest.mark.parametrize("name", ["Ann", "Bob", "Mia"])
def test_the_page_of_an_emergency_stays_within_twelve_queries(client, team, name, now, django_assert_max_num_queries):
    emergency = declared(team["Ann"], asked=team["Dev"], at=now)
    pull = hotfix(emergency.change, at=now)
    plus_one(emergency, team["Cleo"], at=now)
    merged(emergency.change, pull, at=now)
    sign_in(client, team[name])
    client.get("/changes/1001/")

    with django_assert_max_num_queries(12):
        client.get("/changes/1001/")


def test_the_page_of_an_undeclared_push_stays_within_twelve_queries(client, team, bypassed, django_assert_max_num_queries):
    sign_in(client, team["Bob"])
    client.get("/changes/1001/")

    with django_assert_max_num_queries(12):
        client.get("/changes/1001/")


def test_inboxes_ask_for_what_one_can_do(team, bypassed, now):
    declared(team["Ann"], asked=team["Dev"], key="form:2", at=now)
    asked = {
        name: sorted({(item.title, item.why) for item in items_for(user=user, at=now) if item.icon in ("siren", "alarm-clock")})
        for name, user in team.items()
    }
    later = [item.title for item in items_for(user=team["Mia"], at=now + timedelta(days=9))]

    assert asked["Ann"] == asked["Mia"] == []
    assert asked["Dev"] == [("Give the +1", "Ann asks you for it.")]
    assert asked["Bob"] == [("Give the +1", "You may give the +1 of an emergency and took no part in it.")]
    assert "See to an overdue review" in later


def test_who_took_part_is_not_asked_to_review(team, now):
    emergency = declared(team["Ann"], at=now - timedelta(hours=1))
    pull = hotfix(emergency.change, at=now)
    plus_one(emergency, team["Bob"], at=now)
    merged(emergency.change, pull, at=now)

    titles = {name: [item.title for item in items_for(user=user, at=now)] for name, user in team.items()}

    assert "Review the emergency afterwards" in titles["Dev"]
    assert "Review the emergency afterwards" not in titles["Bob"] + titles["Ann"]


def test_a_change_that_is_no_emergency_has_no_panel(client, team):
    change = proposed(team["Ann"])
    reassess(change=change, at=timezone.now())
    sign_in(client, team["Bob"])

    assert 'id="emergency"' not in client.get(f"/changes/{change.number}/").content.decode()
    assert client.get(f"/changes/{change.number}/emergency/").content.strip() == b""
    assert Emergency.objects.count() == 0
