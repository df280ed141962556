"""The register over HTTP: who may press what, what is said, and that nothing typed is lost."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.delivery.models import Repository
from changes.desk.needs_exceptions import exception_needs
from changes.exceptions import acceptance, actions, noise
from changes.exceptions.actions import Found
from changes.exceptions.models import ExceptionRecord, NoiseRule
from tests.changes.people import linked, person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def opened(key="one", kind="no_review", at=None, **evidence):
    repository, _ = Repository.objects.get_or_create(name="acme/web", defaults={"in_scope_from": timezone.now()})
    thing = Found(
        kind=kind,
        subject="#7",
        key=key,
        sentence=f"Somebody merged {key}.",
        happened_at=at or timezone.now(),
        confirmed=True,
        evidence={"merged_by": "bob-codes", **evidence},
    )
    return actions.open_exception(repository=repository, found=thing, at=at or timezone.now())


def text(answer):
    return answer.content.decode()


def test_the_register_shows_owner_repetitions_and_filters(client):
    bob = person("Bob")
    linked(bob, 12, "bob-codes")
    opened("one")
    opened("two")
    sign_in(client, bob)

    page = text(client.get(reverse("exceptions")))
    each = text(client.get(reverse("exceptions") + "?each=1&mine=1&repository=acme/web"))

    assert "and 1 more like it" in page
    assert "merged one" in page
    assert "merged two" not in page
    assert "Bob" in page
    assert "merged two" in each


def test_an_answer_is_given_for_all_and_then_judged_for_all(client):
    record, second = opened("one"), opened("two")
    sign_in(client, person("Ann"))
    client.post(reverse("answer-exception", args=[record.pk]), {"outcome": "explained", "note": "ill", "with_folded": "on"})
    second.refresh_from_db()
    assert second.state == "explained"

    sign_in(client, person("Mia"))
    page = text(client.get(reverse("exceptions") + "?state=to_judge"))
    answer = client.post(reverse("judge-exception", args=[record.pk]), {"note": "", "with_folded": "on"}, follow=True)

    assert "To be judged" in page
    assert "Your agreement is recorded." in text(answer)
    second.refresh_from_db()
    assert second.judged_by.name == "Mia"


def test_only_one_of_several_is_answered_and_judged_when_the_box_is_empty(client):
    record, second = opened("one"), opened("two")
    sign_in(client, person("Mia"))
    client.post(reverse("answer-exception", args=[record.pk]), {"outcome": "explained", "note": "ill"})
    sign_in(client, person("Cleo"))
    client.post(reverse("judge-exception", args=[record.pk]), {"note": ""})

    record.refresh_from_db(), second.refresh_from_db()
    assert (record.judged_by.name, second.state) == ("Cleo", "open")


@pytest.mark.parametrize(
    ("address", "given", "words"),
    [
        ("answer-exception", {"outcome": "explained", "note": ""}, "Write in a sentence or two what happened"),
        ("hand-over-exception", {"to": "", "note": "kept text"}, "Choose who answers from now on"),
        ("propose-acceptance", {"until": "tomorrow", "reason": "kept text"}, "Enter a valid date."),
        ("judge-exception", {"note": "x" * 10_001}, "10000"),
    ],
)
def test_a_form_that_is_not_complete_is_shown_again_with_what_was_typed(client, address, given, words):
    record = opened()
    if address == "judge-exception":
        actions.answer(record=record, outcome="explained", note="x", by=person("Ann"), at=timezone.now())
    sign_in(client, person("Mia"))

    answer = client.post(reverse(address, args=[record.pk]), given)

    assert answer.status_code == 422
    assert words in text(answer)
    assert "<title>Problem: " in text(answer)
    if "kept text" in given.values():
        assert "kept text" in text(answer)


def test_it_is_handed_over(client):
    record, mia = opened(), person("Mia")
    ann = person("Ann")
    sign_in(client, mia)

    client.post(reverse("hand-over-exception", args=[record.pk]), {"to": str(ann.pk), "note": "yours"})

    record.refresh_from_db()
    assert record.owner == ann


def test_an_acceptance_goes_from_one_to_the_other_and_needs_a_fresh_sign_in(client):
    record, bob, cleo = opened(merged_by="stranger"), person("Bob"), person("Cleo")
    day = (timezone.now() + timedelta(days=20)).date()
    sign_in(client, bob, fresh=False)
    url = reverse("propose-acceptance", args=[record.pk])
    assert client.post(url, {"until": day, "reason": "x"}).status_code == 302
    assert record.acceptances.count() == 0
    sign_in(client, bob)
    client.post(url, {"until": day, "reason": "Staging is rebuilt"})
    row = record.acceptances.get()

    sign_in(client, cleo)
    page = text(client.get(reverse("exception", args=[record.pk])))
    assert "Accept it until then" in page
    assert row.digest in page
    client.post(reverse("confirm-acceptance", args=[record.pk, row.pk]), {"digest": row.digest})

    record.refresh_from_db()
    assert record.state == "accepted"


def test_a_proposal_is_withdrawn(client):
    record, mia = opened(merged_by="stranger"), person("Mia")
    row = acceptance.propose(record=record, until=timezone.now() + timedelta(days=9), reason="x", by=mia, at=timezone.now())
    sign_in(client, mia)

    client.post(reverse("withdraw-acceptance", args=[record.pk, row.pk]))

    row.refresh_from_db()
    assert row.withdrawn_at is not None


def test_noise_is_tried_recorded_and_ended(client):
    opened("r", "unknown_release", app="preview-1")
    sign_in(client, person("Mia"))
    day = (timezone.now() + timedelta(days=20)).date()
    rule = {"what": "unknown_release:app", "pattern": "preview-*", "reason": "thrown away", "until": day}

    tried = text(client.post(reverse("make-noise-rule"), {**rule, "step": "try"}))
    assert "1 of the last 90 days" in tried
    assert NoiseRule.objects.count() == 0
    client.post(reverse("make-noise-rule"), rule)
    made = NoiseRule.objects.get()
    assert opened("s", "unknown_release", app="preview-2").state == "filtered"
    page = text(client.get(reverse("noise-rules")))
    assert "preview-*" in page
    assert "thrown away" in page
    client.post(reverse("end-noise-rule", args=[made.pk]))

    made.refresh_from_db()
    assert made.ended_by.name == "Mia"
    assert client.post(reverse("make-noise-rule"), {**rule, "pattern": ""}).status_code == 422


def test_people_without_the_right_see_the_rules_and_no_form(client):
    noise.make_rule(
        kind="unknown_release",
        field="app",
        pattern="x-*",
        reason="y",
        until=timezone.now() + timedelta(days=3),
        by=person("Mia"),
        at=timezone.now(),
    )
    sign_in(client, person("Ann"))

    page = text(client.get(reverse("noise-rules")))

    assert "x-*" in page
    assert "New rule" not in page
    assert client.post(reverse("make-noise-rule"), {}).status_code == 403


@pytest.mark.parametrize(
    ("address", "who"),
    [("judge-exception", "Bob"), ("propose-acceptance", "Ann"), ("answer-exception", "Rex"), ("hand-over-exception", "Rex")],
)
def test_who_may_not_is_told_who_may(client, address, who):
    record = opened()
    sign_in(client, person(who))

    assert client.post(reverse(address, args=[record.pk]), {}).status_code == 403


def test_an_exception_that_is_not_there_is_a_404(client):
    sign_in(client, person("Ann"))

    assert client.get(reverse("exception", args=[4711])).status_code == 404


def test_inboxes_hold_what_each_can_do():
    ann, bob, cleo, mia = person("Ann"), person("Bob"), person("Cleo"), person("Mia")
    linked(bob, 12, "bob-codes")
    at = timezone.now()
    mine, again = opened("mine"), opened("again")
    late = opened("late", "no_staging", at=at - timedelta(days=5))
    answered = opened("answered", "unknown_release", app="web")
    actions.answer(record=answered, outcome="explained", note="x", by=ann, at=at)
    acceptance.propose(record=mine, until=at + timedelta(days=9), reason="x", by=mia, at=at)

    def titles(user):
        return sorted((item.title, item.about) for item in exception_needs(user, at))

    assert titles(ann) == []
    assert titles(bob) == [("Answer an exception", late.sentence), ("Answer an exception", mine.sentence)]
    assert titles(mia) == [("Judge an answer", answered.sentence), ("See that it is answered", late.sentence)]
    assert ("Confirm or refuse an acceptance", mine.sentence) in titles(cleo)
    assert again.folds_into == mine
    assert ExceptionRecord.objects.count() == 4
