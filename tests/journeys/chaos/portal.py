"""A running portal as a newcomer and an integrator see it: connect, join by the letter, ask the API, look into the database."""

import json
import re
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import psycopg

from tests.pace import SHARED
from tests.stack import wait_for

SECRET = "dev-story-secret"
"""That of the recorded stories."""
PASSWORD = "correct horse battery staple"
SCOPES = ("change.see", "exception.see", "release.see", "inbox.see")
LOOK = 0.2
"""Seconds between two looks into the database: each takes a new connection, which whoever works would rather have for itself."""
QUIET = """
SELECT (SELECT count(*) FROM changes_delivery WHERE state = 'new')
     + (SELECT count(*) FROM changes_settling)
     + (SELECT count(*) FROM portal_effect WHERE state = 'waiting')
"""


class Portal:
    """What tests do with a ``tests.stack.Stack``."""

    def __init__(self, stack):
        self.stack = stack
        self.token = ""

    def connect(self, *, repository="acme/web", secret=SECRET, **options):
        """``manage.py connect github``; options such as ``api_url`` as on the command line."""
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        self.stack.manage("connect", "github", "--repository", repository, "--secret", secret, *words)
        return self

    def join(self, *, email="mia@northwind.example", name="Mia", role="compliance"):
        """Invite somebody, accept as they would, and make a token for the API."""
        said = self.stack.manage("invite", email, name, role).stdout
        page = next(line for line in said.splitlines() if line.startswith("http"))
        with httpx.Client(base_url=self.stack.url, follow_redirects=True, timeout=20 * SHARED) as browser:
            path = urlsplit(page).path
            csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(path).text).group(1)
            form = {"csrfmiddlewaretoken": csrf, "name": name, "password": PASSWORD, "again": PASSWORD}
            answer = browser.post(path, data=form, headers={"Referer": self.stack.url + path})
            assert answer.is_success, re.findall(r"<li>(.*?)</li>", answer.text)
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        self.token = self.stack.manage("token", "make", email, "--name", "tests", *scopes).stdout.split()[-1]
        return self

    def ask(self, path, **query):
        """An answer of ``/api/v1``."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.stack.url}/api/v1/{path}", params=query, headers=headers, timeout=20 * SHARED)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def all(self, path, **query):
        """All rows of a list, page by page."""
        found, cursor = [], ""
        while True:
            page = self.ask(path, limit=200, cursor=cursor, **query)
            found += page["items"]
            cursor = page["next"]
            if not cursor:
                return found

    @contextmanager
    def database(self):
        with psycopg.connect(self.stack.surroundings()["DATABASE_URL"], autocommit=True, connect_timeout=int(5 * SHARED)) as line:
            yield line

    def sql(self, text, *values):
        """Rows of one question."""
        with self.database() as line:
            return line.execute(text, values).fetchall()

    def database_answers(self):
        try:
            return bool(self.sql("SELECT 1"))
        except psycopg.Error:
            return False

    def left(self):
        """How much is still to do: deliveries that wait, repositories that move, effects not delivered."""
        try:
            return self.sql(QUIET)[0][0]
        except psycopg.Error:
            return -1

    def empty(self, *, seconds=30.0):
        """Wait until no delivery waits any more."""
        waiting = "SELECT count(*) FROM changes_delivery WHERE state = 'new'"
        wait_for(lambda: self.sql(waiting)[0][0] == 0, seconds=seconds, every=LOOK, what="an empty inbox")
        return self

    def settle(self, *, seconds=30.0):
        """Wait until nothing is left to do."""
        wait_for(lambda: self.left() == 0, seconds=seconds, every=LOOK, what="rest")
        return self

    def inbox(self):
        """Delivery id -> (state, note)."""
        return {pk: (state, note) for pk, state, note in self.sql("SELECT delivery_id, state, note FROM changes_delivery")}

    def post(self, *, body, headers):
        """One delivery with headers of its own; the status."""
        return httpx.post(f"{self.stack.url}/hooks/github/", content=body, headers=headers, timeout=60).status_code


def figures(title, **values):
    """Print figures in one line, for people who read the log of a run."""
    print(f"\n{title}: {json.dumps(values, default=str)}")
