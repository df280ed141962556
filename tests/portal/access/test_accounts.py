"""Accounts at vendors that belong to nobody here: listed until a person says whose or what they are."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.access.accounts import actions, seeing
from portal.access.accounts.models import ExplainedAccount, MetAccount
from portal.access.accounts.seeing import Seen, note_met, provider, seen_accounts, unexplained
from portal.access.accounts.suggesting import Roster, plain
from portal.access.identities import link_identity
from portal.access.models import Identity, User
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import everybody, now, person, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return everybody()


def account(login="bobby", *, uid="7", name="", mails=(), is_bot=False, at="slack") -> Seen:
    return Seen(at, uid, login, name, frozenset(mails), is_bot, "asked once", now())


def met(uid="7", login="bobby", **more) -> Seen:
    note_met(provider="slack", uid=uid, login=login, at=now(), **more)
    return next(seen for seen in seen_accounts() if seen.key == ("slack", uid))


def fresh(user: User) -> Client:
    return sign_in(Client(), user, minutes_ago=1)


# What is seen


def test_account_that_is_met_twice_is_one_with_the_latest_name(team):
    met(login="old", email="Bob@Northwind.example")

    seen = met(login="new", name="Bob")

    assert (seen.login, seen.name, seen.doings, seen.mails) == ("new", "Bob", "asked 2 times", frozenset())
    assert str(MetAccount.objects.get()) == "slack new"


def test_vendor_joins_with_a_function_and_is_asked_once():
    mine = account(uid="99", at="fly")

    @provider
    def fly():
        yield mine

    provider(fly)
    try:
        assert [seen for seen in seen_accounts() if seen.provider == "fly"] == [mine]
    finally:
        seeing._providers.remove(fly)


def test_account_is_listed_until_it_is_linked_or_explained(team):
    first, second, third = met("1", "one"), met("2", "two"), met("3", "three")

    link_identity(user=team["Bob"], provider="slack", uid=first.uid, login="one", by="shell:tests", at=now())
    said = actions.explain(seen=second, explained_as="service", reason="Deploys", by=team["Rex"], at=now())

    assert unexplained() == [third]
    actions.take_back(explained=said, by=team["Mia"], at=now())
    assert {seen.uid for seen in unexplained()} == {"2", "3"}


# Whose it might be


@pytest.mark.parametrize(
    ("seen", "whose", "why"),
    [
        (
            account("x", name="Cleo", mails=["bob.barr@northwind.example"]),
            "Bob Barr",
            "slack confirms the address bob.barr@northwind.example",
        ),
        (account("x", name="bob  BARR"), "Bob Barr", "the same name, bob  BARR"),
        (account("Bob-Barr"), "Bob Barr", "the login Bob-Barr is the name"),
        (account("a.ash"), "Ann", "the login a.ash is the beginning of the address"),
    ],
)
def test_suggestion_goes_by_confirmed_address_then_name_then_login(seen, whose, why):
    person("Bob Barr")
    ann = person("Ann")
    User.objects.filter(pk=ann.pk).update(email="a.ash@northwind.example")
    person("Cleo")

    found = Roster(User.objects.all()).suggestion_for(seen)

    assert (found.user.name, found.why) == (whose, why)


@pytest.mark.parametrize(
    "seen",
    [account("nobody", name="No Body"), account("", name=""), account("bob", is_bot=True), account("---")],
)
def test_nobody_is_suggested_where_nothing_speaks_for_them(seen):
    person("Bob")

    assert Roster(User.objects.all()).suggestion_for(seen) is None


def test_name_of_two_people_suggests_neither():
    person("Bob")
    twin = person("Bob Two")
    User.objects.filter(pk=twin.pk).update(name="Bob", email="other@northwind.example")

    assert Roster(User.objects.all()).suggestion_for(account("x", name="Bob")) is None
    assert plain("Ann-Marie  Ash_2") == "annmarieash2"


# Saying whose or what


def test_confirmed_account_is_the_persons_and_the_ledger_says_by_whom(team):
    actions.belongs_to(seen=met(), user=team["Bob"], by=team["Rex"], at=now())

    entry = entries_about(stream=f"person:{team['Bob'].pk}")[0]
    assert (entry.kind, entry.actor, entry.fact["uid"]) == ("identity.linked", f"user:{team['Rex'].pk}", "7")


def test_account_of_somebody_else_is_refused_and_nothing_changes(team):
    seen = met()
    actions.belongs_to(seen=seen, user=team["Bob"], by=team["Rex"], at=now())

    with pytest.raises(Refused, match="linked to another person"):
        actions.belongs_to(seen=seen, user=team["Ann"], by=team["Rex"], at=now())
    with pytest.raises(Refused, match="linked to Bob"):
        actions.explain(seen=seen, explained_as="outsider", reason="Guest", by=team["Rex"], at=now())

    assert Identity.objects.get().user == team["Bob"]
    assert not ExplainedAccount.objects.exists()


def test_one_person_with_two_accounts_is_one_person(team):
    actions.belongs_to(seen=met("1", "bob-work"), user=team["Bob"], by=team["Rex"], at=now())
    actions.belongs_to(seen=met("2", "bob-home"), user=team["Bob"], by=team["Rex"], at=now())

    assert sorted(team["Bob"].identities.values_list("uid", flat=True)) == ["1", "2"]


def test_nobody_confirms_an_account_for_themselves(team):
    with pytest.raises(Refused, match="Nobody says here"):
        actions.belongs_to(seen=met(), user=team["Rex"], by=team["Rex"], at=now())


@pytest.mark.parametrize("name", ["Ann", "Bob", "Cleo", "Dev", "Uma"])
def test_only_those_who_keep_the_roster_say_so(name, team):
    seen = met()
    said = actions.explain(seen=seen, explained_as="service", reason="Deploys", by=team["Rex"], at=now())

    with pytest.raises(Refused):
        actions.belongs_to(seen=seen, user=person("Pia"), by=team[name], at=now())
    with pytest.raises(Refused):
        actions.explain(seen=met("8"), explained_as="service", reason="Deploys", by=team[name], at=now())
    with pytest.raises(Refused):
        actions.take_back(explained=said, by=team[name], at=now())


@pytest.mark.parametrize(("what", "reason", "words"), [("robot", "x", "Choose one"), ("service", " ", "reason is missing")])
def test_explanation_says_what_and_why(what, reason, words, team):
    with pytest.raises(Refused) as refusal:
        actions.explain(seen=met(), explained_as=what, reason=reason, by=team["Rex"], at=now())

    assert words in f"{refusal.value.why} {refusal.value.instead}"


def test_account_is_explained_once(team):
    seen = met()
    said = actions.explain(seen=seen, explained_as="outsider", reason="Guest of the summer", by=team["Rex"], at=now())

    with pytest.raises(Stale):
        actions.explain(seen=seen, explained_as="service", reason="Deploys", by=team["Mia"], at=now())
    actions.take_back(explained=said, by=team["Mia"], at=soon(seconds=1))
    with pytest.raises(Stale):
        actions.take_back(explained=said, by=team["Mia"], at=soon(seconds=2))

    assert str(said) == "slack bobby: Somebody outside"
    assert [entry.kind for entry in entries_about(stream="account:slack:7")] == ["account.explanation_ended", "account.explained"]


def test_explanation_ends_when_the_account_turns_out_to_be_a_persons(team):
    seen = met()
    actions.explain(seen=seen, explained_as="service", reason="Deploys", by=team["Rex"], at=now())

    actions.belongs_to(seen=seen, user=team["Bob"], by=team["Rex"], at=soon(seconds=1))

    assert ExplainedAccount.objects.get().ended_at is not None
    assert unexplained() == []


# The pages


def test_page_lists_with_suggestion_and_one_click_confirms(team):
    met(uid="T1:U7", login="bob", name="Bob")
    rex = fresh(team["Rex"])

    page = rex.get(reverse("accounts")).content.decode()
    one = rex.get(reverse("account", args=["slack", "T1:U7"]))
    answer = rex.post(reverse("explain-account", args=["slack", "T1:U7"]), {"what": "person", "user": team["Bob"].pk})

    assert "the same name, Bob" in page
    assert f'<option value="{team["Bob"].pk}" selected>' in one.content.decode()
    assert (answer.status_code, Identity.objects.get().user) == (302, team["Bob"])
    assert "Every account is explained" in rex.get(reverse("accounts")).content.decode()
    assert "linked to <a" in rex.get(reverse("account", args=["slack", "T1:U7"])).content.decode()


def test_page_explains_a_bot_and_takes_it_back(team):
    met(uid="7", login="deployer", is_bot=True)
    mia = fresh(team["Mia"])

    mia.post(
        reverse("explain-account", args=["slack", "7"]), {"what": "service", "reason": "Posts deploys", "user": str(team["Bob"].pk)}
    )
    listed = mia.get(reverse("accounts")).content.decode()
    one = mia.get(reverse("account", args=["slack", "7"])).content.decode()
    mia.post(reverse("take-back-account", args=[ExplainedAccount.objects.get().pk]))

    assert "Bot or service: Posts deploys Bob answers for it." in listed
    assert "Explained as Bot or service" in one
    assert len(unexplained()) == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Choose what the account is"),
        ({"what": "person"}, "Choose whose account it is"),
        ({"what": "person", "user": "0"}, "Select a valid choice"),
        ({"what": "outsider"}, "Say in a sentence"),
        ({"what": "service", "reason": "Deploys"}, "Choose who answers for it"),
    ],
)
def test_mistake_comes_back_with_the_form(said, words, team):
    met()

    answer = fresh(team["Rex"]).post(reverse("explain-account", args=["slack", "7"]), said)

    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert len(unexplained()) == 1


def test_account_that_no_vendor_showed_does_not_exist(team):
    rex = fresh(team["Rex"])

    assert rex.get(reverse("account", args=["slack", "8"])).status_code == 404
    assert rex.post(reverse("explain-account", args=["slack", "8"]), {"what": "service", "reason": "x"}).status_code == 404


def test_page_is_for_those_who_keep_the_roster(team):
    assert [sign_in(Client(), team[name]).get(reverse("accounts")).status_code for name in ("Ann", "Cleo", "Mia", "Rex")] == [
        403,
        403,
        200,
        200,
    ]
