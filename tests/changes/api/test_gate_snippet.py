"""The step of docs/deploy-gate.md, run as it stands there by a real shell against the live API."""

import re
import shutil
import socket
import subprocess
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from changes.delivery.models import PullRequest
from changes.gates.models import GateAnswer
from portal.access.permissions import P
from portal.access.tokens import make_token, revoke_token
from tests.changes.people import person
from tests.changes.stories import told

pytestmark = pytest.mark.django_db(transaction=True)
DOCUMENT = (Path(settings.BASE_DIR) / "docs/deploy-gate.md").read_text()
STEP = re.search(r"```yaml\n(?P<step>.*?)```", DOCUMENT, re.DOTALL)["step"]


def script():
    """The shell script of the step."""
    return textwrap.dedent(STEP.partition("run: |\n")[2])


@pytest.fixture
def ask(site):
    """Run the step with these variables of its surroundings. Returns what it ended with and what it printed."""
    if not shutil.which("curl"):
        pytest.skip("NO CURL: the documented step is not run. apt-get install curl")

    def run(token, *, url=site, **more):
        surroundings = {
            "PATH": "/usr/bin:/bin",
            "COUNTERSIGN_URL": url,
            "COUNTERSIGN_TOKEN": token,
            "COUNTERSIGN_ENVIRONMENT": "production",
            "GITHUB_REPOSITORY": "acme/web",
            **more,
        }
        done = subprocess.run(["sh", "-c", script()], env=surroundings, capture_output=True, text=True, timeout=110, check=False)
        return done.returncode, done.stderr + done.stdout

    return run


@pytest.fixture
def token():
    at = timezone.now()
    made, text = make_token(
        user=person("Ann"), name="ci", scopes=[P.CHANGE_SEE], expires_at=at + timedelta(days=1), by="shell:test", at=at
    )
    return made, text


@pytest.fixture
def commit(client):
    """A commit that is merged to prod, and whose gates are open or closed as a test wants them."""
    told(client, "dev.standard-change")
    return PullRequest.objects.get(base_ref="prod").merge_sha


def test_the_step_has_time_outs_and_fails_on_errors():
    for word in ("--fail-with-body", "--connect-timeout", "--max-time", "--retry ", "set -eu"):
        assert word in script()


def test_an_open_gate_lets_the_step_pass(ask, commit, token):
    GateAnswer.objects.create(
        repository="acme/web", commit=commit, environment="development", allow=True, by=token[0].user, at=timezone.now()
    )

    code, said = ask(token[1], GITHUB_SHA=commit, COUNTERSIGN_ENVIRONMENT="development")

    assert (code, said.splitlines()[-1]) == (0, "The deploy gate is open.")


def test_a_closed_gate_fails_the_step_and_says_why(ask, commit, token):
    code, said = ask(token[1], GITHUB_SHA=commit[:12])

    assert (code, said.splitlines()[-1]) == (1, "The deploy gate is closed.")
    assert "Revision 1 does not say how to undo it." in said
    kept = GateAnswer.objects.get()
    assert (kept.commit, kept.token, kept.allow) == (commit, token[0], False)


def test_other_names_than_those_of_github_are_taken(ask, commit, token):
    code, said = ask(token[1], GITHUB_REPOSITORY="", COUNTERSIGN_REPOSITORY="acme/other", COUNTERSIGN_COMMIT=commit)

    assert (code, "acme/other is not in scope." in said) == (1, True)


def test_a_token_that_was_revoked_fails_the_step(ask, commit, token):
    revoke_token(token=token[0], by="shell:test", at=timezone.now())

    code, said = ask(token[1], GITHUB_SHA=commit)

    assert (code, said.splitlines()[-1]) == (1, "The deploy gate did not answer: closed.")
    assert "401" in said
    assert token[1] not in said


def test_a_portal_that_is_away_fails_the_step(ask, commit, token):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    code, said = ask(token[1], url=f"http://127.0.0.1:{port}", GITHUB_SHA=commit)

    assert (code, said.splitlines()[-1]) == (1, "The deploy gate did not answer: closed.")


def test_nothing_about_a_commit_fails_the_step(ask, commit, token):
    assert ask(token[1])[0] == 1
