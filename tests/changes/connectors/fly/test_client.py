"""What goes to Fly over real HTTP, and what comes of its answers."""

import json
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson, Passing, Unauthorised
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.fly import client as client_module
from changes.connectors.fly.checking import check
from changes.connectors.fly.client import MACHINES_HOST, MEMBERS, ORGANISATIONS, RELEASES, Fly, authorization
from changes.connectors.fly.tokens import UNTOLD, bound, sentence
from changes.connectors.models import Source
from portal import vault
from tests.changes.connectors.fly.test_payloads import answer, node
from tests.changes.connectors.fly.vendor_data import FOLDER, needed, sample

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Answers(BaseHTTPRequestHandler):
    """Answers from a list and keeps what was asked."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
        status, said = self.server.says.pop(0) if self.server.says else (500, {})
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    made = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.asked, made.says = [], []
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def fly(server, token="fm2_secret"):
    url = f"http://127.0.0.1:{server.server_port}"
    return Fly(source=Source(name="fly", kind="fly", api_url=url, token_encrypted=vault.seal(token), connected_at=AT))


def test_releases_are_asked_for_page_by_page_with_the_token(server):
    server.says = [(200, answer(node(version=2), cursor="Mw")), (200, answer(node(version=1)))]

    pages = list(fly(server).releases(app="web"))

    assert [[row.version for row in page] for page in pages] == [[2], [1]]
    assert [asked[:3] for asked in server.asked] == [("POST", "/graphql", "FlyV1 fm2_secret")] * 2
    assert [asked[3]["variables"] for asked in server.asked] == [
        {"name": "web", "first": 25, "after": None},
        {"name": "web", "first": 25, "after": "Mw"},
    ]


def test_a_page_that_nobody_wants_is_not_asked_for(server):
    server.says = [(200, answer(node(), cursor="Mw"))]

    next(fly(server).releases(app="web"))

    assert len(server.asked) == 1


def test_machines_and_apps_are_asked_for_by_name(server):
    server.says = [(200, []), (200, {"apps": [{"name": "web"}]})]
    account = fly(server)

    assert account.machines(app="we/b") == []
    assert account.apps(org="northwind") == ["web"]
    assert [asked[:2] for asked in server.asked] == [("GET", "/v1/apps/we%2Fb/machines"), ("GET", "/v1/apps?org_slug=northwind")]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"errors": [{"message": "no", "extensions": {"code": "UNAUTHORIZED"}}]}, Unauthorised),
        ({"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}, Forbidden),
        ({"data": None, "errors": [{"message": "no", "extensions": {"code": "NOT_FOUND"}}]}, NotFound),
        ({"data": {"app": None}}, NotFound),
        ({"errors": [{"message": "busy", "extensions": {"code": "SERVER_ERROR"}}]}, Passing),
        ({"errors": [{"message": "Field 'x' doesn't exist", "extensions": None}]}, Invalid),
        ({"errors": "strange"}, Invalid),
        ({"data": {"app": {"releasesUnprocessed": {"nodes": {}}}}}, NotJson),
        ({"data": 5}, NotJson),
        ([], NotJson),
    ],
)
def test_an_error_with_status_200_is_told_apart_by_its_code(server, said, problem):
    server.says = [(200, said)]

    with pytest.raises(problem):
        list(fly(server).releases(app="web"))


@pytest.mark.parametrize(
    ("status", "problem"), [(401, Unauthorised), (403, Forbidden), (404, NotFound), (429, Passing), (502, Passing)]
)
def test_a_status_says_whether_to_come_again(server, status, problem):
    server.says = [(status, {"error": "no"})]

    with pytest.raises(problem) as raised:
        fly(server).machines(app="web")

    assert "fm2_secret" not in str(raised.value)
    if status == 429:
        assert raised.value.retry_after == 7


def test_a_run_ends_when_its_time_is_over(server, monkeypatch):
    monkeypatch.setattr(client_module, "BUDGET", 0.0)

    with pytest.raises(Passing, match="too long"):
        fly(server).machines(app="web")
    assert server.asked == []


def test_pages_without_an_end_are_given_up(server, monkeypatch):
    monkeypatch.setattr(client_module, "PAGES", 3)
    server.says = [(200, answer(node(), cursor="Mw"))] * 4

    with pytest.raises(Invalid, match="without an end"):
        list(fly(server).releases(app="web"))


@pytest.mark.parametrize(
    ("token", "header"),
    [
        ("fm2_abc", "FlyV1 fm2_abc"),
        ("fm2_abc,fm2_def", "FlyV1 fm2_abc,fm2_def"),
        ("FlyV1 fm2_abc", "FlyV1 fm2_abc"),
        (" old-token\n", "Bearer old-token"),
        ("Bearer old-token", "Bearer old-token"),
    ],
)
def test_macaroons_and_older_tokens_have_their_own_schemes(token, header):
    assert authorization(token=token) == header


def test_flys_two_hosts_are_told_apart_and_an_address_of_ones_own_serves_both(server):
    real = Fly(source=Source(kind="fly", api_url="https://api.fly.io"))

    assert (real._graphql.base.host, real._machines.base_url) == ("api.fly.io", MACHINES_HOST)
    assert fly(server)._machines.base_url == fly(server)._graphql.base_url


def test_a_token_that_cannot_be_opened_is_said(server):
    source = Source(kind="fly", api_url="https://api.fly.io", token_encrypted=b"not sealed")

    with pytest.raises(Unauthorised):
        Fly(source=source)


# --- the query against Fly's own schema ---------------------------------------------------------------------------


def types_of(schema):
    """{type: {field: its base type}} of a GraphQL schema."""
    schema = re.sub(r'"""(?:.|\n)*?"""|"[^"\n]*"', "", schema)
    found = {}
    for name, body in re.findall(r"^type (\w+)[^{]*\{((?:.|\n)*?)^\}", schema, re.MULTILINE):
        while "(" in body:  # arguments, and the reasons of deprecated ones inside them
            body = re.sub(r"\([^()]*\)", "", body)
        found[name] = {
            field: re.sub(r"\W", "", kind) for field, kind in re.findall(r"^  (\w+)\s*:\s*([\[\]\w!]+)", body, re.MULTILINE)
        }
    return found


def fields_of(query):
    """Every (path of fields) that a query without fragments asks for."""
    path, found, last = [], [], None
    for token in re.findall(r"\w+|[{}]", re.sub(r"\([^)]*\)", "", query.partition("{")[2])):
        if token == "{":
            path.append(last)
        elif token == "}":
            path = path[:-1]
        else:
            last = token
            found.append((*path, token))
    return found


@needed
def test_every_field_that_is_asked_for_is_in_flys_schema():
    types = types_of((FOLDER / "schema.graphql").read_text())
    asked = [path for query in (RELEASES, ORGANISATIONS, MEMBERS) for path in fields_of(query)]

    assert ("app", "releasesUnprocessed", "nodes", "user", "email") in asked
    assert ("organization", "members", "edges", "node", "email") in asked
    for path in asked:
        kind = "Queries"
        for name in path:
            assert name in types[kind], f"{kind} has no {name}"
            kind = types[kind][name]


@needed
def test_every_machine_path_is_in_flys_description():
    paths = sample("openapi.fly-machines.cut.json")["paths"]

    of_an_app = {f"/apps/{{app_name}}/{name}" for name in ("machines", "volumes", "secrets", "volumes/{volume_id}/snapshots")}
    assert {"/apps", "/tokens/current", *of_an_app} <= set(paths)
    said = sample("openapi.fly-machines.cut.json")["components"]["schemas"]["main.tokenInfo"]["properties"]
    assert {"org_slug", "organization", "apps", "restricted_to_machine", "user"} <= set(said)
    assert not [name for name in said if "expir" in name or "read" in name]


ORGANISATION = {"data": {"organizations": {"nodes": [{"slug": "northwind", "name": "Northwind"}]}}}
APPS = {"apps": [{"name": "web"}]}


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (
            200,
            {"tokens": [{"org_slug": "northwind", "token_id": "secret-id"}]},
            " The token is for the organisation northwind. Fly tells neither whether it may only read nor when it ends.",
        ),
        (401, {"error": "Authenticate: token validation error"}, ""),
        (500, {"error": "unknown"}, ""),
        (200, {"tokens": "secret-id"}, ""),
    ],
)
def test_a_test_of_the_connection_says_what_the_token_is_bound_to(server, status, said, words):
    server.says[:] = [(200, ORGANISATION), (200, APPS), (status, said), (200, [])]

    found = check(source=fly(server).source, at=AT)

    assert (found.works, found.offers, found.missing) == (True, ("northwind/web",), ())
    assert found.sentence(at=AT) == f"Fly answers: 1 apps in northwind.{words}"
    assert [path for _, path, _, _ in server.asked][2] == "/v1/tokens/current"


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([], ""),
        ([{}], "The token is for no organisation that Fly names"),
        ([{"organization": "Northwind", "apps": ["web"]}], "The token is for the organisation Northwind, only the app web"),
        (
            [{"org_slug": "nw", "apps": list("gfedcba"), "restricted_to_machine": "m1"}, {"org_slug": "two"}, {"org_slug": "two"}],
            "The token is for the organisation nw, only the apps a, b, c, d, e and 2 more, only from the machine m1;"
            " the organisation two",
        ),
        (
            [{"org_slug": "nw", "user": "hash-of-somebody"}],
            "The token is for the organisation nw. It acts as a person: `fly tokens create readonly` makes one that does not",
        ),
    ],
)
def test_what_fly_says_of_a_token_is_a_sentence_without_ids(tokens, words):
    assert sentence(bound({"tokens": tokens})) == (f"{words}. {UNTOLD}" if words else "")


@pytest.mark.parametrize("body", [{}, [], {"tokens": [1]}, {"tokens": [{"apps": [1]}]}, {"tokens": [{"org_slug": "x" * 500}]}])
def test_what_is_no_answer_about_tokens_is_refused(body):
    with pytest.raises((Unreadable, Incomplete)):
        bound(body)
