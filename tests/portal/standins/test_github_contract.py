"""What the stand-in says is what GitHub's own contracts allow: every answer and every webhook."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from portal.standins.github import GitHubStandIn
from tests.portal.standins.life import WEB, live_through
from tests.portal.standins.vendors import official, wrong_webhooks

ASKED = (
    "/repos/{web}",
    "/orgs/northwind/repos",
    "/user",
    "/users/ann",
    "/rate_limit",
    "/repos/{web}/branches",
    "/repos/{web}/branches/main",
    "/repos/{web}/branches/idea",
    "/repos/{web}/branches/main/protection",
    "/repos/{web}/branches/main/protection/required_status_checks",
    "/repos/{web}/branches/main/protection/required_pull_request_reviews",
    "/repos/{web}/branches/main/protection/restrictions",
    "/repos/{web}/branches/main/protection/enforce_admins",
    "/repos/{web}/rules/branches/prod",
    "/repos/{web}/rulesets",
    "/repos/{web}/rulesets/{ruleset}",
    "/repos/{web}/rulesets/rule-suites?rule_suite_result=bypass",
    "/repos/{web}/environments/production/deployment_protection_rules",
    "/repos/{web}/collaborators",
    "/repos/{web}/collaborators?affiliation=all",
    "/repos/{web}/collaborators/ann/permission",
    "/repos/{web}/teams",
    "/orgs/northwind/teams/core/members?role=maintainer",
    "/repos/{web}/activity",
    "/repos/{web}/commits",
    "/repos/{web}/commits/{sha}",
    "/repos/{web}/commits/{sha}/pulls",
    "/repos/{web}/commits/{promotion}/pulls",
    "/repos/{web}/commits/idea/check-runs",
    "/repos/{web}/commits/idea/check-suites",
    "/repos/{web}/commits/{sha}/status",
    "/repos/{web}/commits/{sha}/statuses",
    "/repos/{web}/compare/{sha}...{promotion}",
    "/repos/{web}/pulls?state=all&sort=updated&direction=desc",
    "/repos/{web}/pulls/1",
    "/repos/{web}/pulls/2",
    "/repos/{web}/pulls/{pull}",
    "/repos/{web}/pulls/1/commits",
    "/repos/{web}/pulls/1/files",
    "/repos/{web}/pulls/1/reviews",
    "/repos/{web}/pulls/{pull}/reviews",
    "/repos/{web}/pulls/{pull}/reviews/{review}",
    "/repos/{web}/pulls/1/requested_reviewers",
    "/repos/{web}/issues/1/timeline",
    "/repos/{web}/issues/{pull}/timeline",
    "/repos/{web}/issues/{pull}/events",
    "/repos/{web}/issues/1/labels",
    "/repos/{web}/issues/{pull}/comments",
    "/repos/{web}/deployments",
    "/repos/{web}/deployments/{deployment}",
    "/repos/{web}/deployments/{deployment}/statuses",
    "/repos/{web}/actions/runs/{workflow}/approvals",
    "/repos/{web}/environments",
    "/repos/{web}/hooks",
    "/repos/{web}/hooks/{hook}/deliveries",
    "/repos/{web}/hooks/{hook}/deliveries/{delivery}",
)
# The list of installations is left out: the contract wants each account to be a person and an enterprise at once.
ASKED_BY_THE_APP = (
    "/app",
    "/app/installations/{installation}",
    "/repos/{web}/installation",
    "/app/hook/config",
    "/app/hook/deliveries",
    "/app/hook/deliveries/{delivery}",
)


class Contract:
    """GitHub's REST contract, and the names that paths are filled with."""

    def __init__(self, github: GitHubStandIn, names: dict[str, Any]) -> None:
        self.spec = OpenAPI.from_dict(official("github/openapi.github.cut.json"), config=Config(spec_validator_cls=None))
        self.github = github
        self.names = names

    def checked(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Asks, holds question and answer against the contract, and returns the answer."""
        path = path.format(web=WEB, **self.names)
        answer = httpx.request(method, self.github.api_url + path, headers={"Authorization": f"Bearer {token}"}, json=body)
        address = httpx.URL("https://api.github.com" + path)
        sent = json.dumps(body).encode() if body is not None else None
        request = MockRequest(
            "https://api.github.com",
            method.lower(),
            address.path,
            args=dict(address.params),
            data=sent,
            content_type="application/json",
        )
        response = MockResponse(answer.content, answer.status_code, content_type="application/json")
        self.spec.validate_response(request, response)
        return answer


@pytest.fixture
def contract(northwind):
    northwind.send_hooks_to("hold:", secret="standin-secret")
    names = live_through(northwind)
    northwind.post_held(lambda headers, body: 202)
    log = northwind.deliveries()
    return Contract(northwind, {**names, "delivery": log[0]["id"], "hook": 292430182, "installation": northwind.installation_id})


def app_token(github: GitHubStandIn) -> str:
    now = datetime.now(UTC)
    claims = {"iat": now - timedelta(seconds=60), "exp": now + timedelta(minutes=9), "iss": github.app_id}
    return jwt.encode(claims, github.app_private_key, algorithm="RS256")


def test_every_answer_is_valid_against_githubs_contract(contract):
    token = contract.github.token_of("rex")

    answers = {path: contract.checked("GET", path, token).status_code for path in ASKED}

    assert answers == dict.fromkeys(ASKED, 200)


def test_every_answer_about_an_organisations_hook_is_valid_against_githubs_contract(contract):
    token, log = contract.github.token_of("rex"), "/orgs/northwind/hooks/{hook}/deliveries"
    assert contract.checked("GET", "/orgs/northwind/hooks", token).json() == []
    contract.github.send_hooks_to("hold:", secret="standin-secret", organization="northwind")

    hooks = contract.checked("GET", "/orgs/northwind/hooks", token)
    codes = [contract.checked("GET", path, token).status_code for path in (log, log + "/{delivery}")]
    codes.append(contract.checked("POST", log + "/{delivery}/attempts", token).status_code)

    assert ([hook["type"] for hook in hooks.json()], codes) == (["Organization"], [200, 200, 202])
    assert contract.checked("GET", "/repos/{web}/hooks", token).json() == [], "it is the organisation's alone"
    assert contract.checked("GET", "/orgs/northwind/hooks", contract.github.token_of("ann")).status_code == 404


def test_every_answer_to_the_app_is_valid_against_githubs_contract(contract):
    token = app_token(contract.github)

    answers = {path: contract.checked("GET", path, token).status_code for path in ASKED_BY_THE_APP}

    assert answers == dict.fromkeys(ASKED_BY_THE_APP, 200)


def test_writing_answers_are_valid_against_githubs_contract(contract):
    rex, app = contract.github.token_of("rex"), app_token(contract.github)
    token = contract.checked("POST", "/app/installations/{installation}/access_tokens", app, {"permissions": {"checks": "write"}})
    installation = token.json()["token"]
    # The contract has no room for a run without a conclusion (its enum forgets null), so this one is born complete.
    gate = {"name": "Countersign", "head_sha": contract.names["sha"], "conclusion": "neutral", "external_id": "CHG-1"}

    run = contract.checked("POST", "/repos/{web}/check-runs", installation, gate)
    contract.names["run"] = run.json()["id"]
    codes = [
        token.status_code,
        run.status_code,
        contract.checked("PATCH", "/repos/{web}/check-runs/{run}", installation, {"conclusion": "success"}).status_code,
        contract.checked("GET", "/repos/{web}/check-runs/{run}", rex).status_code,
        contract.checked("POST", "/repos/{web}/statuses/{sha}", rex, {"state": "pending", "context": "slow"}).status_code,
        contract.checked("PATCH", "/repos/{web}/pulls/{pull}", rex, {"title": "Third idea"}).status_code,
        contract.checked("POST", "/repos/{web}/pulls/{pull}/reviews", rex, {"event": "COMMENT", "body": "Hm."}).status_code,
        contract.checked("POST", "/repos/{web}/issues/{pull}/comments", rex, {"body": "Why so?"}).status_code,
        contract.checked("GET", "/repos/{web}/issues/{pull}/comments", rex).status_code,
        contract.checked("POST", "/repos/{web}/deployments", rex, {"ref": "main", "environment": "staging"}).status_code,
        contract.checked("POST", "/repos/{web}/hooks/{hook}/deliveries/{delivery}/attempts", rex).status_code,
    ]

    assert codes == [201, 201, 200, 200, 201, 200, 200, 201, 200, 201, 202]


def test_every_refusal_is_valid_against_githubs_contract(contract):
    rex = contract.github.token_of("rex")

    codes = [
        contract.checked("GET", "/repos/northwind/nothing", rex).status_code,
        contract.checked("GET", "/repos/{web}/pulls/999", rex).status_code,
        contract.checked("GET", "/repos/{web}/branches/prod/protection", rex).status_code,
        contract.checked("PUT", "/repos/{web}/pulls/1/merge", rex, {}).status_code,
        contract.checked("POST", "/repos/{web}/pulls", rex, {"title": "x", "head": "nowhere", "base": "main"}).status_code,
    ]

    assert codes == [404, 404, 200, 405, 422]


def test_every_webhook_is_valid_against_githubs_contract(contract):
    sent = contract.github.deliveries()

    assert wrong_webhooks((one["event"], json.loads(one["body"])) for one in sent) == []
    assert {one["event"] for one in sent} == {
        "branch_protection_rule",
        "check_run",
        "check_suite",
        "deployment",
        "deployment_review",
        "deployment_status",
        "member",
        "membership",
        "organization",
        "ping",
        "pull_request",
        "pull_request_review",
        "push",
        "repository_ruleset",
        "status",
        "team",
    }
