"""Signing in: password, second factor, locks, how long it lasts, and asking again."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.adapter import get_adapter as mfa_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.access.factors import begin_grace, missing_factor
from portal.access.freshness import authenticated_at, is_fresh
from portal.access.models import FactorGrace, User
from portal.access.signin import AccountAdapter
from portal.environment import demanded as demanded_of
from portal.ledger.models import LedgerLeaf
from tests.portal.access.browsing import prove, sign_in
from tests.portal.access.people import now, person, soon

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LOGIN, REAUTH = "/account/login/", "/account/reauthenticate/"


@pytest.fixture
def ann():
    return person("Ann", password=PASSWORD)


def enter(client: Client, user: User, password: str = PASSWORD, **extra):
    return client.post(LOGIN, {"login": user.email, "password": password}, **extra)


def give_totp(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


# Password


def test_person_signs_in_with_the_password_and_gets_a_new_session(client, ann):
    client.get(LOGIN)
    client.post(reverse("theme"), {"theme": "dark"})
    before = client.session.session_key

    answer = enter(client, ann)

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.session.session_key != before
    assert client.get(reverse("me")).status_code == 200


@pytest.mark.parametrize("email", ["ANN@northwind.example", " ann@northwind.example "])
def test_address_counts_in_any_case(client, ann, email):
    assert client.post(LOGIN, {"login": email, "password": PASSWORD}).status_code == 302


def test_wrong_password_and_unknown_address_get_the_same_answer(client, ann):
    wrong = enter(client, ann, "another horse battery").content.decode()
    unknown = client.post(LOGIN, {"login": "nobody@northwind.example", "password": PASSWORD}).content.decode()

    def told(page):
        return [line.strip() for line in page.splitlines() if "password you specified" in line or "not correct" in line]

    assert told(wrong) == told(unknown) != []


def test_person_who_left_does_not_sign_in(client, ann):
    User.objects.filter(pk=ann.pk).update(is_active=False)

    enter(client, ann)

    assert client.get(reverse("me")).status_code == 302


def test_session_of_a_person_who_left_ends_with_the_next_request(client, ann):
    enter(client, ann)
    User.objects.filter(pk=ann.pk).update(is_active=False)

    assert client.get(reverse("me")).status_code == 302


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/%5cevil.example", "///evil.example"],
)
def test_sign_in_leads_nowhere_else(client, ann, target):
    answer = client.post(LOGIN, {"login": ann.email, "password": PASSWORD, "next": target})

    assert answer.url in {"/", "/%5cevil.example"}


def test_sign_in_leads_back_to_the_page_that_was_asked_for(client, ann):
    page = client.get(reverse("people"))

    assert page.url == "/account/login/?next=/people/"
    assert client.post(LOGIN, {"login": ann.email, "password": PASSWORD, "next": "/people/"}).url == "/people/"


def test_sign_up_is_closed(client):
    assert not AccountAdapter().is_open_for_signup(client.get(LOGIN).wsgi_request)


# Locks


@pytest.fixture
def limits():
    cache.clear()
    yield
    cache.clear()


def test_account_is_locked_after_five_wrong_passwords_from_wherever_they_come(ann, limits):
    for number in range(50):
        enter(Client(), ann, "wrong horse battery", REMOTE_ADDR=f"198.51.100.{number}")

    right = Client()
    assert enter(right, ann, REMOTE_ADDR="203.0.113.9").status_code == 200
    assert right.get(reverse("me")).status_code == 302


def test_locked_account_opens_after_five_minutes(ann, limits):
    for _ in range(6):
        enter(Client(), ann, "wrong horse battery")

    with time_machine.travel(soon(minutes=6)):
        assert enter(Client(), ann).status_code == 302


def test_locked_account_opens_with_a_new_password_by_mail(ann, limits):
    for _ in range(6):
        enter(Client(), ann, "wrong horse battery", REMOTE_ADDR="198.51.100.1")
    client = Client()
    client.post(reverse("account_reset_password"), {"email": ann.email})
    address = next(word for word in mail.outbox[0].body.split() if "/password/reset/key/" in word)

    form = client.get(address, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": "new horse battery staple", "password2": "new horse battery staple"})

    assert enter(Client(), ann, "new horse battery staple", REMOTE_ADDR="198.51.100.2").status_code == 302


def test_unknown_address_gets_the_same_page_when_it_asks_for_a_new_password(client, ann, limits):
    known = client.post(reverse("account_reset_password"), {"email": ann.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@northwind.example"})

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)


def test_limits_are_kept_in_postgres(ann, limits):
    enter(Client(), ann, "wrong horse battery")

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache WHERE cache_key LIKE '%%rl:%%'")
        assert cursor.fetchone()[0] >= 2


# Second factor


def test_secret_of_the_second_factor_is_sealed_in_the_database(ann):
    secret = give_totp(ann)
    RecoveryCodes.activate(ann)

    kept = str(list(Authenticator.objects.values("data")))

    assert secret not in kept
    assert mfa_adapter().decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret
    assert "gAAAA" in kept


def test_second_factor_is_asked_for_and_a_code_counts_once(ann):
    secret = give_totp(ann)
    client = Client()

    answer = enter(client, ann)
    assert answer.url.startswith("/account/2fa/authenticate/")
    assert client.get(reverse("me")).status_code == 302
    used = code(secret)
    assert client.post("/account/2fa/authenticate/", {"code": used}).status_code == 302
    assert client.get(reverse("me")).status_code == 200

    again = Client()
    enter(again, ann)
    again.post("/account/2fa/authenticate/", {"code": used})
    assert again.get(reverse("me")).status_code == 302


def test_recovery_code_signs_in_once(ann):
    give_totp(ann)
    saved = RecoveryCodes.activate(ann).get_unused_codes()[0]
    client, again = Client(), Client()

    enter(client, ann)
    client.post("/account/2fa/authenticate/", {"code": saved})
    enter(again, ann)
    again.post("/account/2fa/authenticate/", {"code": saved})

    assert client.get(reverse("me")).status_code == 200
    assert again.get(reverse("me")).status_code == 302


def test_second_factor_is_set_up_on_the_page(client, ann):
    enter(client, ann)
    prove(client, ann)
    session = client.session
    session["account_authentication_methods"][0]["reauthenticated"] = True
    session.save()

    page = client.get(reverse("mfa_activate_totp"))
    secret = client.session["mfa.totp.secret"]
    answer = client.post(reverse("mfa_activate_totp"), {"code": code(secret)})

    assert page.status_code == 200
    assert answer.status_code == 302
    assert Authenticator.objects.filter(user=ann, type="totp").exists()


# Asking again


def test_asking_again_prefers_the_strongest_that_the_person_has(ann):
    adapter = AccountAdapter()
    assert [method["id"] for method in adapter.get_reauthentication_methods(ann)] == ["reauthenticate"]

    give_totp(ann)
    assert [method["id"] for method in adapter.get_reauthentication_methods(ann)] == ["mfa_reauthenticate"]

    Authenticator.objects.create(user=ann, type="webauthn", data={})
    methods = [method["id"] for method in adapter.get_reauthentication_methods(ann)]
    assert methods == ["mfa_reauthenticate:webauthn", "mfa_reauthenticate"]


def test_password_alone_does_not_raise_a_person_with_a_second_factor(ann):
    give_totp(ann)
    client = sign_in(Client(), ann)

    answer = client.post(REAUTH, {"password": PASSWORD})

    assert answer.status_code == 302
    assert answer.url.startswith("/account/2fa/reauthenticate/")
    assert client.post(reverse("me-make-token"), {}).status_code == 302


def test_fresh_proof_renews_the_session_and_keeps_it_listed(ann):
    client = Client()
    enter(client, ann)
    prove(client, ann, minutes_ago=10)
    before = client.session.session_key

    answer = client.post(f"{REAUTH}?next=/me/", {"password": PASSWORD, "next": "/me/"})

    assert (answer.status_code, answer.url) == (302, "/me/")
    assert client.session.session_key != before
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [client.session.session_key]
    assert client.post(reverse("me-make-token"), {}).status_code == 422


def test_wrong_password_raises_nobody(ann):
    client = sign_in(Client(), ann)

    client.post(REAUTH, {"password": "wrong horse battery"})

    assert client.post(reverse("me-make-token"), {}).status_code == 302


@pytest.mark.parametrize(("minutes", "fresh"), [(0, True), (4.9, True), (5.1, False), (60, False)])
def test_proof_is_fresh_for_five_minutes(client, ann, minutes, fresh):
    sign_in(client, ann, minutes_ago=minutes)
    request = client.get(reverse("me")).wsgi_request

    assert is_fresh(request) == fresh
    assert abs((now() - authenticated_at(request)).total_seconds() - minutes * 60) < 5


def test_nobody_has_proved_anything(client, ann):
    nobody = client.get(LOGIN).wsgi_request
    client.force_login(ann)
    silent = client.get(reverse("me")).wsgi_request

    assert (authenticated_at(nobody), is_fresh(nobody)) == (None, False)
    assert (authenticated_at(silent), is_fresh(silent)) == (None, False)


def test_proof_of_another_person_does_not_count(client, ann):
    sign_in(client, ann)
    prove(client, person("Bob"))

    assert authenticated_at(client.get(reverse("me")).wsgi_request) is None


# How long it lasts


def later(client: Client, **parts: float) -> int:
    """The status of the next request after that time."""
    with time_machine.travel(soon(**parts), tick=False):
        return client.get(reverse("people")).status_code


@pytest.mark.parametrize(("name", "minutes", "status"), [("Ann", 31, 200), ("Bob", 31, 302), ("Bob", 29, 200), ("Rex", 31, 302)])
def test_idle_session_of_privileged_people_ends_after_half_an_hour(name, minutes, status):
    client = Client()
    enter(client, person(name, password=PASSWORD))

    assert later(client, minutes=minutes) == status


def test_use_keeps_a_session_alive():
    client = Client()
    enter(client, person("Bob", password=PASSWORD))

    assert [later(client, minutes=minutes) for minutes in (20, 40, 60, 80)] == [200, 200, 200, 200]
    assert later(client, minutes=111) == 302


def test_session_ends_after_twelve_hours_whatever_happens(ann):
    client = Client()
    enter(client, ann)
    for hours in range(1, 12):
        assert later(client, hours=hours) == 200

    assert later(client, hours=12, minutes=1) == 302


def test_session_whose_clocks_are_missing_gets_them(ann):
    client = Client()
    client.force_login(ann)

    assert client.get(reverse("me")).status_code == 200
    assert {"session_began_at", "session_seen_at"} <= set(client.session.keys())


def test_signing_out_empties_the_browsers_caches(ann):
    client = Client()
    enter(client, ann)

    answer = client.post(reverse("account_logout"))

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get(reverse("me")).status_code == 302


def test_pages_of_signed_in_people_are_never_stored(ann):
    client = Client()
    enter(client, ann)

    assert "no-store" in client.get(reverse("me")).headers["Cache-Control"]
    assert "no-store" in client.get(reverse("people")).headers["Cache-Control"]


def test_other_browser_is_signed_out_on_the_page(ann):
    here, there = Client(), Client()
    enter(here, ann)
    enter(there, ann)
    other = UserSession.objects.get(session_key=there.session.session_key)

    here.post(reverse("me-end-session", args=[other.pk]))

    assert there.get(reverse("me")).status_code == 302
    assert here.get(reverse("me")).status_code == 200


def test_browser_of_somebody_else_cannot_be_signed_out(ann):
    there = Client()
    enter(there, ann)
    session = UserSession.objects.get()

    assert sign_in(Client(), person("Bob")).post(reverse("me-end-session", args=[session.pk])).status_code == 404


# The demand for a second factor


@pytest.fixture
def demanded(settings):
    settings.REQUIRE_MFA = True


def test_privileged_person_is_asked_and_the_grace_is_recorded(demanded):
    bob = person("Bob", password=PASSWORD)
    client = Client()
    enter(client, bob)

    assert client.get(reverse("people")).status_code == 200

    grace = FactorGrace.objects.get()
    assert (grace.user, grace.ends_at - grace.asked_at) == (bob, timedelta(days=7))
    assert LedgerLeaf.objects.filter(kind="second_factor.asked", stream=f"person:{bob.pk}").count() == 1
    for name in ("people", "me"):
        assert client.get(reverse(name)).content.decode().count("Set up a second factor.") == 1


def test_person_without_a_second_factor_is_led_to_its_set_up_after_the_grace(demanded):
    bob = person("Bob", password=PASSWORD)
    begin_grace(user=bob, at=now() - timedelta(days=7))
    client = Client()
    enter(client, bob)

    assert (client.get(reverse("people")).status_code, client.get(reverse("people")).url) == (302, reverse("mfa_index"))
    assert client.get(reverse("mfa_index")).status_code == 200
    give_totp(bob)
    assert client.get(reverse("people")).status_code == 200


def test_engineers_are_not_asked(demanded, ann):
    enter(Client(), ann)

    assert missing_factor(ann) is None
    assert FactorGrace.objects.count() == 0


def test_where_everybody_is_asked_engineers_and_people_without_a_role_are_too(demanded, settings, ann):
    settings.MFA_OF_EVERYBODY = True
    nina = person("Nina")
    begin_grace(user=ann, at=now() - timedelta(days=7))
    client = Client()
    enter(client, ann)

    led = client.get("/changes/")

    assert (led.status_code, led.headers["Location"]) == (302, reverse("mfa_index"))
    assert missing_factor(nina) is not None
    for user in (ann, nina):
        give_totp(user)
        assert missing_factor(user) is None
    assert client.get("/changes/").status_code == 200


@pytest.mark.parametrize(
    ("said", "of_whom"), [("Everybody ", (True, True)), ("1", (True, False)), ("off", (False, False)), ("", (True, False))]
)
def test_the_environment_says_of_whom_it_is_demanded(monkeypatch, said, of_whom):
    monkeypatch.setenv("COUNTERSIGN_REQUIRE_MFA", said)

    assert demanded_of("COUNTERSIGN_REQUIRE_MFA", default=True) == of_whom


def test_where_it_is_not_demanded_people_are_only_asked():
    bob = person("Bob")
    client = sign_in(Client(), bob)

    request = client.get(reverse("people")).wsgi_request

    assert (request.missing_factor.until, request.missing_factor.is_over(at=now())) == (None, False)
    assert "Set up a second factor." not in client.get(reverse("people")).content.decode()
    assert client.get(reverse("me")).content.decode().count("Set up a second factor.") == 1
    assert FactorGrace.objects.count() == 0


def test_grace_is_given_once(demanded):
    bob = person("Bob")
    first = begin_grace(user=bob, at=now() - timedelta(days=3))

    assert begin_grace(user=bob, at=now()) == first


def test_whoever_has_no_password_is_led_to_the_letter_and_not_to_a_fault(client, ann):
    sign_in(client, person("Pia"))

    answer = client.get(reverse("account_change_password"))

    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("account_reset_password"))
    sign_in(client, ann)
    assert client.get(reverse("account_change_password")).status_code == 200
