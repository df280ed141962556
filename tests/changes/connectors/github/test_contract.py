"""Every request that the client sends is one that GitHub's own OpenAPI description accepts (2022-11-28)."""

import json

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest

from changes.connectors.github.client import GitHub
from changes.connectors.github.deliveries import OF_THE_APP, DeliveryLog, places_of, places_of_organisation
from changes.connectors.github.rulebook import Rulebook
from portal import vault
from tests.changes.connectors.github import made, test_auth, vendor_data
from tests.changes.connectors.github.conftest import NOW
from tests.changes.connectors.github.forge import Asked, Said

REPO = "/repos/northwind/web"
LISTS = {
    "/pulls/31/files",
    "/pulls/31/commits",
    "/pulls/31/reviews",
    "/pulls",
    "/deployments",
    "/deployments/135/statuses",
    "/activity",
    "/hooks",
    "/hooks/7/deliveries",
    "/rulesets/5/history",
    "/rulesets/rule-suites",
}


@pytest.fixture(scope="module")
def description() -> OpenAPI:
    path = vendor_data.GITHUB / "openapi.github.cut.json"
    if not path.is_file():
        pytest.skip(vendor_data.ABSENT)
    return OpenAPI.from_dict(json.loads(path.read_bytes()), config=Config(spec_validator_cls=None))


@pytest.fixture
def asked(connect) -> list[Asked]:
    """The requests of one call of each method."""
    commit = f"{REPO}/commits/{made.HEAD}"
    script = {f"GET {REPO}{path}": Said([]) for path in LISTS} | {
        "POST /app/installations/5150/access_tokens": test_auth.traded(),
        f"GET {REPO}": Said(made.REPOSITORY),
        f"GET {REPO}/pulls/31": Said(made.pull_request()),
        f"GET {REPO}/deployments/135": Said(made.deployment()),
        f"GET {REPO}/actions/runs/9/approvals": Said([]),
        f"GET {commit}/check-runs": Said({"check_runs": []}),
        f"GET {commit}/status": Said({"statuses": []}),
        f"GET {commit}/pulls": Said([]),
        f"GET {REPO}/rules/branches/prod": Said([]),
        f"GET {REPO}/branches/prod": Said({"protection": {}}),
        f"POST {REPO}/check-runs": Said({"id": 77}, 201),
        f"PATCH {REPO}/check-runs/77": Said({"id": 77}),
        f"GET {REPO}/rulesets/5": Said({"id": 5}),
        "GET /orgs/northwind/hooks": Said([]),
        "GET /orgs/northwind/hooks/7/deliveries": Said([]),
        "POST /orgs/northwind/hooks/7/deliveries/3/attempts": Said({}, 202),
        "GET /orgs/northwind/rulesets/6": Said({"id": 6}),
        f"GET {REPO}/environments": Said({"environments": []}),
        f"GET {REPO}/environments/production/deployment_protection_rules": Said({"custom_deployment_protection_rules": []}),
        f"POST {REPO}/actions/runs/9/deployment_protection_rule": Said(None, 204),
        f"POST {REPO}/hooks/7/deliveries/3/attempts": Said({}, 202),
        "GET /app/hook/deliveries": Said([]),
        "POST /app/hook/deliveries/3/attempts": Said({}, 202),
    }
    github, forge = connect(script, token_encrypted=vault.seal(test_auth.PEM), **test_auth.APP)
    call_everything(github)
    call_rulebook(Rulebook(source=github.source, repository_name=github.repository_name, at=NOW))
    for place in (OF_THE_APP, f"{REPO}/hooks/7", "/orgs/northwind/hooks/7"):
        call_log(DeliveryLog(source=github.source, at=NOW, place=place))
    places_of(source=github.source, repository=github.repository_name, at=NOW, url="https://portal.example/hooks/github/")
    places_of_organisation(source=github.source, organisation="northwind", at=NOW, url="https://portal.example/hooks/github/")
    return forge.asked


def call_rulebook(book: Rulebook) -> None:
    book.ruleset(rule={"ruleset_id": 5, "ruleset_source_type": "Repository"})
    book.ruleset(rule={"ruleset_id": 6, "ruleset_source_type": "Organization", "ruleset_source": "northwind"})
    book.changed_by(ruleset=5, since=NOW)
    list(book.suites())
    book.environments()
    book.gates(environment="production")
    book.answer_gate(run=9, environment="production", approve=True, comment="All gates are met.")


def call_log(log: DeliveryLog) -> None:
    list(log.failed_since(since=NOW))
    log.send_again(attempt=3)


def call_everything(github: GitHub) -> None:
    github.repository()
    github.pull_request(number=31)
    github.reviews(number=31)
    list(github.pull_requests_updated_since(since=NOW))
    github.pull_requests_page(page=2)
    github.deployments_page(page=2)
    github.commit_pulls(sha=made.HEAD)
    github.check_runs(sha=made.HEAD)
    github.statuses(sha=made.HEAD)
    github.branch_rules(branch="prod")
    github.deployment(vendor_id=135)
    github.deployment_statuses(vendor_id=135)
    github.deployment_reviews(run=9)
    list(github.deployments_since(since=None))
    list(github.activity_since(since=NOW))
    run = {
        "status": "completed",
        "conclusion": "action_required",
        "details_url": "https://portal.northwind.example/changes/1042/",
        "completed_at": "2026-02-10T12:00:00Z",
        "output": {"title": "Two gates wait", "summary": "An approval is missing."},
    }
    github.publish_check_run(sha=made.HEAD, name="Countersign", external_id="change:1042", run=run)
    github.update_check_run(vendor_id=77, run=run)


def as_official(one: Asked) -> MockRequest:
    path, _, query = one.target.partition("?")
    return MockRequest(
        "https://api.github.com",
        one.method.lower(),
        path,
        args=dict(part.split("=") for part in query.split("&") if part),
        headers=one.headers,
        data=None if one.body is None else json.dumps(one.body).encode(),
    )


def test_every_request_is_one_that_github_accepts(description: OpenAPI, asked: list[Asked]) -> None:
    for one in asked:
        description.validate_request(as_official(one))

    assert len({one.path for one in asked}) == 35


def test_every_method_of_the_client_is_in_the_contract() -> None:
    names = {name for name in vars(GitHub) if not name.startswith("_")} - {"api", "source", "repository_name", "at"}
    for kind, calls in ((Rulebook, call_rulebook), (DeliveryLog, call_log)):
        asked = {name for name in vars(kind) if not name.startswith("_")} - {"api", "source", "repository_name", "at", "place"}
        assert asked == asked & set(calls.__code__.co_names)
    called = set(call_everything.__code__.co_names)
    inside = {
        "bare_pull_request",
        "pull_request_with_files",
        "pull_request_files",
        "pull_request_commits",
        "contributors",
        "find_check_run",
        "create_check_run",
    }

    assert names - called == inside


def test_the_description_refuses_a_wrong_request(description: OpenAPI) -> None:
    wrong = Asked(method="GET", target=f"{REPO}/pulls?state=sleeping", headers={}, body=None)

    with pytest.raises(Exception, match=r"(?i)parameter"):
        description.validate_request(as_official(wrong))
