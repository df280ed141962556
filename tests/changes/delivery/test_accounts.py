"""Accounts at the forge that did something, from the synced facts."""

from datetime import timedelta

import pytest

from changes.delivery.accounts import forge_accounts
from changes.delivery.models import PullRequest, Push, Review
from changes.delivery.rule_models import RuleEvent
from changes.proposals.people import account_actor, links_for
from portal.access.accounts.suggesting import Roster
from portal.access.models import User
from tests.changes.approvals.situations import AT, waiting_change
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pull():
    waiting_change(person("Ann"), author=(583231, "ann-ash"))
    return PullRequest.objects.get()


def accounts():
    return {seen.uid: seen for seen in forge_accounts()}


def test_everybody_who_did_something_is_there_by_number_with_what_it_was(pull):
    PullRequest.objects.update(merged_by_uid=7, merged_by_login="bob-old", merged_at=AT)
    Review.objects.create(
        pull_request=pull, vendor_id=1, uid=7, login="bobby", state="approved", submitted_at=AT + timedelta(days=1), reported_at=AT
    )
    Push.objects.create(
        repository=pull.repository,
        branch="main",
        before="a",
        after="b",
        pusher_uid=8,
        pusher_login="ci[bot]",
        pushed_at=AT,
        reported_at=AT,
    )
    RuleEvent.objects.create(
        repository=pull.repository,
        kind="ruleset",
        action="edited",
        subject="main",
        actor_uid=9,
        actor_login="root",
        delivery_key="k",
        happened_at=AT,
        reported_at=AT,
    )

    found = accounts()

    assert {uid: seen.doings for uid, seen in found.items()} == {
        "583231": "1 pull request",
        "7": "1 merge, 1 review",
        "8": "1 push",
        "9": "1 edit of a rule",
    }
    assert (found["7"].login, found["7"].last_at) == ("bobby", AT + timedelta(days=1))
    assert (found["8"].is_bot, found["9"].is_bot) == (True, False)


def test_address_that_github_ties_to_the_account_suggests_a_person_and_a_trailer_does_not(pull):
    bob = person("Bob")
    PullRequest.objects.update(
        commit_people=[
            {"uid": 7, "login": "b77", "name": "B.", "email": "Bob@northwind.example", "role": "author"},
            {"uid": 8, "login": "zz", "name": "Z.", "email": "bob@northwind.example", "role": "co-author"},
            {"uid": None, "login": "", "name": "Nobody", "email": "bob@northwind.example", "role": "author"},
            {"uid": 19864447, "login": "web-flow", "name": "GitHub", "email": "noreply@github.com", "role": "committer"},
        ]
    )

    found, roster = accounts(), Roster(User.objects.all())

    assert set(found) == {"583231", "7", "8"}
    assert roster.suggestion_for(found["7"]).user == bob
    assert roster.suggestion_for(found["8"]) is None


def test_two_accounts_of_one_person_are_one_person_to_the_separation_of_duties():
    bob = person("Bob")
    linked(bob, 7, "bob-work")
    linked(bob, 8, "bob-home")

    links = links_for([7, 8])

    assert account_actor(7, "bob-work", links).same_as(account_actor(8, "bob-home", links))


def test_all_accounts_are_one_question(pull, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(accounts()) == 1
