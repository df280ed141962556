"""Saved views and chosen columns: kept for one person, shared by a link, taken back after a deletion, never too many."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from changes.desk import saved
from changes.desk.models import ColumnChoice, SavedView
from tests.audits.engagements.opened import admitted
from tests.changes.people import person, sign_in
from tests.changes.proposals.catalogue import AT, made

pytestmark = pytest.mark.django_db
QUERY = "q=cache&sort=oldest&columns=gates%2Cstate"


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def signed_in(client, ann):
    sign_in(client, ann)
    return client


def keep(client, name="Slow ones", query=QUERY, **more):
    return client.post(reverse("save-view"), {"name": name, "query": query, **more})


def post(client, action, view, **data):
    return client.post(reverse(action, args=[view.key]), data)


def test_a_list_is_kept_under_a_name_and_shown_beside_the_list(signed_in, ann):
    answer = keep(signed_in)

    view = SavedView.objects.get()
    assert (view.person, view.name, view.query, view.is_default) == (ann, "Slow ones", QUERY, False)
    assert answer.url == f"/changes/?{QUERY}"
    page = signed_in.get(f"/changes/?{QUERY}").content.decode()
    assert f'<a href="?{QUERY.replace("&", "&amp;")}" aria-current="page">Slow ones</a>' in page


def test_only_what_the_list_knows_is_kept(signed_in):
    keep(signed_in, query="q=cache&older=abc&next=//evil.example&state=&view=board")

    assert SavedView.objects.get().query == "q=cache&view=board"


def test_the_list_begins_with_the_default_view(signed_in):
    keep(signed_in, name="First", default="on")
    keep(signed_in, name="Second", query="state=draft", default="on")

    assert [view.name for view in SavedView.objects.filter(is_default=True)] == ["Second"]
    assert signed_in.get("/changes/").url == "/changes/?state=draft"
    assert signed_in.get("/changes/?view=list").status_code == 200

    second = SavedView.objects.get(name="Second")
    post(signed_in, "default-view", second)
    assert signed_in.get("/changes/").status_code == 200
    post(signed_in, "default-view", SavedView.objects.get(name="First"))
    assert signed_in.get("/changes/").url == f"/changes/?{QUERY}"


def test_a_link_opens_the_view_of_somebody_else_with_the_readers_own_rights(signed_in, client):
    keep(signed_in)
    view = SavedView.objects.get()
    sign_in(client, person("Bob"))

    assert client.get(reverse("open-view", args=[view.key])).url == f"/changes/?{QUERY}"
    assert client.get(reverse("open-view", args=["no-such-view"])).status_code == 404


@pytest.mark.parametrize("action", ["rename-view", "default-view", "delete-view"])
def test_nobody_touches_the_view_of_somebody_else(signed_in, client, action):
    keep(signed_in)
    view = SavedView.objects.get()
    sign_in(client, person("Bob"))

    assert post(client, action, view, name="Mine now").status_code == 404
    assert SavedView.objects.filter(name="Slow ones", deleted_at=None, is_default=False).exists()


def test_a_view_is_renamed_and_its_link_stays(signed_in):
    keep(signed_in)
    view = SavedView.objects.get()

    post(signed_in, "rename-view", view, name="  Slow and old ")

    assert (SavedView.objects.get().name, SavedView.objects.get().key) == ("Slow and old", view.key)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "Other"])
def test_a_name_that_cannot_be_is_refused_in_words(signed_in, name):
    keep(signed_in)
    keep(signed_in, name="Other")
    view = SavedView.objects.get(name="Slow ones")

    answer = signed_in.post(reverse("rename-view", args=[view.key]), {"name": name}, follow=True)

    assert SavedView.objects.get(pk=view.pk).name == "Slow ones"
    assert 'data-tone="bad"' in answer.content.decode()
    again = keep(signed_in, name=name)
    assert again.status_code == 422
    assert 'class="errsum"' in again.content.decode()
    assert SavedView.objects.count() == 2


def test_a_deleted_view_can_be_taken_back(signed_in):
    keep(signed_in, default="on")
    view = SavedView.objects.get()

    answer = post(signed_in, "delete-view", view)

    page = signed_in.get(answer.url).content.decode()
    assert "“Slow ones” is deleted." in page
    assert reverse("restore-view", args=[view.key]) in page
    assert signed_in.get("/changes/").status_code == 200
    assert signed_in.get(reverse("open-view", args=[view.key])).status_code == 404
    post(signed_in, "restore-view", view)
    assert signed_in.get(reverse("open-view", args=[view.key])).status_code == 302
    assert "is deleted" not in signed_in.get(answer.url).content.decode()


def test_a_deletion_is_not_taken_back_onto_a_name_in_use(signed_in):
    keep(signed_in)
    view = SavedView.objects.get()
    post(signed_in, "delete-view", view)
    keep(signed_in)

    post(signed_in, "restore-view", view)

    assert SavedView.objects.filter(deleted_at=None).count() == 1


def test_what_was_deleted_a_day_ago_goes_for_good(signed_in, ann):
    keep(signed_in, name="Old")
    keep(signed_in, name="New")
    SavedView.objects.filter(name="Old").update(deleted_at=AT)

    saved.delete_view(view=SavedView.objects.get(name="New"), at=AT + 2 * saved.TAKEN_BACK_WITHIN)

    assert [view.name for view in SavedView.objects.all()] == ["New"]


def test_there_are_at_most_fifty(signed_in, ann):
    for number in range(saved.MOST):
        saved.save_view(person=ann, name=f"View {number}", query="", default=False, at=AT)

    with pytest.raises(ValidationError, match="50 views, which is the most"):
        saved.save_view(person=ann, name="One more", query="", default=False, at=AT)
    assert "which is the most" in signed_in.get(reverse("saved-views")).content.decode()
    view = SavedView.objects.first()
    saved.delete_view(view=view, at=AT)
    saved.save_view(person=ann, name="One more", query="", default=False, at=AT)
    with pytest.raises(ValidationError, match="50 views"):
        saved.restore_view(view=view)


def test_a_question_too_long_to_be_linked_is_not_kept(signed_in):
    long = "&".join(f"{name}={'%C3%A4' * 400}" for name in ("q", "requester", "repository"))

    assert keep(signed_in, query=long).status_code == 422
    assert not SavedView.objects.exists()


def test_chosen_columns_are_remembered_and_stand_in_the_address(signed_in, ann):
    answer = signed_in.post(reverse("choose-columns"), {"columns": ["state", "kind", "nothing"], "query": "q=cache"})

    assert answer.url == "/changes/?q=cache&columns=kind%2Cstate"
    assert ColumnChoice.objects.get().columns == "kind,state"
    made("Change the cache")
    assert 'class="cell cell-kind"' in signed_in.get("/changes/").content.decode()
    assert 'class="cell cell-kind"' not in signed_in.get("/changes/?columns=gates").content.decode()
    signed_in.post(reverse("choose-columns"), {})
    assert ColumnChoice.objects.get().columns == "none"
    assert 'class="cell ' not in signed_in.get("/changes/").content.decode()


def test_an_auditor_chooses_columns_by_address_and_keeps_nothing(client):
    uma, _ = admitted()
    sign_in(client, uma)

    page = client.get(reverse("saved-views")).content.decode()

    assert 'action="/changes/"' in page
    assert "Keep this list" not in page
    assert keep(client).status_code == 403
    assert client.get("/changes/?columns=kind&columns=state").status_code == 200
