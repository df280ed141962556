"""Headers, theme, navigation, palette, inbox, help: the frame without a browser."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.test import Client
from django.utils import timezone

from portal.access.roles import Role
from portal.home import background, health, inbox, start
from portal.home.inbox import Item
from portal.runtime.models import Lease
from portal.ui import navigation, palette
from portal.ui.components.fixed import fixed
from portal.ui.headers import POLICY
from portal.ui.palette import Hit
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def page(client, ann):
    client.force_login(ann)
    return client


@pytest.mark.parametrize(
    "path", ["/", "/help/", "/gallery/", "/palette/", "/status/", "/healthz", "/readyz", "/nowhere/", "/account/login/"]
)
def test_every_answer_carries_the_security_headers_and_is_stored_nowhere(page, path):
    answer = page.get(path)

    assert answer["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "nonce" not in POLICY
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert "camera=()" in answer["Permissions-Policy"]
    assert "no-store" in answer["Cache-Control"]


def test_a_page_says_no_store_even_when_a_view_says_otherwise(page):
    assert "public" not in page.get("/help/")["Cache-Control"]


def test_the_frame_asks_for_session_person_and_rights_and_draws_what_never_changes_once(client, django_assert_num_queries):
    client.force_login(person("Bob", Role.APPROVER))
    first = client.get("/help/").content.decode()

    with django_assert_num_queries(3):
        again = client.get("/help/").content.decode()

    assert again.count('id="keys"') == first.count('id="keys"') == 1
    assert again.count('id="palette"') == 1
    assert "csrf" not in str(fixed("portal/parts/palette_dialog.html")) + str(fixed("portal/parts/keys_dialog.html"))


def test_signing_out_empties_the_browser(page):
    answer = page.post("/account/logout/")

    assert '"storage"' in answer["Clear-Site-Data"]


def test_pages_are_compressed(page):
    answer = page.get("/help/", headers={"Accept-Encoding": "gzip"})

    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < 8000


def test_each_page_masks_its_token_anew(page):
    tokens = {page.get("/help/").content.decode().split('name="csrf-token" content="')[1][:64] for _ in range(3)}

    assert len(tokens) == 3


@pytest.mark.parametrize(("sent", "kept"), [("dark", "dark"), ("light", "light"), ("system", "system"), ("pink", "system")])
def test_the_theme_is_a_form_that_works_without_script(page, sent, kept):
    answer = page.post("/theme/", {"theme": sent}, headers={"referer": "http://testserver/help/"})

    assert (answer.status_code, answer["Location"]) == (302, "http://testserver/help/")
    assert page.cookies["theme"].value == kept
    assert (f'data-theme="{kept}"' in page.get("/help/").content.decode()) == (kept != "system")


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:pwn()", "\\\\evil.example"])
def test_the_theme_form_leads_to_no_other_site(client, back):
    assert client.post("/theme/", {"theme": "dark"}, headers={"referer": back})["Location"] == "/"


def test_the_theme_of_the_person_holds_where_the_browser_has_none(client, ann):
    ann.theme = "dark"
    ann.save()
    client.force_login(ann)

    assert 'data-theme="dark"' in client.get("/help/").content.decode()


def test_the_navigation_has_only_links_that_open(page):
    text = page.get("/help/").content.decode()

    links = [part.split('"')[0] for part in text.split('<a class="nav-link" href="')[1:]]
    assert {"/", "/help/", "/gallery/"} <= set(links)
    assert "/integrations/" not in links
    for link in links:
        assert page.get(link).status_code == 200, link


def test_a_page_that_does_not_exist_is_not_in_the_navigation(ann):
    pages = (navigation.Page("/nowhere/", "Nowhere", "inbox"), navigation.Page("/help/", "Help", "inbox"))

    assert [at.path for at in navigation.pages_for(ann, pages)] == ["/help/"]


def test_the_longest_address_is_the_current_one(page):
    assert '<a class="nav-link" href="/help/" aria-current="page"' in page.get("/help/").content.decode()


def test_the_palette_finds_pages_and_actions_by_words(page):
    text = page.get("/palette/?q=go help", headers={"HX-Request": "true"}).content.decode()

    assert text.count('role="option"') == 1
    assert 'data-href="/help/"' in text
    assert "<html" not in text


def test_the_palette_says_when_nothing_is_found_and_escapes_what_was_asked(page):
    text = page.get("/palette/?q=<script>zzz").content.decode()

    assert "Nothing found" in text
    assert "<script>zzz" not in text


def test_features_join_the_palette(page, monkeypatch):
    monkeypatch.setattr(palette, "_providers", [])

    @palette.provider
    def changes(request, words):
        return [Hit("git-pull-request", f"CHG-1042 {words} <b>", "/changes/1042/", hint="Draft")]

    assert palette.provider(changes) is changes
    text = page.get("/palette/?q=queue", headers={"HX-Request": "true"}).content.decode()
    assert text.count("CHG-1042 queue &lt;b&gt;") == 1


def item(key, due_at=None, **extra):
    return Item(
        title="Approve",
        about="Split the queue",
        why="You are an approver",
        due_at=due_at,
        href="/x/",
        act="Review",
        key=key,
        **extra,
    )


@pytest.fixture
def filled(monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(inbox, "_providers", [])
    inbox.provider(
        lambda user, at: [
            item("CHG-3"),
            item("CHG-2", now + timedelta(days=3), tone="accent"),
            item("CHG-1", now - timedelta(hours=2)),
        ]
    )
    return now


def test_the_inbox_shows_what_is_due_first(page, filled):
    text = page.get("/").content.decode()

    assert [text.index(key) for key in ("CHG-1", "CHG-2", "CHG-3")] == sorted(
        text.index(key) for key in ("CHG-1", "CHG-2", "CHG-3")
    )
    assert "3 items, 1 overdue." in text
    assert "<title>Inbox (3) · Countersign</title>" in " ".join(text.split())


def test_the_inbox_answers_htmx_with_its_rows_and_its_count(page, filled):
    assert "<html" not in page.get("/", headers={"HX-Request": "true"}).content.decode()
    assert page.get("/inbox/count/").content.decode().strip().startswith("3<")


def test_an_empty_inbox_says_what_will_appear(page, monkeypatch):
    monkeypatch.setattr(inbox, "_providers", [])

    assert "Nothing needs you" in page.get("/").content.decode()
    assert page.get("/inbox/count/").content.decode().strip() == ""


def test_a_feature_sends_some_people_to_a_page_of_their_own(page, monkeypatch):
    monkeypatch.setattr(start, "_choosers", [])
    start.chooser(lambda request: "/help/" if request.user.name == "Ann" else None)

    assert page.get("/")["Location"] == "/help/"


def test_health_is_told_in_words_only(client, monkeypatch):
    assert client.get("/healthz").content == b"ok\n"
    lines = client.get("/readyz").content.decode().splitlines()
    assert lines[:5] == ["ready", "Database works", "Schema is the one of this release", "Disk has room", "Seal keeps up"]
    assert [line.partition(" ")[0] for line in lines[5:]] == ["Broker", "Scheduler", "Worker"]
    assert "Database works" in client.get("/status/").content.decode()

    monkeypatch.setattr(health, "_checks", {"Database": (lambda: _raise(OSError("10.0.0.7 refused")), True)})

    for path in ("/readyz", "/status/"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "Database does not answer" in answer.content.decode()
        assert "10.0.0.7" not in answer.content.decode()


def test_what_works_behind_the_pages_is_told_and_makes_nobody_unready(client, monkeypatch):
    monkeypatch.setattr(background.broker, "says", lambda *, seconds: "connection refused")
    monkeypatch.setattr(background, "BROKER", background.Remembered())

    ready, status = client.get("/readyz"), client.get("/status/")

    assert (ready.status_code, status.status_code) == (200, 200)
    assert ready.content.decode().splitlines()[5] == "Broker does not answer"
    assert "what you do is kept, and done later" in status.content.decode()
    assert "refused" not in ready.content.decode() + status.content.decode()


def test_the_heartbeat_of_scheduler_and_worker_is_heard_by_the_databases_clock(db):
    at = timezone.now()
    Lease.objects.create(name="heartbeat", next_at=at, run_at=at, finished=at - timedelta(minutes=5))
    assert (background.scheduler_is_heard(), background.worker_is_heard()) == (True, False)

    Lease.objects.update(run_at=at - timedelta(minutes=5), finished=at)
    assert (background.scheduler_is_heard(), background.worker_is_heard()) == (False, True)


def test_the_broker_is_asked_once_in_a_while_however_often_one_looks(monkeypatch):
    asked = []
    monkeypatch.setattr(background.broker, "says", lambda *, seconds: asked.append(seconds) or background.broker.ANSWERS)
    remembered = background.Remembered()

    assert [remembered.answers() for _ in range(5)] == [True] * 5
    assert asked == [background.BROKER_SECONDS]


def _raise(problem):
    raise problem


def test_sign_in_shows_names_and_password_in_a_demo_only(client, ann, settings):
    assert "Demo" not in client.get("/account/login/").content.decode()

    settings.DEMO, settings.DEMO_PASSWORD = True, "northwind-labs-demo"

    text = client.get("/account/login/").content.decode()
    assert "northwind-labs-demo" in text
    assert "Ann" in text


def test_the_bare_signed_in_page_asks_the_database_three_times(page, django_assert_max_num_queries):
    page.get("/help/")

    with django_assert_max_num_queries(4):
        page.get("/help/")


def test_nothing_of_the_frame_is_drawn_for_a_piece(page):
    text = page.get("/inbox/count/", headers={"HX-Request": "true"}).content.decode()

    assert "nav-link" not in text


def test_a_static_file_comes_whole_with_the_policy(settings, tmp_path):
    (tmp_path / "x.css").write_text("p{}")
    settings.STATIC_ROOT, settings.WHITENOISE_AUTOREFRESH = str(tmp_path), False

    answer = Client().get("/static/x.css")

    assert answer.status_code == 200
    assert answer.content == b"p{}"
    assert answer["Content-Security-Policy"] == POLICY


def test_an_auditor_has_no_inbox_and_starts_on_the_first_page():
    uma = person("Uma")

    assert navigation.pages_for(uma)[0].path == "/changes/"
    assert navigation.PAGES[0].path == "/"


def test_the_bundled_htmx_is_the_second_for_which_our_rules_are_written():
    script = finders.find("django_htmx/htmx-2.min.js")

    assert 'version:"2.0.' in Path(script).read_text()
    assert "htmx-2" in Template("{% htmx_script %}").render(Context())
