"""Linking an account at a vendor: it links, and never signs anybody in."""

from types import SimpleNamespace

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from social_django.models import UserSocialAuth

from portal.access.identities import link_identity
from portal.access.linking import NotLinked, only_signed_in_people
from portal.access.models import Identity, User
from portal.ledger.models import LedgerLeaf
from tests.portal.access.browsing import prove, sign_in
from tests.portal.access.people import now, person, soon
from tests.portal.access.vendor import CLIENT, SECRET, Vendor

pytestmark = pytest.mark.django_db
BEGIN, BACK = "/account/link/github/", "/account/link/github/back/"


@pytest.fixture
def github(settings):
    with Vendor({"id": 583231, "login": "ann-ash", "email": "rex@northwind.example", "name": "Rex"}) as vendor:
        settings.LINKING_BACKENDS = ["portal.access.linking.GitHub"]
        settings.SOCIAL_AUTH_GITHUB_KEY, settings.SOCIAL_AUTH_GITHUB_SECRET = CLIENT, SECRET
        settings.SOCIAL_AUTH_GITHUB_AUTHORIZATION_URL = f"{vendor.url}/login/oauth/authorize"
        settings.SOCIAL_AUTH_GITHUB_ACCESS_TOKEN_URL = f"{vendor.url}/login/oauth/access_token"
        settings.SOCIAL_AUTH_GITHUB_API_URL = f"{vendor.url}/"
        yield vendor


@pytest.fixture
def slack(settings):
    profile = {"ok": True, "https://slack.com/user_id": "U2", "https://slack.com/team_id": "T1", "name": "Ann"}
    with Vendor(profile) as vendor:
        settings.LINKING_BACKENDS = ["portal.access.linking.Slack"]
        settings.SOCIAL_AUTH_SLACK_KEY, settings.SOCIAL_AUTH_SLACK_SECRET = CLIENT, SECRET
        settings.SOCIAL_AUTH_SLACK_AUTHORIZATION_URL = f"{vendor.url}/openid/connect/authorize"
        settings.SOCIAL_AUTH_SLACK_ACCESS_TOKEN_URL = f"{vendor.url}/api/openid.connect.token"
        settings.SOCIAL_AUTH_SLACK_USER_URL = f"{vendor.url}/api/openid.connect.userInfo"
        yield vendor


def browser(name: str) -> Client:
    return sign_in(Client(), User.objects.filter(name=name).first() or person(name), minutes_ago=1)


def going(answer) -> str:
    """The vendor's address on the page that goes on: a form may not be redirected there (``form-action``)."""
    assert answer.status_code == 200
    return answer.context["address"]


def link(client: Client, vendor: Vendor, begin: str = BEGIN):
    """The whole way: from the button to the vendor and back. Returns the answer and what was said to the person."""
    answer = client.get(vendor.consent(going(client.post(begin))))
    return answer, [str(message) for message in get_messages(answer.wsgi_request)]


def test_person_links_the_account_by_its_number(github):
    ann = browser("Ann")

    answer, said = link(ann, github)

    assert (answer.status_code, answer.url, said) == (302, reverse("me"), ["Your GitHub account is linked."])
    identity = Identity.objects.get()
    assert (identity.provider, identity.uid, identity.login, identity.user.name) == ("github", "583231", "ann-ash", "Ann")
    assert LedgerLeaf.objects.get(kind="identity.linked").actor == f"user:{identity.user_id}"
    assert github.asked == ["POST /login/oauth/access_token", "GET /user"]
    assert "ann-ash" in ann.get(reverse("me")).content.decode()


def test_nothing_else_of_the_vendor_is_kept(github):
    link(browser("Ann"), github)

    assert UserSocialAuth.objects.count() == 0
    assert User.objects.count() == 1
    assert User.objects.get().email == "ann@northwind.example"


def test_no_scope_is_asked_for(github):
    assert "scope" not in going(browser("Ann").post(BEGIN))


def test_person_links_a_slack_account_by_team_and_user(slack):
    _, said = link(browser("Ann"), slack, "/account/link/slack/")

    assert said == ["Your Slack account is linked."]
    assert Identity.objects.get().uid == "T1:U2"


def test_slack_account_of_another_workspace_is_refused(slack, settings):
    settings.SOCIAL_AUTH_SLACK_TEAM = "T9"

    _, said = link(browser("Ann"), slack, "/account/link/slack/")

    assert said == ["That Slack account belongs to another workspace."]
    assert Identity.objects.count() == 0


@pytest.mark.parametrize("profile", [{"ok": False}, {"ok": True, "https://slack.com/user_id": "U2"}, {"ok": True}])
def test_slack_answer_without_the_numbers_links_nothing(slack, profile):
    slack.profile = profile

    _, said = link(browser("Ann"), slack, "/account/link/slack/")

    assert said == ["Slack did not confirm the account, so nothing was linked. Try again."]
    assert Identity.objects.count() == 0


@pytest.mark.parametrize("profile", [{}, {"login": "x"}, {"id": "583231", "login": "x"}, {"id": None}, []])
def test_github_answer_without_a_number_links_nothing(github, profile):
    github.profile = profile

    _, said = link(browser("Ann"), github)

    assert said == ["GitHub did not confirm the account, so nothing was linked. Try again."]
    assert Identity.objects.count() == 0


def test_account_of_somebody_else_is_refused(github):
    link_identity(user=person("Bob"), provider="github", uid="583231", login="ann-ash", by="user:1", at=now())

    _, said = link(browser("Ann"), github)

    assert said[0].startswith("This account is linked to another person.")
    assert Identity.objects.get().user.name == "Bob"


def test_address_at_the_vendor_means_nothing(github):
    rex = person("Rex")

    link(browser("Ann"), github)

    assert Identity.objects.get().user != rex


# It never signs anybody in


def test_nobody_is_signed_in_by_coming_back_from_the_vendor(github):
    link(browser("Ann"), github)
    thief = Client()
    with_state = github.consent(going(browser("Ann").post(BEGIN)))

    answer = thief.get(with_state)

    assert answer.status_code == 302
    assert answer.url.startswith("/account/login/")
    assert thief.get(reverse("me")).status_code == 302


def test_way_begun_by_one_person_does_not_end_at_another(github):
    address = github.consent(going(browser("Bob").post(BEGIN)))

    browser("Ann").get(address)

    assert Identity.objects.count() == 0


def test_person_who_changed_on_the_way_links_nothing(github):
    client = browser("Ann")
    address = github.consent(going(client.post(BEGIN)))
    kept = {key: client.session[key] for key in list(client.session.keys()) if key.startswith("github")}
    bob = person("Bob")
    client.force_login(bob)
    prove(client, bob)
    session = client.session
    session.update(kept)
    session.save()

    client.get(address)

    assert Identity.objects.count() == 0


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=y", "?error=access_denied&state=y"])
def test_forged_return_links_nothing(query, github):
    client = browser("Ann")
    client.post(BEGIN)

    answer = client.get(BACK + query)

    assert (answer.status_code, answer.url) == (302, reverse("me"))
    assert Identity.objects.count() == 0


def test_return_counts_once(github):
    client = browser("Ann")
    address = github.consent(going(client.post(BEGIN)))
    client.get(address)

    said = [str(message) for message in get_messages(client.get(address).wsgi_request)]

    assert "GitHub did not confirm the account, so nothing was linked. Try again." in said
    assert Identity.objects.count() == 1


def test_way_begins_with_a_button_and_a_fresh_proof(github):
    ann = person("Ann")
    stale = sign_in(Client(), ann, minutes_ago=6)

    assert browser("Ann").get(BEGIN).status_code == 405
    assert stale.post(BEGIN).url.startswith("/account/reauthenticate/")
    assert Client().post(BEGIN).url.startswith("/account/login/")


def test_proof_that_grew_old_at_the_vendor_is_asked_for_again(github):
    client = browser("Ann")
    address = github.consent(going(client.post(BEGIN)))

    with time_machine.travel(soon(minutes=6)):
        answer = client.get(address)

    assert answer.url.startswith("/account/reauthenticate/?next=%2Faccount%2Flink%2Fgithub%2Fback%2F%3Fcode")
    assert Identity.objects.count() == 0


def test_vendor_that_fails_links_nothing(github):
    github.token_status = 500

    _, said = link(browser("Ann"), github)

    assert said == ["GitHub did not confirm the account, so nothing was linked. Try again."]


@pytest.mark.parametrize("name", ["github", "slack", "google-oauth2", "x"])
def test_vendor_that_is_not_configured_does_not_exist(name):
    client = browser("Ann")

    assert client.post(f"/account/link/{name}/").status_code == 404
    assert client.get(f"/account/link/{name}/back/").status_code == 404


def test_page_offers_what_is_configured(github):
    page = browser("Ann").get(reverse("me")).content.decode()

    assert "Link your GitHub account" in page
    assert "Link your Slack account" not in page


def test_backends_of_vendors_are_none_of_djangos(settings):
    assert settings.AUTHENTICATION_BACKENDS == ["allauth.account.auth_backends.AuthenticationBackend"]


@pytest.mark.parametrize("case", ["nobody", "somebody else", "too long ago"])
def test_pipeline_itself_refuses_whoever_is_not_there(case, client):
    ann = person("Ann")
    sign_in(client, ann, minutes_ago=6 if case == "too long ago" else 1)
    strategy = SimpleNamespace(request=client.get(reverse("me")).wsgi_request)
    user = {"nobody": None, "somebody else": person("Bob"), "too long ago": ann}[case]

    with pytest.raises(NotLinked, match="Sign in, confirm"):
        only_signed_in_people(strategy=strategy, user=user)


def test_pipeline_lets_the_person_through_who_is_there(client):
    ann = person("Ann")
    sign_in(client, ann, minutes_ago=1)

    only_signed_in_people(strategy=SimpleNamespace(request=client.get(reverse("me")).wsgi_request), user=ann)
