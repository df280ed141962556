"""docs/api.md: its examples run as they stand there, against the live API."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from changes.api.routes import api
from changes.delivery.models import PullRequest
from changes.proposals.models import Change
from portal.access.permissions import P
from portal.access.tokens import make_token
from tests.changes.people import person
from tests.changes.stories import told

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = (Path(settings.BASE_DIR) / "docs/api.md").read_text()
SHELL, PYTHON = (re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL) for language in ("sh", "python"))
SCOPES = re.findall(r"--scope (\S+)", GUIDE)


@pytest.fixture
def surroundings(site, client):
    """A portal with a change that went to production, and a token with the scopes of the guide."""
    told(client, "dev.standard-change")
    at = timezone.now()
    _, text = make_token(
        user=person("Ann"),
        name="guide",
        scopes=[P(scope) for scope in SCOPES],
        expires_at=at + timedelta(days=1),
        by="shell",
        at=at,
    )
    commit = PullRequest.objects.get(base_ref="prod").merge_sha
    return {"PATH": os.environ["PATH"], "COUNTERSIGN_URL": site, "COUNTERSIGN_TOKEN": text, "COMMIT": commit}


def run(words, env):
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=110, check=True).stdout


def test_every_question_of_the_guide_is_answered(surroundings):
    answers, rest = [], run(["sh", "-euc", "\n".join(SHELL)], surroundings).strip()
    while rest:
        answer, end = json.JSONDecoder().raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].strip()

    assert len(answers) == SHELL[1].count('ask "')
    by_number, by_commit, found, whole, exceptions, releases, gate, heads, description = answers
    assert {row["number"] for page in (by_number, by_commit, found) for row in page["items"]} >= {whole["number"]}
    assert whole["gates"]
    assert [isinstance(page["items"], list) for page in (exceptions, releases, heads)] == [True] * 3
    assert gate["allow"] in (True, False)
    assert description["openapi"].startswith("3.1")


def test_the_program_that_walks_the_pages_prints_every_change(surroundings):
    (program,) = PYTHON

    printed = run([sys.executable, "-c", program.replace('"limit": 200', '"limit": 1')], surroundings)

    assert {line.split()[0] for line in printed.splitlines()} == {str(row.number) for row in Change.objects.all()}


def test_the_guide_names_every_address_of_the_api():
    asked = set(re.findall(r"/api/v1(/[a-z./]+)", GUIDE))
    described = {path.removeprefix("/api/v1").partition("/{")[0] for path in api.get_openapi_schema()["paths"]}

    assert {path.rstrip("/") for path in asked} - {"/openapi.json"} >= described - {"/inbox"}
