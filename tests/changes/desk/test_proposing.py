"""The proposal form over HTTP, with and without htmx: nothing that was typed is lost, whatever is sent and whoever was faster."""

import re
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes.proposals.drafts import LONGEST as LONGEST_DRAFT
from changes.proposals.forms import LONGEST
from changes.proposals.models import Change, Draft
from changes.proposals.templates_of_kinds import TEMPLATES
from portal.home.dropped import UNDO, put_away
from portal.home.models import Dropped
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}
VALUES = {"title": "Split the queue", "why": "Jobs wait.", "rollback": "Redeploy.", "category": "standard", "size": "normal"}
SCRIPT = "<script>window.broken = 1</script>"
FIVE_MEGABYTES = 5_000_000


@pytest.fixture
def ann(client):
    ann = person("Ann")
    sign_in(client, ann)
    return ann


def sent(client, url="/changes/new/", htmx=False, **more):
    values = {"form_key": str(uuid4()), "about": "new", "step": "submit", **VALUES, **more}
    return client.post(url, values, headers=HTMX if htmx else None)


def saved(client, **more):
    return client.post(reverse("save-draft"), {"form_key": str(uuid4()), "about": "new", **VALUES, **more}, headers=HTMX)


def text_of(answer):
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def test_a_proposal_of_five_megabytes_is_refused_in_words_and_kept(client, ann):
    answer = sent(client, why="word " * (FIVE_MEGABYTES // 5))

    assert answer.status_code == 422
    assert f"Shorten this to {LONGEST:,} characters, or link to a document: it has {FIVE_MEGABYTES - 1}" in text_of(answer)
    assert answer.content.count(b"word word") > 400_000
    assert not Change.objects.exists()


def test_more_than_the_portal_reads_is_413_in_words(client, ann):
    answer = sent(client, why="x" * (9 * 1024 * 1024))

    assert answer.status_code == 413
    assert "larger than this page accepts. Nothing was changed." in text_of(answer)


def test_script_in_every_field_stays_text(client, ann):
    texts = dict.fromkeys(("title", "why", "what", "tested", "rollback", "target_release", "snapshot", "data_loss"), SCRIPT)

    answer = sent(client, **texts)
    broken = sent(client, **{**texts, "category": SCRIPT, "size": SCRIPT, "kind": SCRIPT, "answer_data": SCRIPT, "about": SCRIPT})

    change = Change.objects.get()
    pages = [broken, *(client.get(f"{answer.url}{part}") for part in ("", "edit/", "history/"))]
    assert change.revisions.get().rollback == SCRIPT
    assert [page.status_code for page in pages] == [422, 200, 200, 200]
    assert all(SCRIPT.encode() not in page.content for page in pages)


def test_control_and_direction_characters_are_kept_out_or_shown(client, ann):
    answer = sent(client, title="Pay \u202eeciovni\u202c\x00 \x1b later", why="a\x00b\u200b")

    revision = Change.objects.get().revisions.get()
    assert (revision.title, revision.why) == ("Pay \u202eeciovni\u202c \x1b later", "ab\u200b")
    for page in (client.get(answer.url), client.get(f"{answer.url}history/")):
        assert "\u202e" not in re.search(r"<title>.*?</title>", page.content.decode(), re.DOTALL)[0]
        assert "U+202E" in page.content.decode()
    route = client.post(reverse("route-proposal"), {"about": "new", "title": "Pay \u202e"})
    assert "“Title” holds U+202E" in text_of(route)


def test_the_same_form_sent_twice_is_one_change(client, ann):
    key = str(uuid4())

    first, second = (sent(client, form_key=key) for _ in range(2))

    assert first.url == second.url == "/changes/1001/"
    assert Change.objects.count() == 1


def test_a_form_sent_again_after_going_back_says_what_it_became_and_keeps_the_text(client, ann):
    key = str(uuid4())
    sent(client, form_key=key)

    answer = sent(client, form_key=key, why="Jobs wait for hours.")

    assert answer.status_code == 409
    assert "became CHG-1001 revision 1" in text_of(answer)
    assert b"Jobs wait for hours." in answer.content
    again = re.search(rb'name="form_key" value="([0-9a-f-]{36})"', answer.content)[1].decode()
    assert again != key
    assert sent(client, form_key=again, why="Jobs wait for hours.").status_code == 302


def test_two_people_editing_at_once_see_what_the_other_changed_and_keep_their_own(client, ann):
    url = sent(client).url
    dev = sign_in(Client(), person("Dev"))
    sent(dev, f"{url}edit/", about="1001", revision="1", what="Two queues", why="Jobs wait for hours.")

    answer = sent(client, f"{url}edit/", about="1001", revision="1", why="Jobs wait all night.")

    words = text_of(answer)
    assert answer.status_code == 409
    assert "Dev saved revision 2 meanwhile. Your text is kept below" in words
    assert "added: Two queues , end of addition" in words
    assert "added: for hours , end of addition" in words.replace("added:  for", "added: for")
    assert b"Jobs wait all night." in answer.content
    assert b'name="revision" value="2"' in answer.content
    assert sent(client, f"{url}edit/", about="1001", revision="2", why="Jobs wait all night.").status_code == 302


@pytest.mark.parametrize(("given", "status"), [({"title": ""}, 422), ({"revision": "7"}, 409), ({"revision": "x"}, 409)])
def test_htmx_gets_the_inside_of_the_form_with_a_title_that_says_problem(client, ann, given, status):
    url = sent(client).url

    answer = sent(client, f"{url}edit/", htmx=True, about="1001", **{"revision": "1", "what": "More", **given})

    assert (answer.status_code, answer.headers["HX-Retarget"]) == (status, "#proposal")
    assert "<title>Problem: Edit CHG-1001" in answer.content.decode()
    assert b"<html" not in answer.content


def test_a_proposal_that_was_accepted_leads_htmx_to_its_page(client, ann):
    answer = sent(client, htmx=True)

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/changes/1001/")


def test_headings_of_a_template_alone_are_no_plan(client, ann):
    answer = sent(client, kind="database", rollback=TEMPLATES["database"].texts["rollback"])

    assert answer.status_code == 422
    assert "Write how to undo this change" in text_of(answer)
    assert sent(client, kind="database", rollback="Back to v12", snapshot="snap-7").status_code == 422
    assert sent(client, kind="database", rollback="Back to v12", snapshot="snap-7", data_loss="None.").status_code == 302


def test_a_template_fills_the_form_and_asks_before_it_touches_what_was_typed(client, ann):
    asked = sent(client, step="template", kind="secrets", what="Rotate the key.", rollback="")
    below = sent(client, step="template_below", kind="secrets", what="Rotate the key.", rollback="")
    over = sent(client, step="template_over", kind="secrets", what="Rotate the key.", rollback="")

    assert "You have written under What changes already, so the template “Secrets” left that alone." in text_of(asked)
    assert "Rotate the key.</textarea>" in asked.content.decode()
    assert "### Is the old value still valid" in asked.content.decode()
    assert "Rotate the key.\n\n### Names, never values" in below.content.decode()
    assert "Rotate the key." not in over.content.decode()
    assert not Change.objects.exists()


@pytest.mark.parametrize("step", ["route", "preview"])
def test_looking_without_script_keeps_what_was_typed(client, ann, step):
    answer = sent(client, step=step, why="Jobs **wait**.", answer_data="loses")

    assert answer.status_code == 200
    assert b"<strong>wait</strong>" in answer.content
    assert "Large: the architecture meeting decides first" in text_of(answer)
    assert not Change.objects.exists()


def test_a_refusal_is_said_at_the_form(client):
    sign_in(client, person("Mia"))

    answer = sent(client, category="emergency", why="It burns.")

    assert answer.status_code == 422
    assert "Mia may not declare an emergency" in text_of(answer)
    assert b"It burns." in answer.content


def test_only_those_who_may_open_the_form_of_a_change(client, ann):
    url = sent(client).url
    bob = sign_in(Client(), person("Bob"))

    assert bob.get(f"{url}edit/").status_code == 403
    assert bob.post(f"{url}edit/", VALUES).status_code == 403
    assert client.get("/changes/77/edit/").status_code == 404


def test_a_draft_is_saved_said_offered_and_gone_once_it_is_sent(client, ann):
    key = str(uuid4())

    said = saved(client, form_key=key, answer_data="loses")

    assert re.fullmatch(r"Saved \d\d:\d\d:\d\d", text_of(said))
    page = client.get("/changes/new/")
    assert "You have a draft that was not sent" in text_of(page)
    assert "“Split the queue”" in text_of(page)
    again = client.get(f"/changes/new/?draft={key}").content.decode()
    assert f'name="form_key" value="{key}"' in again
    assert "Jobs wait.</textarea>" in again
    assert '<option value="loses" selected>' in again
    assert sent(client, form_key=key).status_code == 302
    assert "not sent" not in text_of(client.get("/changes/new/"))


def test_a_draft_of_an_edit_shows_what_was_saved_since(client, ann):
    url, key = sent(client).url, str(uuid4())
    saved(client, form_key=key, about="1001", revision="1", why="Jobs wait forever.")
    sent(sign_in(Client(), person("Dev")), f"{url}edit/", about="1001", revision="1", what="Two queues")

    page = client.get(f"{url}edit/?draft={key}")

    assert "What was saved meanwhile" in text_of(page)
    assert b'name="revision" value="1"' in page.content
    assert b"Jobs wait forever." in page.content
    assert client.get("/changes/new/").content.count(b"not sent") == 0


def test_drafts_are_dropped_by_their_author_alone(client, ann):
    key = uuid4()
    saved(client, form_key=str(key))
    bob = sign_in(Client(), person("Bob"))

    assert b"Jobs wait." not in bob.get(f"/changes/new/?draft={key}").content
    bob.post(reverse("drop-draft", args=[key]))
    assert Draft.objects.exists()
    assert client.post(reverse("drop-draft", args=[key])).url == "/changes/new/"
    assert not Draft.objects.exists()


def test_a_dropped_draft_comes_back_for_a_day_to_its_author_alone(client, ann):
    key, back = str(uuid4()), reverse("take-draft-back")
    drop = reverse("drop-draft", args=[key])
    saved(client, form_key=key)
    client.post(drop)
    bob = sign_in(Client(), person("Bob"))

    assert "You dropped a draft now: “Split the queue”" in text_of(client.get("/changes/new/"))
    assert "You dropped" not in text_of(bob.get("/changes/new/"))
    assert bob.post(back, {"about": "new"}).url == "/changes/new/"
    assert client.post(back, {"about": "new"}).url == f"/changes/new/?draft={key}"
    assert (Draft.objects.get().person, Draft.objects.get().fields["why"]) == (ann, "Jobs wait.")
    assert "There is no dropped draft any more." in text_of(client.post(back, {"about": "new"}, follow=True))

    client.post(drop)
    saved(client, form_key=key, why="Typed afterwards")
    assert "is not back: what was typed" in text_of(client.post(back, {"about": "new"}, follow=True))
    assert Draft.objects.get().fields["why"] == "Typed afterwards"
    sent(client, form_key=key)
    assert "You dropped" not in text_of(client.get("/changes/new/"))
    client.post(reverse("drop-draft", args=[key]))
    with time_machine.travel(timezone.now() + UNDO):
        assert Dropped.objects.exists()
        put_away(person=ann, kind="other", content={}, at=timezone.now())
        assert [row.kind for row in Dropped.objects.all()] == ["other"]


def test_a_draft_that_is_not_kept_is_said(client, ann):
    long = saved(client, why="x" * LONGEST_DRAFT)
    nameless = saved(client, form_key="nonsense")

    assert (long.status_code, long.headers["HX-Retarget"]) == (422, "#draft-state")
    assert "Not saved: the draft has 2,0" in text_of(long)
    assert "Your text is still on this page." in text_of(long)
    assert nameless.status_code == 422
    assert saved(client, about="1999").status_code == saved(client, about="x").status_code == 404
    assert not Draft.objects.exists()


def test_an_empty_form_leaves_no_draft(client, ann):
    key = str(uuid4())
    saved(client, form_key=key)

    said = saved(client, form_key=key, title="", why=" ", rollback="")

    assert (text_of(said), Draft.objects.count()) == ("", 0)


def test_a_draft_outlives_the_session_in_which_it_was_typed(client, ann):
    saved(client)
    client.logout()
    late = saved(client)
    assert late.status_code == 401
    assert "What you typed is still on this page" in text_of(late)

    sign_in(client, ann)

    assert "You have a draft that was not sent" in text_of(client.get("/changes/new/"))


def test_the_route_says_what_an_edit_would_do_to_approvals(client, ann):
    sent(client)
    url = reverse("route-proposal")

    slip = client.post(url, {"about": "1001", **VALUES, "why": "Jobs wiat."})
    plan = client.post(url, {"about": "1001", **VALUES, "rollback": "Redeploy v12."})
    same = client.post(url, {"about": "1001", **VALUES})

    assert "This edit is immaterial" in text_of(slip)
    assert "This edit is material; no approval stands that it could end" in text_of(plan)
    assert "This edit" not in text_of(same)


def test_the_history_compares_any_two_revisions(client, ann):
    url = sent(client).url
    for seen, why in ((1, "Jobs wiat."), (2, "Customers wait."), (3, "Customers wait. " + "And wait. " * 200 + "Still.")):
        sent(client, f"{url}edit/", about="1001", revision=str(seen), why=why)

    page = client.get(f"{url}history/")
    slip = text_of(client.get(f"{url}history/?from=2&to=1"))
    side = client.get(f"{url}history/?from=1&to=4&view=side")
    piece = client.get(f"{url}history/?from=3&to=4", headers=HTMX)

    assert "Revision 3 against revision 4: 1 section differs." in text_of(page)
    assert text_of(page).count("Immaterial") == 1
    assert "Revision 1 against revision 2" in slip
    assert "removed: wait" in slip
    assert side.content.count(b'class="diff" role="group"') == 2
    assert b"<html" not in piece.content
    for odd in ("?from=9&to=x&view=nonsense", "?from=4&to=4", "?whole=1"):
        assert client.get(f"{url}history/{odd}").status_code == 200


def test_the_history_of_one_revision_compares_nothing(client, ann):
    url = sent(client).url

    assert "There is one revision only." in text_of(client.get(f"{url}history/"))
