"""Conflicts of rights over systems, and the register of limitations."""

import pytest

from changes.delivery.models import Repository
from changes.entitlements.facts import Right
from changes.entitlements.mergers import actions as mergers
from changes.entitlements.own import take_own
from changes.entitlements.segregation import actions, policy, queries
from changes.entitlements.segregation.models import Limitation
from changes.entitlements.segregation.policy import Grip
from portal.access.models import Identity
from portal.ledger.actions import append
from portal.policy.refusal import Refused, Stale
from tests.changes.entitlements.world import AT, DAY, held, take
from tests.changes.people import linked, person

WRITE, APPROVE = Grip(Right.WRITE, "code", "1", "write"), Grip(Right.APPROVE, "portal", "p", "approve")
DEPLOY, BYPASS = Grip(Right.DEPLOY, "production", "o", "deploy"), Grip(Right.BYPASS, "code", "1", "bypass")
ELSEWHERE = Grip(Right.BYPASS, "code", "2", "bypass")
ADMIN = Grip(Right.ADMIN, "production", "o", "admin")


@pytest.mark.parametrize(
    ("grips", "codes"),
    [
        ([WRITE, APPROVE, DEPLOY], ["alone"]),
        ([WRITE, APPROVE, ADMIN], ["alone"]),
        ([WRITE, APPROVE], []),
        ([APPROVE, DEPLOY], []),
        ([WRITE, BYPASS], ["past_the_rules"]),
        ([WRITE, ELSEWHERE], []),
        ([WRITE, APPROVE, DEPLOY, BYPASS], ["alone", "past_the_rules"]),
    ],
)
def test_rights_together_are_a_conflict(grips, codes):
    assert [one.rule.code for one in policy.conflicts({7: grips})] == codes


@pytest.fixture
def world(db):
    """Bob approves, writes by a team and may merge to prod; Rex administers a repository whose administrators are not bound."""
    mia, bob, rex, ann = (person(name) for name in ("Mia", "Bob", "Rex", "Ann"))
    for number, user in enumerate((bob, rex, ann), start=1):
        linked(user, number, user.name.lower())
    take(
        held("core", account_id="7", account_kind="team", thing="github.repository_teams:1"),
        held("bob", "read", account_id="1", thing="github.team:7"),
        held("rex", "admin", account_id="2"),
        held("all admins", "bypass", account_id="role:admin", account_kind="team", thing="github.branch:1:prod"),
        held("ann", account_id="3"),
        held("ci", "bypass", account_id="4", account_kind="app", thing="github.branch:1:prod"),
        held("nobody", "admin", account_id="99"),
        things=("github.repository:1", "github.repository_teams:1", "github.team:7", "github.branch:1:prod"),
    )
    take_own(at=AT)
    return mia, bob, rex, ann


def test_conflicts_are_found_through_teams_roles_and_lists(world):
    mia, bob, rex, _ = world
    shop = Repository.objects.create(name="northwind/shop", vendor_id=1, in_scope_from=AT)
    before = [(one.person, one.conflict.rule.code) for one in queries.found_now(at=AT)]
    row = mergers.propose(repository=shop.pk, branch="prod", people=[bob], reason="On call.", by=mia, at=AT)
    mergers.confirm(row=row, digest=row.digest, by=person("Dev"), at=AT)

    found = queries.found_now(at=AT)

    assert before == [(rex, "past_the_rules")]
    assert [(one.person, one.conflict.rule.code) for one in found] == [(bob, "alone"), (rex, "past_the_rules")]
    assert [grip.words for grip in found[0].conflict.grips] == [
        "write on northwind/1 through core",
        "approve on Countersign (approver)",
        "may merge to prod of northwind/shop",
    ]


def test_an_account_of_another_vendor_counts_for_the_same_person(world):
    _, bob, _, _ = world
    row = Identity.objects.create(user=bob, provider="fly", uid="f1", linked_by="shell:test", linked_at=AT)
    append(stream=f"person:{bob.pk}", kind="identity.linked", actor="shell:test", fact={}, rows=[row])
    take(held("bob", "admin", account_id="f1", thing="fly.organization:nw"), things=["fly.organization:nw"], source="fly")

    assert (bob, "alone") in [(one.person, one.conflict.rule.code) for one in queries.found_now(at=AT)]


def propose(who, *, by, at=AT, **more):
    given = {"rule": "past_the_rules", "reason": "Two of us.", "control": "Every push is read weekly.", "until": at + 90 * DAY}
    return actions.propose(person=who, by=by, at=at, **{**given, **more})


def test_a_limitation_covers_a_conflict_until_its_day(world):
    mia, bob, rex, _ = world
    row = propose(rex, by=bob)
    assert [one.pk for one in queries.waiting(at=AT)] == [row.pk]
    actions.confirm(row=row, digest=row.digest, by=mia, at=AT)

    states = [queries.found_now(at=AT + days * DAY)[0].limitation for days in (0, 89, 90)]
    actions.end(row=row, by=mia, at=AT + DAY)

    assert states == [row, row, None]
    assert [one.pk for one in queries.over(at=AT + DAY)] == [row.pk]
    with pytest.raises(Stale, match="over already"):
        actions.end(row=row, by=mia, at=AT + DAY)


def test_what_may_not_be_is_refused(world):
    mia, bob, rex, ann = world
    cleo = person("Cleo")
    for given, why in [
        ({"by": ann}, "propose this"),
        ({"rule": "x"}, "no conflict"),
        ({"control": ""}, "what is done instead"),
        ({"until": AT}, "within a year"),
    ]:
        with pytest.raises(Refused, match=why):
            propose(rex, **{"by": bob, **given})
    row = propose(cleo, by=mia)
    with pytest.raises(Stale, match="already"):
        propose(cleo, by=bob)
    with pytest.raises(Stale, match="you read"):
        actions.confirm(row=row, digest="x", by=cleo, at=AT)
    for by, why in [(mia, "yourself"), (cleo, "your own rights"), (bob, "chair or compliance")]:
        with pytest.raises(Refused, match=why):
            actions.confirm(row=row, digest=row.digest, by=by, at=AT)
    with pytest.raises(Refused, match="decides on this"):
        actions.end(row=row, by=bob, at=AT)
    with pytest.raises(Stale, match="no longer"):
        actions.confirm(row=row, digest=row.digest, by=mia, at=AT + 9 * DAY)
    propose(cleo, by=mia, at=AT + 9 * DAY)
    assert Limitation.objects.get(pk=row.pk).withdrawn_at == AT + 9 * DAY
