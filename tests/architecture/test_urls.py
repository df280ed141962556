"""Every address says who it answers, and answers nobody else."""

import re

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch, path

from portal.access.checks import check_declared
from portal.access.guards import NotAllowed, by_token, public, requires
from portal.access.middleware import decide
from portal.access.permissions import EVERYBODY, P
from portal.access.roles import Role, permissions_of
from portal.access.rules import OPEN, OWN
from portal.access.walk import Route, Rule, routes, rule_of
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import person

ROUTES = sorted(routes(), key=lambda route: route.pattern)
RULES = {route: rule_of(route.view, route.name) for route in ROUTES}
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")

SHORT_LIST = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "github_callback",
    "openid_connect_callback",
    "socialaccount_login_cancelled",
    "sign-in-outside",
    "invitation",
    "session",
    "theme",
    "csp-report",
    "healthz",
    "readyz",
    "status",
    "hook",
}
"""The names of all addresses that answer people who are not signed in. Adding one is a decision; it needs a review."""

SAMPLES = {"int": "1", "slug": "x", "path": "x", "uuid": "00000000-0000-0000-0000-000000000000"}
PLACE = re.compile(r"<(?:(?P<kind>\w+):)?\w+>")
GROUP = re.compile(r"\(\?P<\w+>(?P<inside>(?:[^()]|\([^()]*\))*)\)")


def address_of(route: Route) -> str:
    """An address that the pattern matches, with something in each place."""
    text = GROUP.sub(lambda group: fitting(group["inside"]), route.pattern)
    text = PLACE.sub(lambda place: SAMPLES.get(place["kind"] or "str", "x"), text)
    return "/" + text.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "")


def fitting(inside: str) -> str:
    """A text that a group of a regular expression matches."""
    texts = ("1", "x", "a" * 7, "a" * 40, "a" * 64, "1" * 4, inside.partition("|")[0])
    found = [text for text in texts if re.fullmatch(inside, text)]
    assert found, f"no sample fits {inside!r}: add one here"
    return found[0]


def label(route: Route) -> str:
    return route.pattern or "/"


@pytest.mark.parametrize("route", ROUTES, ids=label)
def test_address_says_who_it_answers(route):
    rule = RULES[route]

    assert rule is not None, f"/{route.pattern}: decorate the view with requires(P.…) or public(reason=…)"


def test_public_addresses_are_on_the_short_list_with_a_reason():
    open_ones = {route.name: RULES[route].reason for route in ROUTES if RULES[route] and RULES[route].public}

    assert open_ones.keys() - SHORT_LIST == set()
    assert [name for name, reason in open_ones.items() if len(reason.split()) < 2] == []


def test_tables_of_foreign_views_name_only_addresses_that_exist():
    names = {route.name for route in ROUTES}

    assert (OPEN.keys() | OWN) - names == set()


def test_there_is_no_admin_and_no_sign_up():
    assert [route for route in ROUTES if "admin" in route.pattern or "signup" in route.pattern] == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/admin/", "/account/signup/", "/account/email/", "/account/2fa/webauthn/signup/"])
def test_closed_address_is_not_found(address, client):
    assert client.get(address).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_an_answer_without_signing_in(method, client):
    wrong = {}
    for route, rule in RULES.items():
        if rule is None or rule.public:
            continue
        answer = getattr(client, method)(address_of(route))
        to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith("/account/login/?next=")
        if not (answer.status_code in {401, 404, 405} if rule.by_token else to_sign_in):
            wrong[route.pattern] = answer.status_code

    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_role_is_let_in_exactly_where_it_has_the_permission(role):
    """The decision alone, for every address; what the views do with their records is tested where they are."""
    user = person("Somebody", role) if role else person("Somebody")
    allowed = permissions_of([role] if role else []) | EVERYBODY

    wrong = [
        route.pattern
        for route, rule in RULES.items()
        if rule and rule.permission and is_let_in(route, user) != (rule.permission in allowed)
    ]

    assert wrong == []


def is_let_in(route: Route, user) -> bool:
    """Whether the middleware lets the person reach the view."""
    request = RequestFactory().get(address_of(route))
    request.user = user
    request.resolver_match = ResolverMatch(route.view, (), {}, url_name=route.name)
    try:
        return decide(request, route.view, [], {}) is None
    except NotAllowed:
        return False


# The harness itself: it finds what it is there to find.


def undeclared(request):
    return HttpResponse("secret")


def handles_urls(request):
    return HttpResponse("open")


urlpatterns = [
    path("silent/", undeclared, name="silent"),
    path("open/", public(handles_urls, reason="For a test."), name="open"),
]


@pytest.mark.urls("tests.architecture.test_urls")
@pytest.mark.django_db
def test_view_that_declares_nothing_is_denied_to_everybody(client):
    sign_in(client, person("Rex"))

    assert client.get("/silent/").status_code == 403
    assert client.get("/open/").content == b"open"


@pytest.mark.urls("tests.architecture.test_urls")
def test_start_up_check_names_the_address_that_declares_nothing():
    assert [(problem.id, problem.msg) for problem in check_declared(None)] == [
        ("portal.E001", "/silent/ does not say who may see it.")
    ]


def test_start_up_check_is_clean_and_misses_no_guard(settings):
    assert check_declared(None) == []

    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "auditor" not in name]
    assert [problem.id for problem in check_declared(None)] == ["portal.E002"]


def test_rule_is_read_from_the_view_or_from_the_tables():
    assert rule_of(requires(P.CHANGE_SEE)(undeclared), "x") == Rule(permission=P.CHANGE_SEE)
    assert rule_of(by_token(lambda request: HttpResponse()), "x") == Rule(by_token=True)
    assert rule_of(undeclared, "account_login") == Rule(reason="Signing in.")
    assert rule_of(undeclared, "mfa_index") == Rule(permission=P.OWN_ACCOUNT)
    assert rule_of(undeclared, "x") is None
