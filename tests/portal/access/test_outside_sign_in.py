"""Signing in with an OpenID Connect provider: nobody is made by it, and a second factor is asked for as ever."""

import json
import time
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from portal.access.identities import link_identity
from portal.access.models import User
from portal.access.outside_sign_in import person_behind
from portal.access.roster.describing import Description
from portal.access.roster.leaving import come_back, leave
from portal.access.roster.provisioning import provision
from portal.environment import Misconfigured
from portal.ledger.queries import entries_about
from portal.sign_in_providers import providers_from
from portal.standins.openid import OpenIDStandIn
from tests.portal.access.browsing import prove, sign_in
from tests.portal.access.people import everybody, hold, now, person

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def company(settings):
    """The company's provider, believed about northwind.example, where pia has an account."""
    standin = OpenIDStandIn()
    url = standin.start()
    standin.add_person(login="pia", sub="s-1", email="Pia@Northwind.example", name="Pia Park")
    settings.SOCIALACCOUNT_PROVIDERS = providers_from(
        {
            "COUNTERSIGN_SIGNIN_OIDC_ID": standin.client_id,
            "COUNTERSIGN_SIGNIN_OIDC_SECRET": standin.secret,
            "COUNTERSIGN_SIGNIN_OIDC_URL": url,
            "COUNTERSIGN_SIGNIN_OIDC_NAME": "Northwind",
            "COUNTERSIGN_SIGNIN_OIDC_DOMAINS": "northwind.example",
        }
    )
    yield standin
    standin.stop()


def joined(email: str = "pia@northwind.example") -> User:
    return provision(email=email, said=Description("Pia Park", "employee"), actor="portal")


def through(client: Client, company: OpenIDStandIn, *, login: str = "pia", begin: str = "", **form):
    """The whole way: the button, the page that goes on, the provider, and back."""
    going = client.post(begin or reverse("sign-in-outside", args=["company"]), form)
    assert going.status_code == 200, going.content
    return client.get(company.consent(going.context["address"], login=login))


def who(client: Client) -> str:
    page = client.get(reverse("me"))
    return page.context["subject"].email if page.status_code == 200 else "nobody"


# Who gets in


def test_provisioned_person_signs_in_and_is_known_by_number_from_then_on(company):
    pia, client = joined(), Client()

    answer = through(client, company, next="/me/")
    company.people["pia"]["email"] = "changed@elsewhere.example"
    again = Client()
    through(again, company)

    assert (answer.status_code, answer.url, who(client), who(again)) == (302, "/me/", pia.email, pia.email)
    account = SocialAccount.objects.get()
    assert (account.user, account.provider, account.uid, account.extra_data) == (pia, "company", "s-1", {})
    assert "sign_in.added" in [entry.kind for entry in entries_about(stream=f"person:{pia.pk}")]


def test_somebody_unknown_is_told_so_and_nobody_is_made(company):
    client = Client()

    answer = through(client, company)

    assert (answer.status_code, who(client)) == (403, "nobody")
    assert "Nobody here signs in with that account" in answer.content.decode()
    assert (User.objects.count(), SocialAccount.objects.count()) == (0, 0)


@pytest.mark.parametrize("case", ["not confirmed", "another domain", "has a password", "has left", "has another account"])
def test_address_alone_does_not_open_the_account(case, company):
    pia = joined("pia@elsewhere.example" if case == "another domain" else "pia@northwind.example")
    if case == "not confirmed":
        company.people["pia"]["email_verified"] = False
    if case == "another domain":
        company.people["pia"]["email"] = "pia@elsewhere.example"
    if case == "has a password":
        pia.set_password(PASSWORD)
        pia.save()
    if case == "has left":
        User.objects.filter(pk=pia.pk).update(is_active=False)
    if case == "has another account":
        SocialAccount.objects.create(user=pia, provider="google", uid="g-1")
    client = Client()

    answer = through(client, company)

    assert (answer.status_code, who(client)) == (403, "nobody")
    assert not SocialAccount.objects.filter(provider="company").exists()


def test_leaver_does_not_come_in_by_the_provider_and_is_forgotten_there(company):
    team, pia = everybody(), joined()
    client = Client()
    through(client, company)
    assert who(client) == pia.email

    ended = leave(user=pia, by=team["Rex"], reason="Leaves", at=now())

    answer = through(Client(), company)
    assert (ended["sign_ins"], who(client), answer.status_code) == (1, "nobody", 403)
    come_back(user=User.objects.get(pk=pia.pk), by=team["Rex"], at=now())
    back = Client()
    through(back, company)
    assert who(back) == pia.email


def test_second_factor_is_asked_for_after_the_provider_too(company):
    pia = joined()
    secret = generate_totp_secret()
    TOTP.activate(pia, secret)
    client = Client()

    answer = through(client, company)

    assert Authenticator.objects.filter(user=pia).exists()
    assert (answer.url, who(client)) == (reverse("mfa_authenticate"), "nobody")


def test_person_without_a_password_sets_up_a_second_factor_right_after_signing_in(company):
    joined()
    client = Client()
    through(client, company)

    fresh = client.get(reverse("mfa_activate_totp"))
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()
    later = client.get(reverse("mfa_activate_totp"), follow=True)

    assert (fresh.status_code, later.redirect_chain[-1][0].startswith(reverse("sign-in-again"))) == (200, True)


def test_privileged_person_without_a_second_factor_is_asked_for_one(company, settings):
    settings.REQUIRE_MFA = True
    pia = joined()
    hold(pia, "approver")
    client = Client()
    through(client, company)

    page = client.get(reverse("people"))

    assert page.wsgi_request.missing_factor.until is not None


# The way there and back


def test_way_carries_state_and_pkce_and_asks_for_no_more_than_it_needs(company):
    joined()
    through(Client(), company)

    (asked,) = company.asked
    assert (asked["response_type"], asked["code_challenge_method"], set(asked["scope"].split())) == (
        "code",
        "S256",
        {"openid", "profile", "email"},
    )
    assert asked["redirect_uri"].endswith("/account/sign-in/company/back/")
    assert len(asked["state"]) >= 16


def test_button_is_answered_with_a_page_that_goes_on(company):
    page = Client().get(reverse("account_login")).content.decode()
    going = Client().post(reverse("sign-in-outside", args=["company"]))

    assert "Sign in with Northwind" in page
    assert going["Refresh"] == f"0; url={going.context['address']}"
    assert "no-store" in going["Cache-Control"]
    assert Client().get(reverse("sign-in-outside", args=["company"])).status_code == 405


def test_return_of_another_browser_is_refused(company):
    joined()
    going = Client().post(reverse("sign-in-outside", args=["company"]))
    mallory = Client()

    answer = mallory.get(company.consent(going.context["address"], login="pia"))

    assert (answer.status_code, who(mallory)) == (401, "nobody")
    assert "did not confirm who you are" in answer.content.decode()


def test_return_counts_once(company):
    joined()
    client = Client()
    going = client.post(reverse("sign-in-outside", args=["company"]))
    back = company.consent(going.context["address"], login="pia")
    client.get(back)

    assert Client().get(back).status_code == 401


def test_who_does_not_agree_there_is_back_at_the_sign_in(company):
    client = Client()
    going = client.post(reverse("sign-in-outside", args=["company"]))

    answer = client.get(company.refuse(going.context["address"]), follow=True)

    assert answer.redirect_chain[-1][0] == reverse("account_login")
    assert "You did not sign in there" in " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_provider_that_fails_signs_nobody_in(company):
    joined()
    client = Client()
    going = client.post(reverse("sign-in-outside", args=["company"]))
    back = company.consent(going.context["address"], login="pia")
    company.broken = True

    assert client.get(back).status_code == 401
    assert Client().post(reverse("sign-in-outside", args=["company"])).status_code == 502
    assert who(client) == "nobody"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_sign_in_leads_nowhere_else(wanted, company):
    joined()

    assert through(Client(), company, next=wanted).url == "/"


def test_provider_that_is_not_configured_does_not_exist(company):
    assert Client().post(reverse("sign-in-outside", args=["google"])).status_code == 404
    assert Client().get("/account/sign-in/google/back/?code=x&state=y").status_code in (401, 404)


# One's own page


def test_person_with_a_password_adds_the_account_on_their_own_page(company):
    ann = person("Ann", password=PASSWORD)
    client = sign_in(Client(), ann, minutes_ago=1)

    answer = through(client, company, begin=reverse("me-add-sign-in", args=["company"]))
    shown = client.get(reverse("me")).content.decode()
    fresh = Client()
    through(fresh, company)

    assert answer.url == reverse("me")
    assert "Sign-in with company" in shown
    assert who(fresh) == ann.email


def test_account_of_somebody_else_is_not_added(company):
    pia = joined()
    through(Client(), company)
    client = sign_in(Client(), person("Ann", password=PASSWORD), minutes_ago=1)

    answer = through(client, company, begin=reverse("me-add-sign-in", args=["company"]))

    said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
    assert "somebody else's already" in said
    assert SocialAccount.objects.get().user == pia


def test_adding_asks_for_a_fresh_proof(company):
    client = sign_in(Client(), person("Ann", password=PASSWORD), minutes_ago=60)

    answer = client.post(reverse("me-add-sign-in", args=["company"]))

    assert answer.url.startswith(reverse("account_reauthenticate"))


def test_only_way_in_is_not_removed_and_another_one_is(company):
    pia = joined()
    client = Client()
    through(client, company)
    prove(client, pia)
    mine = reverse("me-remove-sign-in", args=[SocialAccount.objects.get().pk])

    refused = client.post(mine)
    User.objects.filter(pk=pia.pk).update(password=person("Ann", password=PASSWORD).password)
    other = sign_in(Client(), User.objects.get(name="Ann"), minutes_ago=1).post(mine)
    client = sign_in(Client(), User.objects.get(pk=pia.pk), minutes_ago=1)
    removed = client.post(mine)

    assert (refused.status_code, other.status_code, removed.status_code) == (403, 404, 302)
    assert "only way to sign in" in refused.content.decode()
    assert not SocialAccount.objects.exists()


def test_person_without_password_and_factor_proves_it_at_the_provider_again(company):
    joined()
    client = Client()
    through(client, company)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()

    asked = client.post(reverse("me-add-sign-in", args=["company"]), follow=True)
    page = client.get(reverse("sign-in-again"), {"next": "/me/"}).content.decode()
    through(client, company, next="/me/")

    assert asked.redirect_chain[-1][0].startswith(reverse("sign-in-again"))
    assert "Sign in again with Northwind" in page
    assert company.asked[-1]["prompt"] == "login"
    assert client.post(reverse("me-add-sign-in", args=["company"])).status_code == 200


# GitHub, by its number


def github(uid: str = "583231"):
    account = SimpleNamespace(provider="github", uid=uid)
    return SimpleNamespace(account=account, email_addresses=[])


def test_github_opens_only_what_the_person_linked_by_signing_in_there():
    ann, bob = person("Ann"), person("Bob")
    link_identity(user=ann, provider="github", uid="583231", login="ann", by=f"user:{ann.pk}", at=now())
    link_identity(user=bob, provider="github", uid="7", login="bob", by=f"user:{ann.pk}", at=now())

    assert (person_behind(github()), person_behind(github("7")), person_behind(github("8"))) == (ann, None, None)


# Configuration


def test_providers_come_from_the_environment():
    found = providers_from(
        {
            "COUNTERSIGN_SIGNIN_GOOGLE_ID": "g",
            "COUNTERSIGN_SIGNIN_GOOGLE_SECRET": "s",
            "COUNTERSIGN_SIGNIN_GOOGLE_DOMAINS": "@Northwind.example, ",
            "COUNTERSIGN_SIGNIN_GITHUB_ID": "h",
            "COUNTERSIGN_SIGNIN_GITHUB_SECRET": "t",
            "COUNTERSIGN_SIGNIN_GITHUB_URL": "https://git.northwind.example/",
        }
    )

    (google,) = found["openid_connect"]["APPS"]
    assert google["settings"] == {"server_url": "https://accounts.google.com", "domains": ["northwind.example"]}
    assert (found["github"]["GITHUB_URL"], found["github"]["APPS"][0]["client_id"]) == ("https://git.northwind.example", "h")
    assert providers_from({}) == {}


@pytest.mark.parametrize(
    ("given", "missing"),
    [({"OIDC_ID": "x"}, "OIDC_SECRET"), ({"OIDC_ID": "x", "OIDC_SECRET": "y"}, "OIDC_URL"), ({"GITHUB_ID": "x"}, "GITHUB_SECRET")],
)
def test_provider_that_is_named_by_half_is_said_at_the_start(given, missing):
    with pytest.raises(Misconfigured, match=missing):
        providers_from({f"COUNTERSIGN_SIGNIN_{name}": value for name, value in given.items()})


def test_id_token_of_the_stand_in_is_signed_and_its_code_counts_once(company):
    assert json.dumps(company.keys()).count('"kid": "one"') == 1
    assert company.redeem({"code": "unknown"}).status == 400
