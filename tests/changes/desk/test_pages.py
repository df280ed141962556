"""The pages of changes, exceptions, deploys and integrations: who sees what, and the buttons do what they say."""

import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from changes.delivery.models import PullRequest
from changes.desk import opening
from changes.exceptions.models import ExceptionRecord
from changes.proposals.models import Approval, Change
from portal.outbox.actions import enqueue
from portal.outbox.models import Effect
from portal.policy.refusal import Stale
from tests.audits.engagements.opened import admitted
from tests.changes.approvals.situations import seen
from tests.changes.people import linked, person, sign_in
from tests.changes.stories import NOW, Clock, connect, post, read_story, told, work

pytestmark = pytest.mark.django_db(transaction=True)
ADA, BO = 0, 143315473


@pytest.fixture
def standard(client):
    """The standard change, in production."""
    return first_of(client, "dev.standard-change")


def first_of(client, name, until=None):
    """The first change of a story."""
    told(client, name, until=until)
    return Change.objects.order_by("id").first()


def shown(change):
    """What the form on the page of the change carries."""
    there = seen(change)
    return {"digest": there.digest, "head": there.head}


def test_a_page_answers_people_and_sends_others_to_the_sign_in_page(client, standard):
    names = ("changes", "deploys", "exceptions", "propose", "integrations", "deliveries", "effects")

    assert {name: client.get(reverse(name)).status_code for name in names} == dict.fromkeys(names, 302)
    sign_in(client, person("Mia"))

    assert {name: client.get(reverse(name)).status_code for name in names} == dict.fromkeys(names, 200)


def test_the_page_of_a_change_shows_the_whole_record(client, standard):
    sign_in(client, person("Ann"))

    page = client.get(reverse("change", args=[standard.number])).content.decode()

    for words in ("Raise web memory to 1 GB", "Frozen verdicts", "acme/web #17", "Promotes it to production", "Timeline"):
        assert words in page
    assert page.count('<li class="gate"') == 12


def test_the_first_question_of_the_page_is_planned_once_and_answers_as_in_full(standard, django_assert_num_queries):
    once = opening.opening_of(standard)
    other = Change(pk=standard.pk + 1000, number=standard.number + 1000)

    with django_assert_num_queries(1):
        assert opening.opening_of(standard) == once
    in_full = opening.opening_of(standard, auditor=True)

    assert (in_full.verdicts, in_full.exceptions, in_full.proven) == (once.verdicts, once.exceptions, once.proven)
    assert in_full.policy == once.policy
    assert (in_full.revision, len(once.verdicts)) == (once.revision, 2)
    with pytest.raises(Stale):
        opening.opening_of(other)
    assert opening._statement().count("$1") == 1


def test_a_change_and_each_entry_of_its_timeline_have_a_link_to_pass_on(client, standard):
    sign_in(client, person("Ann"))

    page = client.get(reverse("change", args=[standard.number])).content.decode()

    assert f'data-copy="CHG-{standard.number}"' in page
    assert f'data-copy="http://testserver/changes/{standard.number}/"' in page
    entries = re.findall(r'<li id="([ermd]-\w+)">', page)
    assert len(entries) > 5
    assert [id_ for id_ in entries if f'<a href="#{id_}"><time' not in page] == []


def test_the_record_is_a_paper_with_its_digests_that_comes_out_the_same_for_every_reader(client, standard):
    address = reverse("change-paper", args=[standard.number])
    assert client.get(address).status_code == 302
    sign_in(client, person("Ann"))
    first = client.get(address)
    assert address in client.get(reverse("change", args=[standard.number])).content.decode()
    uma, _ = admitted()
    sign_in(client, uma)
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        second = client.get(address)

    assert (first.status_code, first["Content-Type"], first.content) == (200, "application/pdf", second.content)
    assert first["Content-Disposition"] == f'attachment; filename="confidential-CHG-{standard.number}.pdf"'
    said = "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(first.content)).pages).split())
    revision = standard.revisions.get()
    for words in ("Raise web memory", "acme/web #17", "Frozen verdicts", revision.digest, standard.verdicts.first().facts_digest):
        assert words.replace(" ", "") in said


def test_a_part_of_the_page_comes_alone(client, standard):
    sign_in(client, person("Ann"))
    parts = ("gates", "linked", "timeline")

    answers = {part: client.get(reverse("change-part", args=[standard.number, part])) for part in parts}

    assert {part: (answer.status_code, b"<html" in answer.content) for part, answer in answers.items()} == dict.fromkeys(
        parts, (200, False)
    )


def test_the_list_filters_by_its_address(client, standard):
    sign_in(client, person("Ann"))

    assert b"Raise web memory" in client.get("/changes/?state=released").content
    assert b"Raise web memory" in client.get("/changes/?q=CHG-1001").content
    assert b"No change matches" in client.get("/changes/?state=draft").content


def test_an_approver_who_took_no_part_approves_once(client):
    change = first_of(client, "dev.standard-change", until=6)
    bob = person("Bob")
    sign_in(client, bob)
    url = reverse("approve", args=[change.number])

    first = client.post(url, {"verdict": "yes", "read": "on", "note": "looks right", **shown(change)})
    second = client.post(url, {"verdict": "yes", "read": "on", **shown(change)})

    assert (first.status_code, second.status_code) == (302, 409)
    given = Approval.objects.get()
    assert (given.by, given.verdict, given.head_sha) == (bob, "yes", PullRequest.objects.get().head_sha)
    change.refresh_from_db()
    assert change.state == "approved"


def test_an_approval_without_reading_the_plan_is_asked_again(client):
    change = first_of(client, "dev.standard-change", until=6)
    sign_in(client, person("Bob"))

    answer = client.post(reverse("approve", args=[change.number]), {"verdict": "yes", **shown(change)})

    assert answer.status_code == 422
    assert b"Confirm that you read the proposal" in answer.content
    assert not Approval.objects.exists()


def test_the_author_by_a_linked_account_cannot_approve(client):
    change = first_of(client, "dev.standard-change", until=6)
    bob = person("Bob")
    linked(bob, BO, "bo-dev")
    sign_in(client, bob)

    answer = client.post(reverse("approve", args=[change.number]), {"verdict": "yes", "read": "on", **shown(change)})

    assert answer.status_code in (403, 422)
    assert not Approval.objects.exists()


def test_approving_asks_for_a_fresh_sign_in(client):
    change = first_of(client, "dev.standard-change", until=6)
    sign_in(client, person("Bob"), fresh=False)

    answer = client.post(reverse("approve", args=[change.number]), {"verdict": "yes", "read": "on", **shown(change)})

    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert not Approval.objects.exists()


def test_a_new_push_lapses_the_approval(client):
    story = read_story("dev.violations")
    connect(story)
    post(client, story["deliveries"][0])
    clock = Clock()
    work(clock)
    change = Change.objects.get()
    sign_in(client, person("Bob"))
    client.post(reverse("approve", args=[change.number]), {"verdict": "yes", "read": "on", **shown(change)})

    post(client, story["deliveries"][2])
    work(clock)

    assert "a new push" in Approval.objects.get().lapse.reason
    change.refresh_from_db()
    assert change.state == "proposed"


def test_a_proposal_before_any_code_is_joined_by_its_pull_request(client):
    ann = person("Ann")
    sign_in(client, ann)

    draft = client.post("/changes/new/", {"title": "Split the queue", "category": "standard", "size": "normal", "step": "draft"})
    bad = client.post("/changes/new/", {"title": "No plan", "category": "standard", "size": "normal"})

    assert draft.status_code == 302
    assert bad.status_code == 422
    assert b"Write how to undo this change" in bad.content
    change = Change.objects.get()
    assert (change.state, change.requester, change.number) == ("draft", ann, 1001)


def test_two_people_editing_at_once_lose_nothing(client):
    ann = person("Ann")
    sign_in(client, ann)
    values = {"title": "Split", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}
    client.post("/changes/new/", values)
    change = Change.objects.get()
    url = reverse("edit-proposal", args=[change.number])

    first = client.post(url, {**values, "why": "slower", "revision": "1"})
    second = client.post(url, {**values, "why": "slowest", "revision": "1"})

    assert (first.status_code, second.status_code) == (302, 409)
    assert b"slowest" in second.content
    assert change.revisions.count() == 2


def test_an_exception_is_answered_with_a_note(client):
    told(client, "dev.violations")
    sign_in(client, person("Ann"))
    record = ExceptionRecord.objects.get(kind="no_review")
    url = reverse("answer-exception", args=[record.pk])

    assert client.get(reverse("exception", args=[record.pk])).status_code == 200
    assert client.post(url, {"outcome": "explained", "note": " "}).status_code == 422
    assert client.post(url, {"outcome": "explained", "note": "hot config, reviewed since"}).status_code == 302

    record.refresh_from_db()
    assert record.state == "explained"


@pytest.mark.parametrize("path", ["/changes/", "/deploys/", "/exceptions/", "/integrations/deliveries/"])
def test_lists_ask_the_same_number_of_queries_for_one_and_for_many(client, path, django_assert_max_num_queries):
    told(client, "dev.violations")
    sign_in(client, person("Mia"))
    client.get(path)

    with django_assert_max_num_queries(12):
        client.get(path)


def test_a_set_aside_effect_is_tried_again_by_an_administrator(client):
    with transaction.atomic():
        enqueue(kind="mail", key="letter-1", payload={}, at=NOW)
    effect = Effect.objects.get()
    Effect.objects.filter(pk=effect.pk).update(state="quarantined", error="the forge said no")
    sign_in(client, person("Mia"))
    assert client.post(reverse("replay-effect", args=[effect.pk])).status_code == 403
    sign_in(client, person("Rex"))

    page = client.get("/integrations/effects/?state=quarantined").content.decode()
    answer = client.post(reverse("replay-effect", args=[effect.pk]))

    assert "the forge said no" in page
    assert answer.status_code == 302
    effect.refresh_from_db()
    assert effect.state == "waiting"


def test_an_address_with_the_whole_name_leads_to_the_change(client):
    sign_in(client, person("Ann"))

    assert client.get("/changes/CHG-1001/").url == client.get("/changes/chg-1001/").url == "/changes/1001/"
