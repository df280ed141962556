"""How it went, over HTTP: one question, a form that keeps what was typed, rollbacks, drills, marks, inboxes."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.desk.needs_outcomes import outcome_needs
from changes.outcomes import actions
from changes.outcomes.models import DeployMark, RollbackDrill
from changes.outcomes.policy import Wish
from changes.outcomes.recognising import recognise
from changes.proposals.models import Change, ReviewAfter
from tests.changes.outcomes.world import AT, HOUR, in_production, pull, released, repository
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def change(ann):
    return in_production(ann, pull(7, merge="a"))


def text(answer):
    return answer.content.decode()


def test_one_click_answers_the_question(client, change, ann):
    sign_in(client, ann)
    page = text(client.get(reverse("change", args=[change.number])))
    assert "Yes, it went well" in page

    client.post(reverse("review-after", args=[change.number]), {"kind": "post_implementation", "outcome": "went_well"})

    page = text(client.get(reverse("change", args=[change.number])))
    assert "Yes, it went well" not in page
    assert "Post-implementation review: it went well" in page


def test_the_click_is_not_enough_when_the_records_say_otherwise_and_the_form_keeps_what_was_typed(client, change, ann):
    released("a", 3, at=AT + HOUR, state="failed")
    sign_in(client, ann)
    given = {"kind": "post_implementation", "outcome": "went_well", "text_1": "Add an alarm"}

    answer = client.post(reverse("review-after", args=[change.number]), given)

    assert answer.status_code == 422
    assert "The records say otherwise" in text(answer)
    assert "Add an alarm" in text(answer)
    assert not ReviewAfter.objects.exists()


def test_the_long_form_makes_follow_ups_that_their_owner_closes(client, change, ann):
    bob = person("Bob")
    sign_in(client, ann)
    due = (timezone.now() + timedelta(days=5)).date()
    given = {
        "kind": "post_implementation",
        "outcome": "partly",
        "impact": "Slow pages",
        "note": "Look at the index",
        "text_1": "Add an index",
        "owner_1": str(bob.pk),
        "due_1": due,
    }
    assert client.post(reverse("review-after", args=[change.number]), given).status_code == 302
    follow_up = ReviewAfter.objects.get().follow_ups.get()

    sign_in(client, bob)
    page = text(client.get(reverse("change", args=[change.number])))
    url = reverse("finish-follow-up", args=[change.number, follow_up.pk])
    assert "Add an index" in page
    assert "Slow pages" in page
    client.post(url, {"note": ""})
    follow_up.refresh_from_db()
    assert follow_up.done_at is None
    client.post(url, {"note": "Added"})
    follow_up.refresh_from_db()
    assert follow_up.done_note == "Added"
    assert "Added" in text(client.get(reverse("change", args=[change.number])))


def test_the_retrospective_shows_what_was_left_out_and_is_for_somebody_else(client, ann):
    change = in_production(ann, pull(8, merge="b"), category="emergency")
    gates = [{"state": "failed", "name": "Staging", "clause": "P-04", "reason": "Nobody signed it off."}]
    Change.objects.filter(pk=change.pk).update(assessment={"gates": gates}, retrospective_due_at=AT)
    sign_in(client, person("Dev"))

    page = text(client.get(reverse("review-after", args=[change.number]) + "?kind=retrospective"))
    answer = client.post(reverse("review-after", args=[change.number]), {"kind": "retrospective", "outcome": "went_well"})

    assert "Retrospective review" in page
    assert "Nobody signed it off." in page
    assert answer.status_code == 302
    assert change.reviews_after.get().by.name == "Dev"
    sign_in(client, ann)
    refused = client.post(reverse("review-after", args=[change.number]), {"kind": "retrospective", "outcome": "went_well"})
    assert refused.status_code == 422


def test_a_rollback_is_recorded_from_its_page(client, change, ann):
    released("f", 1, at=AT - 2 * HOUR)
    released("a", 2, at=AT + HOUR)
    sign_in(client, ann)
    url = reverse("roll-back", args=[change.number])

    page = text(client.get(url))
    missing = client.post(url, {"target": "web 1", "data_loss": "", "note": "kept words"})
    done = client.post(url, {"target": "web 1", "data_loss": "nothing"})

    assert "web 1" in page
    assert missing.status_code == 422
    assert "kept words" in text(missing)
    assert done.status_code == 302
    assert "recorded a rollback to web 1" in text(client.get(reverse("change", args=[change.number])))


def test_a_rollback_of_what_is_not_in_production_is_refused_on_the_form(client, change, ann):
    Change.objects.filter(pk=change.pk).update(merged_at=None)
    sign_in(client, ann)

    answer = client.post(reverse("roll-back", args=[change.number]), {"target": "v1", "data_loss": "none"})

    assert answer.status_code == 422
    assert "not in production" in text(answer)


@pytest.mark.parametrize(
    ("seconds", "on_the_list", "on_the_change"),
    [(48, "48 s</td>", "Production ran without it after 48 s."), (0, "under 1 s</td>", "Production runs without it.")],
)
def test_a_rollback_says_how_long_it_took_unless_that_is_within_one_second(
    client, change, ann, seconds, on_the_list, on_the_change
):
    released("c", 1, at=AT - HOUR)
    last = released("a", 2, at=AT)
    back = released("c", 3, at=AT + HOUR, rolls_back=last)
    back.succeeded_at = back.created_at + timedelta(seconds=seconds)
    back.save()
    recognise(repository=repository(), pull_requests=[], releases=[back], at=AT + HOUR)
    sign_in(client, ann)

    assert on_the_list in text(client.get(reverse("rollbacks")))
    assert on_the_change in text(client.get(reverse("change", args=[change.number])))


def drill(**more):
    began = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    given = {"app": "web", "environment": "staging", "target": "v1", "began_at": began, "minutes": "4.5", "outcome": "worked"}
    return {**given, **more}


def test_a_drill_is_recorded_and_listed(client, ann):
    released("a", 1, at=timezone.now() - timedelta(days=300))
    sign_in(client, ann)
    before = text(client.get(reverse("rollbacks")))

    client.post(reverse("record-drill"), drill())

    page = text(client.get(reverse("rollbacks")))
    assert "Overdue" in before
    assert "Overdue" not in page
    assert "4.5 min" in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"app": "other"}, "Select a valid choice"),
        ({"minutes": "0"}, "greater than or equal"),
        ({"began_at": "2099-01-01T10:00"}, "future"),
        ({"began_at": "2026-03-29T02:30"}, "does not exist"),
        ({"began_at": "2026-10-25T02:30"}, "comes twice"),
    ],
)
def test_a_drill_with_an_impossible_time_is_answered_in_words(client, ann, wrong, words):
    released("a", 1, at=AT)
    ann.time_zone = "Europe/Berlin"
    ann.save(update_fields=["time_zone"])
    sign_in(client, ann)

    answer = client.post(reverse("record-drill"), drill(**wrong))

    assert answer.status_code == 422
    assert words in text(answer)
    assert not RollbackDrill.objects.exists()


def test_the_form_of_a_drill_begins_with_the_app_of_the_link(client, ann):
    released("a", 1, at=AT)
    sign_in(client, ann)

    assert '<option value="web" selected>' in text(client.get(reverse("record-drill") + "?app=web"))


def test_deploys_are_marked_and_the_numbers_follow(client, ann):
    now = timezone.now()
    bad, good = released("a", 1, at=now - 3 * HOUR), released("b", 2, at=now - HOUR)
    sign_in(client, ann)

    client.post(reverse("mark-release", args=[bad.pk]), {"what": "failed", "note": "errors"})
    failed = DeployMark.objects.get()
    page = text(client.get(reverse("release", args=[good.pk])))
    nameless = client.post(reverse("mark-release", args=[good.pk]), {"what": "fixed"})
    client.post(reverse("mark-release", args=[good.pk]), {"what": "fixed", "resolves": str(failed.pk)})

    assert "This deploy fixed it" in page
    assert nameless.status_code == 422
    deploys = text(client.get(reverse("deploys")))
    assert "50 %" in deploys
    assert "2 h" in deploys
    mark = good.marks.get()
    client.post(reverse("withdraw-mark", args=[good.pk, mark.pk]))
    mark.refresh_from_db()
    assert mark.withdrawn_by == ann


def test_an_unknown_mark_or_release_is_answered_in_words(client, ann):
    row = released("a", 1, at=AT)
    sign_in(client, ann)

    assert client.post(reverse("mark-release", args=[row.pk]), {"what": "splendid"}).status_code == 422
    assert client.get(reverse("release", args=[4711])).status_code == 404


@pytest.mark.parametrize("name", ["release", "rollbacks"])
def test_who_only_reads_sees_no_form(client, name):
    row = released("a", 1, at=AT)
    sign_in(client, person("Rex"))

    page = text(client.get(reverse(name, args=[row.pk] if name == "release" else [])))

    assert "Mark this deploy" not in page
    assert "Record a drill" not in page
    assert client.post(reverse("mark-release", args=[row.pk]), {"what": "failed"}).status_code == 403


def test_inboxes_ask_for_the_answer_the_follow_up_and_the_drill(change, ann):
    bob, dev = person("Bob"), person("Dev")
    released("a", 1, at=AT - timedelta(days=400))
    wish = Wish("Add an alarm", bob.pk, AT.date())

    def titles(user):
        return [item.title for item in outcome_needs(user, AT)]

    assert titles(ann) == ["Say how it went"]
    actions.review(
        change=change, kind="post_implementation", outcome="went_well", impact="", note="", follow_ups=[wish], by=ann, at=AT
    )
    assert titles(ann) == []
    assert titles(bob) == ["Close a follow-up"]
    assert titles(dev) == ["Practise a rollback"]
    assert titles(person("Rex")) == []
