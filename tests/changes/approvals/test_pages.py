"""The pages about approvals do what they say: what was seen, twice, conditions, waivers, delegations, several at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from changes.approvals import actions
from changes.approvals.models import Condition, Delegation, Waiver
from changes.delivery.models import PullRequest
from changes.exceptions.models import ExceptionRecord
from changes.gates.actions import reassess
from changes.proposals import actions as proposals
from changes.proposals.models import Approval, Change
from portal.home.inbox import items_for
from tests.changes.approvals.situations import seen, waiting_change
from tests.changes.people import linked, person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


@pytest.fixture
def change(ann):
    return waiting_change(ann, at=now() - timedelta(hours=1))


def ready(change, *, routine=False):
    """Every gate before the approval is done: reviewed, green, proven in staging."""
    Change.objects.filter(pk=change.pk).update(gates="mnmmmmmwwwww", routine=routine)
    change.refresh_from_db()
    return change


def shown(change, **more):
    there = seen(change)
    return {"verdict": "yes", "read": "on", "digest": there.digest, "head": there.head, **more}


def approve(client, change, **values):
    return client.post(reverse("approve", args=[change.number]), values or shown(change))


def needs(user):
    return [(item.title, item.key, item.why) for item in items_for(user=user, at=now())]


def test_an_approval_of_a_text_that_is_gone_is_answered_with_what_changed(client, change, ann, bob):
    sign_in(client, bob)
    before = shown(change)
    texts = {"title": change.title, "why": "slow", "what": "everything", "tested": "", "rollback": "another", "snapshot": ""}
    proposals.revise(change=change, texts=texts, source="form", at=now(), by=ann, actor="user:1")

    answer = approve(client, change, **before)

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "The proposal was edited after you opened the page" in page
    assert "What changes, How to undo it" in page
    assert not Approval.objects.exists()


def test_an_approval_of_a_head_that_moved_is_answered_with_both_commits(client, change, bob):
    sign_in(client, bob)
    before = shown(change)
    PullRequest.objects.update(head_sha="b" * 40)

    answer = approve(client, change, **before)

    assert answer.status_code == 409
    assert "the head was 0000000 when you opened the page and is bbbbbbb now" in answer.content.decode()


def test_a_form_without_what_was_seen_is_no_approval(client, change, bob):
    sign_in(client, bob)

    assert approve(client, change, verdict="yes", read="on").status_code == 422
    assert not Approval.objects.exists()


def test_posted_twice_it_is_one_row_and_a_clear_answer(client, change, bob):
    sign_in(client, bob)

    first, second = approve(client, change), approve(client, change)

    assert (first.status_code, second.status_code) == (302, 409)
    assert "already given your word" in second.content.decode()
    assert Approval.objects.count() == 1


def test_after_asking_for_changes_one_takes_it_back_and_approves(client, change, bob):
    sign_in(client, bob)
    approve(client, change, **shown(change, verdict="no", note="the plan is missing"))
    no = Approval.objects.get()

    client.post(reverse("withdraw-approval", args=[change.number, no.pk]))
    assert approve(client, change).status_code == 302

    change.refresh_from_db()
    assert change.state == "approved"


def conditions(**rows):
    """The three rows of the form; ``c1`` … are given as dictionaries."""
    empty = {"text": "", "owner": "", "before": "merge", "due": ""}
    return {f"{name}-{field}": value for name in ("c1", "c2", "c3") for field, value in {**empty, **rows.get(name, {})}.items()}


def test_an_approval_with_conditions_is_given_done_and_confirmed_on_the_page(client, change, ann, bob):
    url = reverse("approve-with-conditions", args=[change.number])
    sign_in(client, bob)
    day = (now() + 3 * DAY).date().isoformat()
    one = {"text": "Watch the queue", "owner": str(ann.pk), "due": day, "to_confirm": "on"}
    assert "Approve with conditions" in client.get(url).content.decode()

    bare = client.post(url, {**shown(change), **conditions()})
    half = client.post(url, {**shown(change), **conditions(c1=one, c2={"text": "Tell support"})})
    done = client.post(url, {**shown(change), **conditions(c1=one)})

    assert (bare.status_code, half.status_code, done.status_code) == (422, 422, 302)
    assert "Say what has to be done" in bare.content.decode()
    assert "Choose who does it" in half.content.decode()
    row = Condition.objects.get()
    assert (row.due_at.date().isoformat(), row.to_confirm) == ((now() + 4 * DAY).date().isoformat(), True)
    assert any("Condition of Bob" in gate["reason"] for gate in Change.objects.get().assessment["gates"])

    step = reverse("step-condition", args=[change.number, row.pk])
    assert ("Meet a condition", str(change), "Bob approved on condition that you do it.") in needs(ann)
    sign_in(client, ann)
    assert "It is done" in client.get(reverse("change", args=[change.number])).content.decode()
    empty = client.post(step, {"kind": "fulfilled", "note": ""})
    assert (empty.status_code, "Write in a sentence how it was done" in empty.content.decode()) == (422, True)
    assert client.post(step, {"kind": "fulfilled", "note": "dashboard"}).status_code == 302

    assert ("Confirm a condition", str(change), "You set it, and Ann says that it is done.") in needs(bob)
    sign_in(client, bob)
    assert "Confirm that it is done" in client.get(reverse("change", args=[change.number])).content.decode()
    assert client.post(step, {"kind": "confirmed", "note": ""}).status_code == 302
    assert not [item for item in needs(bob) if item[0] == "Confirm a condition"]


def test_a_condition_in_the_past_is_said_on_the_form_and_nothing_is_given(client, change, ann, bob):
    sign_in(client, bob)
    one = {"text": "Watch it", "owner": str(ann.pk), "due": "2020-01-01"}

    answer = client.post(reverse("approve-with-conditions", args=[change.number]), {**shown(change), **conditions(c1=one)})

    assert answer.status_code == 422
    assert "cannot be due in the past" in answer.content.decode()
    assert "Watch it" in answer.content.decode()
    assert not Approval.objects.exists()


def test_a_waiver_from_the_inbox_to_its_review(client, ann):
    cleo, mia = person("Cleo"), person("Mia")
    linked(cleo, 77)
    change = waiting_change(ann, author=(77, "cleo-dev"), at=now() - timedelta(hours=1))
    PullRequest.objects.update(state="merged", merged_at=now(), merge_sha="b" * 40)
    reassess(change=change, at=now())
    assert "Nobody is left who may approve" in [item[0] for item in needs(mia)]
    url = reverse("waiver", args=[change.number])

    sign_in(client, mia)
    assert "contributed to it" in client.get(url).content.decode()
    review = (now() + 20 * DAY).date().isoformat()
    empty = client.post(reverse("propose-waiver", args=[change.number]), {"reason": "", "review": ""})
    assert (empty.status_code, "Write why it cannot wait" in empty.content.decode()) == (422, True)
    assert (
        client.post(reverse("propose-waiver", args=[change.number]), {"reason": "Only Cleo", "review": review}).status_code == 302
    )
    waiver = Waiver.objects.get()
    assert [item[0] for item in needs(cleo)] == ["Sign a waiver or turn it down"]

    sign_in(client, cleo)
    assert "Sign this waiver" in client.get(url).content.decode()
    sign = reverse("sign-waiver", args=[change.number, waiver.pk])
    assert client.post(sign, {"digest": "0" * 64}).status_code == 409
    assert client.post(sign, {}).status_code == 409
    assert client.post(sign, {"digest": waiver.digest}).status_code == 302

    change.refresh_from_db()
    assert (change.state, change.gates[7]) == ("approved", "m")
    assert (
        "Waived by Cleo (chair) and Mia (compliance manager)"
        in client.get(reverse("change", args=[change.number])).content.decode()
    )
    record = ExceptionRecord.objects.get(kind="waived_approval")
    assert (record.state, record.due_at, record.owner, record.change) == ("open", waiver.review_at, mia, change)
    assert "Review a waiver" in [item[0] for item in needs(cleo)]
    assert "Review a waiver" in [item[0] for item in needs(mia)]

    look = reverse("review-waiver", args=[change.number, waiver.pk])
    assert client.post(look, {"note": ""}).status_code == 422
    assert client.post(look, {"note": "It was right"}).status_code == 302
    record.refresh_from_db()
    assert record.state == "explained"
    assert "Review a waiver" not in [item[0] for item in needs(mia)]


def test_a_waiver_is_refused_in_words_while_somebody_can_approve(client, change, bob):
    cleo = person("Cleo")
    sign_in(client, cleo)
    review = (now() + 20 * DAY).date().isoformat()

    answer = client.post(reverse("propose-waiver", args=[change.number]), {"reason": "hurry", "review": review})

    assert answer.status_code == 422
    page = client.get(reverse("waiver", args=[change.number])).content.decode()
    assert "The approval can be had in the ordinary way" in page
    assert not Waiver.objects.exists()


def test_a_waiver_is_turned_down(client, ann):
    cleo, mia = person("Cleo"), person("Mia")
    change = waiting_change(cleo, at=now() - timedelta(hours=1))
    waiver = actions.propose_waiver(change=change, reason="x", review_at=now() + DAY, by=cleo, authenticated_at=now(), at=now())
    sign_in(client, mia)

    assert client.post(reverse("withdraw-waiver", args=[change.number, waiver.pk])).status_code == 302

    waiver.refresh_from_db()
    assert waiver.withdrawn_by == mia
    assert mia != ann


def test_a_delegation_is_made_shown_used_and_ended(client, change, bob):
    dev = person("Dev")
    ready(change)
    assert needs(bob) == needs(dev)
    today = now().astimezone(UTC).date()
    values = {"to": dev.pk, "starts": today.isoformat(), "ends": (today + 3 * DAY).isoformat(), "reason": "holiday"}
    sign_in(client, bob)
    bad = client.post(reverse("new-delegation"), {**values, "ends": (today - DAY).isoformat()})
    assert (bad.status_code, "The end lies before the beginning" in bad.content.decode()) == (422, True)

    assert client.post(reverse("new-delegation"), values).status_code == 302

    row = Delegation.objects.get()
    midnight = datetime.combine(today + 4 * DAY, datetime.min.time(), tzinfo=UTC)
    assert (row.absent, row.delegate, row.ends_at) == (bob, dev, midnight)
    assert "Dev for Bob" in client.get(reverse("delegations")).content.decode()
    assert needs(bob) == []
    last = f"{today + 3 * DAY:%-d %B}"
    assert needs(dev)[0][2].endswith(f"also asked for Bob, until {last}.")

    sign_in(client, dev)
    assert f"On behalf of Bob, away until {last}" in client.get(reverse("change", args=[change.number])).content.decode()
    assert approve(client, change, **shown(change, on_behalf_of=str(bob.pk))).status_code == 302
    given = Approval.objects.get()
    assert (given.by, given.on_behalf_of) == (dev, bob)
    assert "Dev on behalf of Bob" in client.get(reverse("change", args=[change.number])).content.decode()
    assert client.post(reverse("end-delegation", args=[row.pk])).status_code == 302
    assert "Ended by Dev" in client.get(reverse("delegations")).content.decode()


@pytest.mark.parametrize("whose", ["0", "x", "-1"])
def test_on_behalf_of_somebody_who_is_there_is_refused_on_the_form(client, change, bob, whose):
    sign_in(client, bob)

    answer = approve(client, change, **shown(change, on_behalf_of=whose))

    assert answer.status_code == 422
    assert "has not handed approvals over to you" in answer.content.decode()
    assert not Approval.objects.exists()


def test_the_chair_hands_over_for_somebody_else(client, bob):
    cleo, dev = person("Cleo"), person("Dev")
    sign_in(client, cleo)
    today = now().astimezone(UTC).date()
    values = {"absent": bob.pk, "to": dev.pk, "starts": (today + DAY).isoformat(), "ends": (today + 2 * DAY).isoformat()}

    assert "Who is away" in client.get(reverse("new-delegation")).content.decode()
    assert client.post(reverse("new-delegation"), {**values, "reason": "ill"}).status_code == 302

    row = Delegation.objects.get()
    assert (row.absent, row.made_by) == (bob, cleo)
    page = client.get(reverse("delegations")).content.decode()
    assert "Take it back" in page


def many(ann, count, *, routine):
    """Changes that are ready for an approval."""
    found = [
        waiting_change(ann, number=number, at=now() - timedelta(hours=1), title=f"Bump {number}") for number in range(1, count + 1)
    ]
    for change, yes in zip(found, routine, strict=True):
        ready(change, routine=yes)
    return found


def posted(changes, **more):
    values = {"change": [str(change.number) for change in changes], "note": "Patch releases, all green", "read": "on", **more}
    for change in changes:
        there = seen(change)
        values |= {f"digest-{change.number}": there.digest, f"head-{change.number}": there.head}
    return values


def test_routine_changes_are_approved_together_each_with_its_own_entry(client, ann, bob):
    one, two, large = many(ann, 3, routine=[True, True, False])
    sign_in(client, bob)
    page = client.get(reverse("approvals")).content.decode()
    assert page.count('type="checkbox"') == 2
    chosen = client.post(reverse("choose-routine"), {"all": "1"}).content.decode()
    assert "Approve 2 routine changes" in chosen
    assert client.post(reverse("choose-routine"), {}).status_code == 422
    assert client.post(reverse("approve-routine"), posted([one, two], note="")).status_code == 422

    answer = client.post(reverse("approve-routine"), posted([one, two, large]))

    page = answer.content.decode()
    assert "2 of 3 changes approved" in page
    assert "It is not routine, so it is approved on its own page" in page
    assert set(Approval.objects.values_list("change_id", flat=True)) == {one.pk, two.pk}
    assert set(Approval.objects.values_list("note", flat=True)) == {"Patch releases, all green"}


def test_one_that_moved_fails_alone_and_is_as_before(client, ann, bob):
    one, two = many(ann, 2, routine=[True, True])
    sign_in(client, bob)
    values = posted([one, two])
    PullRequest.objects.filter(links__change=two).update(head_sha="c" * 40)

    page = client.post(reverse("approve-routine"), values).content.decode()

    assert "1 of 2 changes approved" in page
    assert "There are new commits" in page
    two.refresh_from_db()
    assert (two.state, two.approvals.count()) == ("proposed", 0)
    again = client.post(reverse("approve-routine"), values).content.decode()
    assert "0 of 2 changes approved" in again
    assert Approval.objects.count() == 1


def test_numbers_that_are_none_are_left_out(client, bob):
    sign_in(client, bob)

    assert client.post(reverse("choose-routine"), {"change": ["x", "99999", "9" * 30]}).status_code == 422
    assert client.post(reverse("approve-routine"), {"change": ["x"]}).status_code == 422


def test_the_page_of_what_waits_leaves_out_what_one_had_a_hand_in(client, ann, bob):
    linked(bob, 77)
    mine, others = many(ann, 2, routine=[True, True])
    PullRequest.objects.filter(links__change=mine).update(commit_people=[{"uid": 77, "login": "bobby"}])
    sign_in(client, bob)

    page = client.get(reverse("approvals")).content.decode()

    assert str(others) in page
    assert str(mine) not in page


def test_the_page_of_a_change_stays_within_twelve_queries_whatever_stands_on_it(
    client, change, ann, bob, django_assert_max_num_queries
):
    dev, cleo = person("Dev"), person("Cleo")
    at = now()
    actions.delegate(absent=cleo, to=bob, starts_at=at, ends_at=at + DAY, reason="x", by=cleo, at=at)
    for number in range(3):
        wanted = actions.Wanted(text=f"Watch {number}", owner=ann, before="merge", due_at=now() + DAY)
        actions.set_condition(change=change, approval=None, wanted=wanted, by=dev, at=now())
    proposals.approve(change=change, by=dev, verdict="yes", note="", authenticated_at=now(), at=now())
    sign_in(client, bob)
    url = reverse("change", args=[change.number])
    client.get(url)

    with django_assert_max_num_queries(12):
        page = client.get(url).content.decode()

    assert page.count("Watch ") >= 3
    assert "On behalf of Cleo" in page


def test_the_api_shows_approvals_conditions_and_waivers(client, change, ann, bob):
    wanted = actions.Wanted(text="Watch it", owner=ann, before="release", due_at=now() + DAY, to_confirm=True)
    actions.give(
        change=change,
        by=bob,
        verdict="yes",
        note="",
        seen=seen(change),
        authenticated_at=now(),
        at=now(),
        conditions=[wanted],
    )
    sign_in(client, ann)

    found = client.get(f"/api/v1/changes/{change.number}").json()

    assert found["approvals_needed"] == 1
    assert (found["approvals"][0]["by"], found["approvals"][0]["via"], found["approvals"][0]["on_behalf_of"]) == (
        "Bob",
        "portal",
        "",
    )
    assert [(row["text"], row["owner"], row["before"], row["state"]) for row in found["conditions"]] == [
        ("Watch it", "Ann", "release", "open")
    ]
    assert found["waivers"] == []
