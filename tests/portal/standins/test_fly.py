"""The Fly stand-in: what its three APIs say about releases, and what ties a release to a commit."""

import json

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from portal.standins.fly import FlyError
from tests.pace import SHARED
from tests.portal.standins.vendors import official

APP, SHA = "northwind-web-prod", "5f2c1f0e9b7d4a6c8e3b1a2d3c4e5f60718293a4"
RELEASES = """
query($app: String!, $first: Int!) {
  app(name: $app) {
    releases: releasesUnprocessed(first: $first) {
      nodes { id version description reason status imageRef stable user { id email name } createdAt }
    }
  }
}
"""
APPS = """{ apps(type: "container", first: 2, after: null) { pageInfo { hasNextPage endCursor } nodes {
  id name deployed hostname platformVersion network organization { slug name } currentRelease { createdAt status } status } } }"""


@pytest.fixture
def fly(fly_standin):
    fly_standin.create_app(name=APP, org="northwind-production")
    fly_standin.release(app=APP, by="bob@northwind.example", sha=SHA, repository="northwind/web")
    return fly_standin


def ask(fly, path, **more):
    headers = {"Authorization": f"Bearer {fly.token}", **more.pop("headers", {})}
    return httpx.request(more.pop("method", "GET"), fly.api_url + path, headers=headers, timeout=5 * SHARED, **more)


def graph(fly, query, **variables):
    return ask(fly, "/graphql", method="POST", json={"query": query, "variables": variables}).json()


def test_the_machines_api_is_valid_against_flys_contract(fly):
    spec = OpenAPI.from_dict(official("fly/openapi.fly-machines.cut.json"), config=Config(spec_validator_cls=None))
    machine = ask(fly, f"/v1/apps/{APP}/machines").json()[0]["id"]
    volume = fly.set_volume(app=APP, name="data", size_gb=10)["volume"]
    fly.set_volume(app=APP, name="data", size_gb=20)
    paths = {
        "/apps?org_slug=northwind-production": 200,
        f"/apps/{APP}": 200,
        f"/apps/{APP}/machines": 200,
        f"/apps/{APP}/machines/{machine}": 200,
        f"/apps/{APP}/secrets": 200,
        f"/apps/{APP}/volumes": 200,
        f"/apps/{APP}/volumes/{volume}/snapshots": 200,
        "/tokens/current": 200,
    }

    codes = {}
    for path in paths:
        answer = ask(fly, "/v1" + path)
        address = httpx.URL("https://api.machines.dev/v1" + path)
        request = MockRequest("https://api.machines.dev", "get", address.path, args=dict(address.params))
        spec.validate_response(request, MockResponse(answer.content, answer.status_code, content_type="application/json"))
        codes[path] = answer.status_code

    assert codes == paths


def test_a_machine_says_its_release_and_its_image_says_the_commit(fly):
    machine = ask(fly, f"/v1/apps/{APP}/machines").json()[0]

    assert machine["config"]["metadata"]["fly_release_version"] == "1"
    assert (machine["image_ref"]["labels"]["GH_SHA"], machine["image_ref"]["tag"]) == (SHA, SHA)


def test_releases_are_told_newest_first_by_graphql_and_by_the_platform(fly):
    fly.release(app=APP, by="rex@northwind.example", status="failed")

    nodes = graph(fly, RELEASES, app=APP, first=25)["data"]["app"]["releases"]["nodes"]
    platform = ask(fly, f"/api/v1/apps/{APP}/releases?limit=1").json()["releases"]

    assert [(node["version"], node["status"], node["user"]["email"]) for node in nodes] == [
        (2, "failed", "rex@northwind.example"),
        (1, "complete", "bob@northwind.example"),
    ]
    assert nodes[1]["imageRef"] == f"registry.fly.io/{APP}:{SHA}"
    assert [(row["version"], row["user"]) for row in platform] == [(2, "rex@northwind.example")]


def test_apps_come_in_pages(fly):
    for name in ("northwind-api-prod", "northwind-billing-prod"):
        fly.create_app(name=name, org="northwind-production")

    first = graph(fly, APPS)["data"]["apps"]
    second = graph(fly, APPS.replace("after: null", f'after: "{first["pageInfo"]["endCursor"]}"'))["data"]["apps"]

    assert [node["name"] for node in first["nodes"] + second["nodes"]] == [APP, "northwind-api-prod", "northwind-billing-prod"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert second["nodes"][0]["currentRelease"] is None


def test_members_are_those_who_released(fly):
    query = '{ organization(slug: "northwind-production") { members { edges { node { name email } role joinedAt } } } }'

    edges = graph(fly, query)["data"]["organization"]["members"]["edges"]

    assert [edge["node"]["email"] for edge in edges] == ["bob@northwind.example"]


def test_a_rollback_runs_the_older_image_as_a_new_version(fly):
    fly.release(app=APP, by="bob@northwind.example", sha="b" * 40)
    fly.rollback(app=APP, version=1, by="rex@northwind.example")

    machine = ask(fly, f"/v1/apps/{APP}/machines").json()[0]

    assert (machine["config"]["metadata"]["fly_release_version"], machine["image_ref"]["labels"]["GH_SHA"]) == ("3", SHA)


def test_a_failed_release_leaves_the_machines_alone_and_a_running_one_is_half_there(fly):
    fly.release(app=APP, by="bob@northwind.example", sha="c" * 40, status="failed")
    fly.release(app=APP, by="bob@northwind.example", sha="d" * 40, status="running", machines=1)

    def versions():
        return [row["config"]["metadata"]["fly_release_version"] for row in ask(fly, f"/v1/apps/{APP}/machines").json()]

    half = versions()
    fly.finish(app=APP, version=3, status="complete")

    assert (half, versions()) == (["3", "1"], ["3", "3"])


def test_a_release_by_hand_carries_no_commit(fly):
    fly.release(app=APP, by="rex@northwind.example")

    machine = ask(fly, f"/v1/apps/{APP}/machines").json()[0]

    assert machine["image_ref"]["labels"] is None
    assert machine["image_ref"]["tag"].startswith("deployment-01")


@pytest.mark.parametrize("value", ["", "Bearer nonsense", "Basic abc"])
def test_without_the_token_nothing_is_told(fly, value):
    answer = ask(fly, "/v1/apps?org_slug=*", headers={"Authorization": value})

    assert (answer.status_code, answer.json()) == (401, {"error": "Authenticate: token validation error"})


def test_both_spellings_of_the_token_are_taken(fly):
    word = fly.token.removeprefix("FlyV1 ")

    codes = [
        ask(fly, "/v1/apps?org_slug=*", headers={"Authorization": value}).status_code
        for value in (f"FlyV1 {word}", f"Bearer {word}", f"FlyV1 fm2_other,{word}")
    ]

    assert codes == [200, 200, 200]


def test_values_of_secrets_are_never_shown(fly):
    fly.set_secrets(app=APP, names=["DATABASE_URL", "STRIPE_KEY"])

    shown = ask(fly, f"/v1/apps/{APP}/secrets").json()["secrets"]

    assert [set(row) for row in shown] == [{"name", "digest", "created_at"}] * 2
    assert ask(fly, f"/v1/apps/{APP}/secrets?show_secrets=true").status_code == 403


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('{ app(name: "nobody") { id } }', "Could not find App"),
        ("{ apps { nodes { colour } } }", "doesn't exist on type"),
        ("{ apps { nodes { id }", "Parse error"),
        ("mutation { deleteApp { id } }", "only queries"),
        ("{ apps(first: 1) { nodes { id } } } §", "Parse error"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(fly, query, says):
    answer = ask(fly, "/graphql", method="POST", json={"query": query})

    assert answer.status_code == 200
    assert says in json.dumps(answer.json()["errors"])


def test_faults_come_in_flys_own_form(fly):
    fly.faults.switch({"rules": [{"fault": "503"}]})

    assert ask(fly, "/v1/apps?org_slug=*").json() == {"error": "Server Error"}


def test_what_never_was_is_not_there(fly):
    codes = [ask(fly, path).status_code for path in ("/v1/apps/nobody", f"/v1/apps/{APP}/machines/x", "/v1/nothing", "/v1/apps")]

    assert codes == [404, 404, 404, 400]
    with pytest.raises(FlyError):
        fly.rollback(app=APP, version=9, by="rex@northwind.example")
