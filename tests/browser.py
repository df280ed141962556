"""A real browser on real pages: Debian's Chromium, the ASGI application under uvicorn, the database of the test.

What a test takes::

    def test_the_list_moves_by_keyboard(visit):
        page = visit("/changes/", by=person("Ann"))
        page.keyboard.press("j")

`visit` opens a page in a context of its own kind (person, width, theme, script on or off). When the test ends it fails if any
page broke the content security policy, wrote to the console, raised an error, or asked another host for anything.
`assert_accessible(page)` runs axe in both themes at 1440 and 390 pixels and looks for pages wider than their window.
"""

import shutil
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client, override_settings
from playwright.sync_api import expect, sync_playwright

from changes.connectors.tray import TRAY
from tests import axe
from tests.connections import shared, sharing
from tests.lean import application
from tests.pace import SHARED

SHOTS = Path(settings.BASE_DIR) / "shots"
WIDE, NARROW = 1440, 390
HEIGHTS = {WIDE: 900, NARROW: 844}
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The same engine in each; the first has no windows, profiles and extensions to keep, and takes a third less processor time."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--renderer-process-limit=1",
    # Every page is new to the engine: what it optimises for later is gone before later comes. A sixth of its processor time.
    "--js-flags=--no-opt",
)
PROOFS = "account_authentication_methods"
PROVEN_BY = "account_authentication_methods_user"
NOT_SERVED = ["htmax*", "htmx-4*", "*-4.js", "*-4.min.js", "hx-ws*", "hx-head*", "hx-preload*", "hx-download*"]
MANIFEST = {**settings.STORAGES, "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
REPLACED = ("htmx:sendAbort", "htmx:afterRequest")
"""What htmx writes when a newer question replaces one under way (hx-sync). A request that failed says sendError as well."""
WATCH = """
document.addEventListener('securitypolicyviolation', event => {
  const where = `${event.sourceFile}:${event.lineNumber}`;
  if (window.reportViolation) window.reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${where}`);
});
"""


EXPECTED_WITHIN = 5_000 * SHARED
DONE_WITHIN = 25_000 + EXPECTED_WITHIN
"""Milliseconds that ``expect`` waits for something to be so, and a click or a page: Playwright's figures, for a machine shared."""
LISTENING = """
SELECT count(*) = 1 FROM pg_stat_activity
WHERE application_name = 'countersign-live' AND datname = current_database() AND state = 'idle' AND query <> ''
"""
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Site:
    """The application on a port of this machine, in a thread, with static files as they are delivered."""

    def __init__(self, static):
        self.settings = override_settings(
            STATIC_ROOT=str(static), STORAGES=MANIFEST, ALLOWED_HOSTS=["127.0.0.1", "localhost", "testserver"]
        )

    def start(self):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=NOT_SERVED)
        door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        # Each request has a thread, hence a connection, of its own: none may stay behind when the database is removed.
        connections["default"].settings_dict["CONN_MAX_AGE"] = 0
        self.server = uvicorn.Server(
            uvicorn.Config(sharing(application()), lifespan="off", log_config=None, timeout_graceful_shutdown=1, ws="none")
        )
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [door]}, daemon=True)
        self.thread.start()
        _wait_until(lambda: self.server.started)

    def rest(self):
        """Wait until the last request is over: one that goes on after its test finds no database any more."""
        # A stream whose reader is gone notices at its next look, which on a busy machine took nine seconds.
        _wait_until(lambda: not self.server.server_state.tasks, seconds=30)

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)
        TRAY.end()


@pytest.fixture(scope="session")
def _site(django_db_setup, django_db_blocker, tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("static"))
    with site.settings, django_db_blocker.unblock():
        site.start()
    with shared():
        yield site
        site.stop()


@pytest.fixture
def site(_site, transactional_db):
    """Address of the running portal."""
    with _site.settings:
        yield _site.url
        _site.rest()


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for all tests. Left out loudly where there is none."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not path:
        pytest.skip("NO CHROMIUM: pages are not tested in a browser. apt-get install chromium-headless-shell")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, which Django would take for an asynchronous caller.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        expect.set_options(timeout=EXPECTED_WITHIN)
        yield browser
        browser.close()


@dataclass
class Visits:
    """The pages that one test opened, and what went wrong on them."""

    browser: object
    site: str
    wrong: list = field(default_factory=list)
    expected: set = field(default_factory=set)
    contexts: list = field(default_factory=list)
    outside: set = field(default_factory=set)

    def __call__(self, path="/", *, by=None, fresh=True, width=WIDE, theme="light", script=True, height=None):
        """Open a page. ``by`` is a person to sign in as; ``script=False`` switches JavaScript off."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height or HEIGHTS.get(width, 800)},
            color_scheme=theme,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        context.set_default_timeout(DONE_WITHIN)
        self.contexts.append(context)
        if script:
            context.expose_function("reportViolation", lambda words: self.wrong.append(f"policy: {words}"))
            context.add_init_script(WATCH)
        if by is not None:
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(by, fresh=fresh), "url": self.site}])
        page = context.new_page()
        self._watch(page)
        page.goto(f"{self.site}{path}")
        return page

    def expect_status(self, *numbers):
        """Answers with these numbers are part of the test and do not count as wrong."""
        self.expected.update(numbers)

    def expect_host(self, url):
        """Going to this other site is part of the test."""
        self.outside.add(url)

    def _watch(self, page):
        page.on("console", lambda message: self._heard(message))
        page.on("pageerror", lambda problem: self.wrong.append(f"script: {problem}"))
        page.on("request", lambda request: self._asked(request.url))

    def _heard(self, message):
        if message.type not in {"error", "warning"} or message.text.startswith(REPLACED):
            return
        if any(f"status of {number} " in message.text for number in self.expected):
            return
        self.wrong.append(f"console: {message.text} ({message.location.get('url')})")

    def _asked(self, url):
        if not url.startswith((self.site, "data:", "blob:", "about:", *self.outside)):
            self.wrong.append(f"another host: {url}")

    def end(self):
        for context in self.contexts:
            context.close()
        assert not self.wrong, "\n".join(self.wrong)


@pytest.fixture
def visit(chromium, site):
    """Factory of pages; see the module's first lines."""
    visits = Visits(chromium, site)
    yield visits
    visits.end()


def session_of(user, *, fresh=True):
    """The key of a session of this person; ``fresh``: in which they have just proved who they are."""
    client = Client()
    client.force_login(user)
    if fresh:
        session = client.session
        session[PROOFS] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
        session[PROVEN_BY] = str(user.pk)
        session.save()
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def assert_accessible(page, *, widths=(WIDE, NARROW), themes=("light", "dark")):
    """No axe violation (WCAG 2.2 A and AA, best practice) and no sideways scrolling, in each theme at each width.

    The rules about elements are asked in the first theme only, those about colours in every one.
    """
    page.wait_for_load_state()  # a click may have led to another page that is not there yet
    before = page.viewport_size
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 800)})
        # Judged as it opens: scrolled, the bars that stay in place cut some target or other in half.
        page.evaluate("window.scrollTo(0, 0)")
        assert overflow_of(page) <= 0, f"the page is {overflow_of(page)} px wider than a window of {width}"
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            page.evaluate(SETTLED)
            found = axe.violations(page, colours_only=theme != themes[0])
            assert found == [], f"{page.url} at {width} px, {theme}: {found}"
    page.set_viewport_size(before)


def wait_until_live(page):
    """Wait until the page hears the bell: it says so, and the one listener of this process, which begins a moment later, does."""
    expect(page.locator(".top .live")).to_have_text("Live")
    _wait_until(listens)


def listens():
    """Whether the one connection that hears the bells for all pages has begun to."""
    with connection.cursor() as cursor:
        cursor.execute(LISTENING)
        return cursor.fetchone()[0]


def overflow_of(page):
    """Pixels by which the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def shoot(page, name, *, whole=True):
    """Save a picture for people to look at: shots/<name>-<width>.png (not kept in Git)."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{page.viewport_size['width']}.png", full_page=whole)


def transferred(page, path):
    """Bytes over the wire for a first visit of a page, with everything that it loads, compressed as delivered."""
    tools = page.context.new_cdp_session(page)
    sizes = []
    tools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(path)
    page.wait_for_timeout(600)
    tools.detach()
    return sum(sizes)


def _wait_until(ready, seconds=10):
    deadline = time.monotonic() + seconds * SHARED
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("the portal did not start, listen, or come to rest in time")
        time.sleep(0.02)
