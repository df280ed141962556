"""URL × role × method, for every address: who is let in, by which methods, and that nothing sent breaks a page.

A new address is in it by being in the URLconf. What its view declares is its row (``portal.access.walk``); which role may what
stands in ``tests/portal/access/test_roles.py``. Whether a record is one's own to see is tested where the record is.
"""

import logging
import re
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import ResolverMatch
from django.utils import timezone

from audits.engagements.actions import end_engagement
from audits.engagements.door import WRITABLE
from audits.engagements.middleware import LIVE, OWN_SIGN_IN, auditor_read_only
from audits.engagements.models import Engagement
from portal.access.middleware import FOREIGN, TAKEN, decide
from portal.access.models import RoleGrant, User
from portal.access.permissions import EVERYBODY, P
from portal.access.roles import Role, permissions_of, roles_with
from portal.access.scim.tokens import make_token as make_scim_token
from portal.access.tokens import FOR_TOKENS, make_token
from portal.ledger.models import LedgerLeaf
from tests.architecture.test_house import sources
from tests.architecture.test_urls import GROUP, PLACE, ROUTES, RULES, address_of
from tests.audits.engagements.opened import admitted
from tests.changes.people import sign_in
from tests.portal.access.people import ROLE_OF, everybody, hold, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quiet():
    """Thousands of refusals are thousands of lines in the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


BRIEF = {"HX-Request": "true"}
"""Errors come as a piece instead of a page: the same status for a third of the work."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
GUARDED = {route: rule for route, rule in RULES.items() if rule.permission}
BY_TOKEN = [route for route, rule in RULES.items() if rule.by_token]
LEAVES = {"account_logout", "theme"}
"""Ends the session that asks, or writes a cookie."""


def callers():
    """Everybody who could ask: (name, person, permissions)."""
    yield "nobody", AnonymousUser(), frozenset()
    left = person("Lea", Role.ENGINEER)
    User.objects.filter(pk=left.pk).update(is_active=False)
    yield "leaver", User.objects.get(pk=left.pk), frozenset()
    yield "nobody's role", person("Nina"), EVERYBODY
    yield "lapsed", lapsed(), EVERYBODY
    for name, user in everybody().items():
        yield name, user, permissions_of([ROLE_OF[name]]) | EVERYBODY
    yield "learner", person("Lena", Role.LEARNER), permissions_of([Role.LEARNER]) | EVERYBODY


def lapsed():
    """An engineer and chair whose roles ended yesterday."""
    user = person("Lars")
    for role in (Role.ENGINEER, Role.CHAIR):
        hold(user, role, until=timezone.now() - timedelta(days=1))
    return user


def asked(route, user, method="GET"):
    request = RequestFactory().generic(method, address_of(route), headers=BRIEF)
    request.user, request.session = user, SessionStore()
    request.resolver_match = ResolverMatch(route.view, (), {}, url_name=route.name)
    return request


def test_who_is_let_in_is_decided_alike_for_every_method():
    """Every URL × role × method, at the place where it is decided."""
    wrong, decided = [], 0
    for name, user, allowed in callers():
        for method in METHODS:
            request = RequestFactory().generic(method, "/")
            request.user = user
            for route, rule in RULES.items():
                request.resolver_match = ResolverMatch(route.view, (), {}, url_name=route.name)
                try:
                    through = decide(request, route.view, [], {}) is None
                except PermissionDenied:
                    through = False
                decided += 1
                if through != (_is_taken(route, method) and (rule.permission is None or rule.permission in allowed)):
                    wrong.append((route.pattern, name, method))

    assert wrong == []
    assert decided == len(ROUTES) * len(METHODS) * (4 + len(Role))


def _is_taken(route, method):
    """Views of allauth take what pages take; ours refuse by themselves what they do not name."""
    return route.name not in FOREIGN or method in TAKEN


def statuses(client, routes, method):
    """{pattern: status} of the whole way through the portal; nothing of it stays."""
    return {route.pattern: ask(client, method, address_of(route)).status_code for route in routes}


def ask(client, method, address, data=None, **more):
    """One request that leaves nothing behind: no row, no cookie."""
    before = client.cookies.copy()
    with transaction.atomic():
        if method == "POST" and "content_type" not in more:
            answer = client.post(address, data or {}, **more)
        else:
            answer = client.generic(method, address, **({"data": data or b""} | more))
        transaction.set_rollback(True)
    client.cookies = before
    if answer.streaming:
        _close(answer)
    return answer


def _close(answer):
    """Let a file go that nobody reads; the connection stays the test's."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


def test_whoever_left_or_lost_the_role_is_refused_on_the_whole_way_too():
    closed = [route for route, rule in GUARDED.items() if rule.permission not in EVERYBODY][::8]
    left, ended = Client(), Client()
    sign_in(left, person("Lea", Role.ENGINEER, Role.CHAIR))
    User.objects.filter(name="Lea").update(is_active=False)
    sign_in(ended, lapsed())

    assert set(statuses(left, list(GUARDED)[::2], "GET").values()) == {302}
    assert set(statuses(ended, closed, "POST").values()) == {403}
    assert RoleGrant.objects.filter(user__name="Lars").count() == 2


def clients():
    """Role → (client of somebody who holds it, freshly signed in)."""
    found = {}
    for name, user in everybody().items():
        found[ROLE_OF[name]] = sign_in(Client(raise_request_exception=False), user)
    return found


def fitting(rule):
    """A role that the address lets in."""
    return roles_with(rule.permission)[0] if rule.permission and rule.permission not in EVERYBODY else Role.ENGINEER


def test_an_address_takes_only_the_methods_that_it_names():
    """Asked by somebody who may, and freshly, by one that no address names. The API and provisioning name theirs themselves."""
    people, wrong = clients(), {}
    for number, (route, rule) in enumerate(RULES.items()):
        if rule.by_token or route.name in LIVE:
            continue
        method = ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS")[number % 5]
        status = ask(people[fitting(rule)], method, address_of(route)).status_code
        if status != 405:
            wrong[route.pattern, method] = status

    assert wrong == {}


def test_every_form_needs_its_token():
    """A request that another site makes in somebody's name carries the cookie and no token."""
    client = sign_in(Client(enforce_csrf_checks=True, raise_request_exception=False), person("Rex"))
    exempt = {route.name.partition("-")[0] for route in ROUTES if getattr(route.view, "csrf_exempt", False)}
    forms = [route for route, rule in RULES.items() if not rule.by_token and route.name not in {"hook", "csp-report"}]

    assert exempt - {route.name.partition("-")[0] for route in BY_TOKEN} == {"hook", "csp"}
    assert {ask(client, "POST", address_of(route), headers=BRIEF).status_code for route in forms[::10]} == {403}


def test_what_carries_a_token_takes_only_its_methods_and_only_its_token():
    ann, rex = person("Ann"), person("Rex")
    now = timezone.now()
    scopes = [P.CHANGE_SEE] if P.CHANGE_SEE in FOR_TOKENS else sorted(FOR_TOKENS)[:1]
    _, personal = make_token(user=ann, name="x", scopes=scopes, expires_at=now + timedelta(days=1), by="test", at=now)
    _, provisioning = make_scim_token(name="x", expires_at=now + timedelta(days=1), by=rex, at=now)
    wrong = []
    for route in BY_TOKEN:
        own, other = (provisioning, personal) if "scim" in route.pattern else (personal, provisioning)
        for method in METHODS:
            client = Client(raise_request_exception=False)
            refused = ask(client, method, address_of(route), headers={"Authorization": f"Bearer {other}"}).status_code
            nasty = ask(client, method, address_of(route), headers={"Authorization": f"Bearer {own}\u00e9"}).status_code
            taken = ask(client, method, address_of(route), headers={"Authorization": f"Bearer {own}"}).status_code
            if refused not in {401, 404, 405} or nasty not in {401, 404, 405} or taken >= 500:
                wrong.append((route.pattern, method, refused, nasty, taken))

    assert wrong == []


@pytest.mark.django_db(transaction=True)
def test_an_auditor_outside_of_the_window_gets_no_address_and_inside_sends_nothing():
    uma, engagement = admitted()
    through = auditor_read_only(lambda request: HttpResponse("through"))

    def got(method, routes):
        return {route.pattern: through(asked(route, User.objects.get(pk=uma.pk), method)).content for route in routes}

    records = [route for route in GUARDED if route.name not in OWN_SIGN_IN]
    sent = {pattern for pattern, said in got("POST", records).items() if b"Auditors only read" not in said}
    assert {route.name for route in records if route.pattern in sent} == WRITABLE
    assert all(b"Auditors only read" in said for said in got("DELETE", records[::9]).values())

    end_engagement(engagement=Engagement.objects.get(pk=engagement.pk), by=User.objects.get(name="Mia"), at=timezone.now())
    for method, some in (("GET", records[::2]), ("POST", records[1::2])):
        assert all(b"Your engagement is not open" in said for said in got(method, some).values())


# What is sent breaks nothing.

NASTY = {
    "int": "9" * 20,
    "slug": "x-" * 40,
    "path": "%00/%ff",
    "str": "%00%ff'\"%27",
    "uuid": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
}
ASKED = re.compile(r"(?:GET|POST)\.get(?:list)?\(\s*\"(\w+)\"|(?:GET|POST)\[\"(\w+)\"\]")


def poisoned(route):
    """An address of this pattern with something nasty in each place that takes it."""
    text = GROUP.sub(lambda group: "9" * 15 if group["inside"].startswith("\\d") else address_part(group["inside"]), route.pattern)
    text = PLACE.sub(lambda place: NASTY.get(place["kind"] or "str", "x"), text)
    return "/" + text.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "")


def address_part(inside):
    """A text that fits a group, as in the usual address."""
    texts = ("1", "x", "a" * 7, "a" * 40, "a" * 64, "1" * 4, inside.partition("|")[0])
    return next(text for text in texts if re.fullmatch(inside, text))


def names_in_code():
    """Every name that our views read from a form or a query by themselves; forms have their own checks."""
    found = set()
    for path in sources():
        found |= {first or second for first, second in ASKED.findall(path.read_text())}
    return sorted(found)


def test_no_address_form_or_query_breaks_a_page():
    """NUL, numbers beyond any column, and signs that are digits and no number: words, never a fault of ours, nothing recorded."""
    names, people = names_in_code(), clients()
    large, nul, raised = (dict.fromkeys(names, sign) for sign in ("9" * 30, "\0", "\u00b2"))
    broken, before, status = [], LedgerLeaf.objects.count(), 0
    for route, rule in RULES.items():
        if rule.by_token or route.name in LIVE | LEAVES:
            continue
        address, nasty = address_of(route), poisoned(route)
        asked_for = [("POST", address, nul)]
        asked_for += [("GET", nasty, None), ("POST", nasty, large)] if nasty != address else []
        asked_for += [("GET", f"{address}?{urlencode(large)}", None)] if nasty == address else []
        asked_for += [("GET", f"{address}?{urlencode(raised)}", None), ("POST", address, raised)]
        for method, where, data in asked_for:
            if data is raised and status != HTTPStatus.METHOD_NOT_ALLOWED:
                continue  # what answers a GET has been asked already
            status = ask(people[fitting(rule)], method, where, data, headers=BRIEF).status_code
            if status >= 500:
                broken.append((method, where, data and "form", status))

    assert broken == []
    assert len(names) > 40, "the names that views read are not found any more"
    assert LedgerLeaf.objects.count() == before
    for address in ("/access/?q=%00", "/access/list.csv?q=%00x", "/changes/views/?deleted=%00", "/completeness/?source=%00"):
        assert ask(people[Role.ADMINISTRATOR], "GET", address).status_code in {200, 403, 404, 422}, address
    assert ask(people[Role.ENGINEER], "GET", "/account/invitation/%00/").status_code == 400
