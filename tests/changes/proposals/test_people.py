"""From accounts and addresses to persons: who counts as a contributor, and what a machine is."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from changes.delivery.actor import Actor
from changes.delivery.models import PullRequest, Repository
from changes.proposals import actions, queries, submitting
from changes.proposals.models import Approval
from changes.proposals.people import account_actor, commit_actor, contributor_actors, is_machine, links_for, uids_of
from portal.access.identities import unlink_identity
from portal.policy.parameters import Parameters
from portal.policy.refusal import Refused
from tests.changes.people import linked, person

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
CLAUDE = "noreply@anthropic.com"


def by(role="author", uid=None, login="", name="", email=""):
    return {"uid": uid, "login": login, "name": name, "email": email, "role": role}


@pytest.fixture
def repository(db):
    return Repository.objects.create(name="acme/web", in_scope_from=AT)


def pull(repository, *people, **values):
    standard = {"title": "x", "state": "open", "head_ref": "f", "head_sha": "a" * 40, "base_ref": "main"}
    times = {"reported_at": AT, "touched_at": AT, "opened_at": AT}
    author = {"author_uid": 1, "author_login": "ann"}
    rest = {**standard, **times, **author, **values}
    return PullRequest.objects.create(repository=repository, number=1, commit_people=list(people), **rest)


MACHINES = {
    CLAUDE: True,
    "NoReply@Anthropic.com": True,
    "copilot": True,
    "Copilot": True,
    "ann": False,
    "": False,
    "noreply@anthropic.com.example": False,
}


@pytest.mark.parametrize(("name", "expected"), MACHINES.items())
def test_machines_that_write_code_are_known_by_the_parameters(name, expected):
    assert is_machine(name) is expected


def test_a_pattern_takes_stars_and_brackets_as_they_stand():
    parameters = Parameters(ai_co_authors=("*[bot]@example.test",))

    assert is_machine("7+helper[bot]@example.test", parameters)
    assert not is_machine("b@example.test", parameters)


ROLES = {
    "as co-author": ([by("co-author", name="Claude", email=CLAUDE)], True),
    "as author": ([by("author", name="Claude", email=CLAUDE)], False),
    "as committer": ([by("committer", name="Claude", email=CLAUDE)], False),
    "as co-author here and author there": (
        [by("co-author", name="Claude", email=CLAUDE), by("author", name="Claude", email=CLAUDE)],
        False,
    ),
    "as author there and co-author here": (
        [by("author", name="Claude", email=CLAUDE), by("co-author", name="Claude", email=CLAUDE)],
        False,
    ),
}


@pytest.mark.parametrize(("people", "bot"), ROLES.values(), ids=ROLES.keys())
def test_a_machine_is_known_by_its_address_as_co_author_alone(repository, people, bot):
    found = contributor_actors(pull(repository, *people), {})

    assert found == (Actor("github:1", "ann"), Actor(f"mail:{CLAUDE}", "Claude", bot=bot))


def test_a_machine_with_an_account_is_a_bot_in_any_role():
    assert commit_actor(by(uid=198982749, login="Copilot"), {}).bot
    assert account_actor(7, "renovate[bot]", {}).bot
    assert account_actor(7, "builder", {}, bot=True).bot
    assert not account_actor(7, "ann", {}).bot


@pytest.mark.django_db
def test_an_address_of_somebody_known_is_that_person(repository, django_assert_num_queries):
    bob, cleo = person("Bob"), person("Cleo")
    linked(cleo, 3)
    row = pull(
        repository,
        by("co-author", name="B.", email="Bob@Northwind.example"),
        by("author", uid=12, login="bob-gh", email="bob@northwind.example"),
        by("author", uid=3, login="cleo-gh", email="other@example.test"),
        by("author", name="Jo", email="jo@example.test"),
    )

    keys = uids_of([PullRequest.objects.prefetch_related("reviews").get(pk=row.pk)])
    with django_assert_num_queries(1):
        links = links_for(keys)

    assert contributor_actors(row, links)[1:] == (
        Actor("mail:bob@northwind.example", "Bob", person=bob.pk),
        Actor("github:12", "Bob", person=bob.pk),
        Actor("github:3", "Cleo", person=cleo.pk),
        Actor("mail:jo@example.test", "Jo"),
    )


@pytest.mark.django_db(transaction=True)
def test_who_is_known_by_the_address_in_a_commit_does_not_approve(repository):
    ann, bob = person("Ann"), person("Bob")
    given = {"title": "Split", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}
    change = submitting.submit(given=given, by=ann, ready=True, at=AT)
    row = pull(repository, by("co-author", name="B.", email="Bob@Northwind.example"))
    actions.link(change=change, pull_request=row, role="work", reason="test", actor="portal", at=AT)

    with pytest.raises(Refused, match="P-03: You contributed"):
        actions.approve(change=change, by=bob, verdict="yes", note="", authenticated_at=AT, at=AT)
    word = {"revision": queries.current_revision(change), "head_sha": "a" * 40, "verdict": "yes", "authenticated_at": AT, "at": AT}
    with pytest.raises(IntegrityError, match="a contributor cannot approve"), transaction.atomic():
        Approval.objects.create(change=change, by=bob, **word)


@pytest.mark.django_db(transaction=True)
def test_who_ends_the_link_of_the_own_account_does_not_become_somebody_else(repository):
    ann, bob = person("Ann"), person("Bob")
    given = {"title": "Split", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}
    change = submitting.submit(given=given, by=ann, ready=True, at=AT)
    row = pull(repository, by(uid=12, login="bob-gh", email="b@example.test"))
    actions.link(change=change, pull_request=row, role="work", reason="test", actor="portal", at=AT)
    unlink_identity(identity=linked(bob, 12), by="test", at=AT)

    assert links_for([12]) == {"12": (bob.pk, "Bob")}
    with pytest.raises(Refused, match="P-03: You contributed"):
        actions.approve(change=change, by=bob, verdict="yes", note="", authenticated_at=AT, at=AT)
    linked(ann, 12)
    assert links_for([12, "bob@northwind.example"]) == {"12": (ann.pk, "Ann"), "bob@northwind.example": (bob.pk, "Bob")}
