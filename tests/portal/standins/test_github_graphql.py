"""GraphQL of the GitHub stand-in: questions and answers held to GitHub's own schema, refusals in its words, its limits enforced."""

import gzip

import pytest
from graphql import GraphQLSchema, build_schema, execute, parse, validate

from changes.connectors.github.graph_queries import PAGE, PARTS, Wanted, rest
from portal.standins.github.graph.lists import weigh
from portal.standins.graphql import parsed
from portal.standins.limits import Window
from tests.portal.standins.asking import ask
from tests.portal.standins.life import live_through
from tests.portal.standins.vendors import DATA

WHERE = {"owner": "northwind", "name": "web"}
EVERY_PART = rest([Wanted(1, part, None) for part in (*PARTS, "contexts")])


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    path = DATA / "github" / "schema.graphql.gz"
    if not path.exists():
        pytest.skip("the vendors' contracts are not beside this checkout: GitHub's schema is missing")
    return build_schema(gzip.open(path, "rt").read(), assume_valid=True)


def question(github, text, by="rex", token="", **variables):
    return ask(github, "/graphql", method="POST", by=by, token=token, json={"query": text, "variables": {**WHERE, **variables}})


def answers_for(schema, text, variables, data):
    """Executes the same question by the schema over the answer: what is null and may not be, or of another type, is an error."""

    def resolve(source, info, **arguments):
        return source.get(info.path.key)

    def kind(value, info, abstract):
        return value.get("__typename")

    found = execute(
        schema, parse(text), root_value=data, variable_values={**WHERE, **variables}, field_resolver=resolve, type_resolver=kind
    )
    assert found.errors is None, found.errors
    assert found.data == data


@pytest.mark.parametrize(("text", "variables"), [(PAGE, {"first": 100, "after": None}), EVERY_PART], ids=["page", "rest"])
def test_questions_and_answers_are_as_the_official_schema_wants_them(schema, northwind, text, variables):
    assert validate(schema, parse(text)) == []
    live_through(northwind)
    said = question(northwind, text, **variables)
    assert (said.status_code, said.json().get("errors")) == (200, None)
    answers_for(schema, text, variables, said.json()["data"])
    assert said.headers["x-ratelimit-resource"] == "graphql"


def test_the_schema_refuses_a_wrong_question(schema):
    assert validate(schema, parse(PAGE.replace("isDraft", "isSketch")))


def test_what_a_page_costs_is_within_what_is_published():
    page = weigh(parsed(PAGE, {**WHERE, "first": 100, "after": None}))
    assert (page.points, page.nodes, page.nodes < 500_000) == (7, 31_300, True)
    many = weigh(parsed(*rest([Wanted(number, "signed", None) for number in range(20)])))
    assert many.points == 20


IN_WEB = '{ repository(owner: "northwind", name: "web") { %s } }'
DEEP = "pullRequests(first: 100) { nodes { commits(first: 100) { nodes { commit { parents(first: 100) { totalCount } } } } } }"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (IN_WEB % "pullRequests { totalCount }", "MISSING_PAGINATION_BOUNDARIES"),
        (IN_WEB % "pullRequests(first: 101) { totalCount }", "EXCESSIVE_PAGINATION"),
        (IN_WEB % DEEP, "MAX_NODE_LIMIT_EXCEEDED"),
        ('{ repository(owner: "northwind", name: "nothing") { databaseId } }', "NOT_FOUND"),
        (IN_WEB % "pullRequest(number: 99) { number }", "NOT_FOUND"),
        (IN_WEB % 'pullRequests(first: 1, after: "%") { totalCount }', "INVALID_CURSOR_ARGUMENTS"),
    ],
)
def test_it_refuses_as_github_does(northwind, text, kind):
    said = question(northwind, text)
    assert (said.status_code, said.json()["errors"][0]["type"]) == (200, kind)


def test_what_it_does_not_know_and_whom(northwind):
    unknown = question(northwind, '{ repository(owner: "northwind", name: "web") { colour } }')
    assert unknown.json()["errors"][0]["extensions"] == {"code": "undefinedField"}
    for broken in ("mutation { x }", "{ a", "{ ...nobody }", "{ a(b: ]", "{ ` }"):
        assert question(northwind, broken).json()["errors"]
    assert question(northwind, PAGE, token="ghs_wrong").status_code == 401
    northwind.add_account(login="mallory")
    assert question(northwind, PAGE, by="mallory", first=1).json()["data"]["repository"] is None


def test_it_enforces_its_limits(northwind):
    graph = northwind.api.graph
    graph.slow_above = 50
    slow = question(northwind, PAGE, first=100)
    assert (slow.status_code, "Something went wrong" in slow.json()["errors"][0]["message"]) == (502, True)
    graph.quota.limit = 7
    over = question(northwind, PAGE, first=100)
    assert (over.status_code, over.headers["x-ratelimit-remaining"]) == (200, "0")
    assert over.json()["errors"][0]["type"] == "RATE_LIMITED"
    graph.at_once = 0
    assert question(northwind, PAGE, first=1).status_code == 403
    graph.at_once, graph.minute = 100, Window(limit=1, seconds=60)
    question(northwind, PAGE, first=1)
    many = question(northwind, PAGE, first=1)
    assert (many.status_code, int(many.headers["retry-after"]) >= 60, graph.refused) == (403, True, 4)
