"""What a view declares is kept, however the view is called."""

from inspect import iscoroutinefunction

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views.decorators.http import require_POST

from portal.access.guards import NotAllowed, check, requires
from portal.access.permissions import P
from portal.access.scope import EVERYTHING, scope_for
from portal.access.signed_in import person_of
from tests.portal.access.loop import run
from tests.portal.access.people import person


def ask(user, path="/x/?a=1") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = user
    request.session = {}
    return request


@requires(P.CHANGE_SEE)
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


@requires(P.CHANGE_SEE)
async def stream(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


def test_declaration_stands_on_the_view_and_on_what_wraps_it():
    assert (page.permission, page.fresh, page.__name__) == (P.CHANGE_SEE, False, "page")
    assert require_POST(page).permission == P.CHANGE_SEE
    assert iscoroutinefunction(stream)


def test_person_who_is_not_signed_in_is_led_to_sign_in_and_back():
    assert page(ask(AnonymousUser())).url == "/account/login/?next=/x/%3Fa%3D1"
    assert run(stream(ask(AnonymousUser()))).url == "/account/login/?next=/x/%3Fa%3D1"


@pytest.mark.django_db
def test_person_without_the_permission_is_refused_with_its_name():
    with pytest.raises(NotAllowed, match="see changes") as refusal:
        page(ask(person("Pia")))

    assert refusal.value.permission == P.CHANGE_SEE


@pytest.mark.django_db
def test_person_with_the_permission_is_let_in():
    assert page(ask(person("Ann"))).content == b"secret"


@pytest.mark.django_db(transaction=True)
def test_asynchronous_view_is_guarded_too():
    ann, pia = person("Ann"), person("Pia")

    assert run(stream(ask(ann))).content == b"secret"
    with pytest.raises(NotAllowed):
        run(stream(ask(pia)))


@pytest.mark.django_db
def test_403_names_the_roles_that_may_and_who_holds_them(client):
    person("Mia")
    client.force_login(person("Ann"))

    answer = client.get("/audits/new/")

    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Chair" in page
    assert "Mia" in page


def test_nobody_is_no_person():
    with pytest.raises(Exception, match="Sign in first"):
        person_of(ask(AnonymousUser()))


def test_request_without_a_scope_shows_everything():
    request = RequestFactory().get("/")
    assert scope_for(request) == EVERYTHING
    assert EVERYTHING.covers(repository="acme/web")
    request.scope_of_records = "not a scope"
    assert scope_for(request) == EVERYTHING


def test_check_leads_an_anonymous_act_to_sign_in():
    assert check(ask(AnonymousUser()), P.CHANGE_SEE, fresh=True).status_code == 302
