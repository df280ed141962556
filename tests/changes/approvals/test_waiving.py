"""Where nobody may approve: never silence. The waiver of chair and compliance manager, what it needs, and how it ends."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from changes.approvals import actions, queries, waiving
from changes.approvals.models import Waiver
from changes.delivery.models import PullRequest
from changes.gates.actions import assess, reassess
from changes.proposals import actions as proposals
from changes.proposals.models import Change
from portal.access.actions import revoke
from portal.access.models import RoleGrant
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import AT, approve, kinds, proposed, waiting_change
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)
DAY, LATER = timedelta(days=1), AT + timedelta(hours=1)


@pytest.fixture
def cleo():
    """The chair, and the only one who may approve."""
    return person("Cleo")


@pytest.fixture
def mia():
    return person("Mia")


@pytest.fixture
def change(cleo, mia):
    """A change whose only possible approver wrote it."""
    linked(cleo, 77)
    return waiting_change(person("Ann"), author=(77, "cleo-dev"))


def propose(change, by, **more):
    values = {"reason": "Only Cleo may approve", "review_at": AT + 30 * DAY, "authenticated_at": AT, "at": AT, **more}
    return actions.propose_waiver(change=change, by=by, **values)


def sign(waiver, by, **more):
    values = {"digest": waiver.digest, "authenticated_at": AT, "at": AT, **more}
    return actions.sign_waiver(waiver=waiver, by=by, **values)


def gate(change, at=LATER):
    _, gates = assess(change=change, at=at)
    return gates[7]


def test_the_gate_says_that_nobody_is_left_and_who_can_do_what(change):
    found = gate(on_main(change))

    assert found.state == "waiting"
    assert found.reason == "acme/web#1 at bbbbbbb: nobody is left who may approve it (0 of 1 approvals): Cleo took part."
    assert found.who.startswith("Chair and compliance manager (Cleo and Mia) decide together on a waiver")
    assert "waiver:needed" in [item.ref for item in found.evidence]


def classed(change, **values):
    """The change in another class, as the rules would put it."""
    same = {"category": change.category, "size": change.size, "kind": change.kind, "reasons": {}}
    proposals.classify(change=change, values={**same, **values}, actor="portal", at=AT)


def on_main(change):
    """Its work merged to main, so that there is something to approve."""
    PullRequest.objects.update(state="merged", merged_at=AT, merge_sha="b" * 40)
    return change


def test_both_sign_and_the_gate_is_met_with_a_doubt(change, cleo, mia):
    waiver = propose(on_main(change), cleo)
    assert (waiver.chair, waiver.compliance, waiver.nobody) == (cleo, None, [{"name": "Cleo", "why": "contributed to it"}])
    assert gate(change).state == "waiting"

    decided = sign(waiver, mia)

    change.refresh_from_db()
    assert (decided.compliance, change.state) == (mia, "approved")
    assert [kind for kind in kinds(change) if kind.startswith("waiver")] == ["waiver.proposed", "waiver.decided"]
    found = gate(change)
    assert found.state == "met"
    assert "passed by a waiver of Cleo (chair) and Mia (compliance manager) at 2026-11-02 10:00 UTC" in found.reason
    assert found.doubt == "Passed by a waiver, not by an approval; it is reviewed until 2026-12-02 10:00 UTC."


def test_an_approver_may_propose_it_and_both_still_sign(change, cleo, mia):
    eve = person("Eve", "approver")
    linked(eve, 78)
    PullRequest.objects.update(commit_people=[{"uid": 78, "login": "eve"}])
    waiver = propose(change, eve)
    assert (waiver.chair, waiver.compliance) == (None, None)

    sign(waiver, mia)
    assert queries.waiver_in_force(change) is None
    sign(waiver, cleo)

    assert queries.waiver_in_force(change) == waiver
    assert [kind for kind in kinds(change) if kind.startswith("waiver")] == ["waiver.proposed", "waiver.signed", "waiver.decided"]


def test_nothing_is_waived_while_somebody_can_approve(change, cleo):
    bob = person("Bob")
    with pytest.raises(Refused, match="Bob can approve it"):
        propose(change, cleo)
    bob.is_active = False
    bob.save()

    assert propose(change, cleo)


def test_somebody_away_cannot_approve(change, cleo, mia):
    bob = person("Bob")
    actions.delegate(absent=bob, to=cleo, starts_at=AT, ends_at=AT + DAY, reason="ill", by=cleo, at=AT)

    waiver = propose(change, cleo)
    assert {item["name"]: item["why"] for item in waiver.nobody}["Bob"] == "is away until 3 November, Cleo stands in"
    with pytest.raises(Refused, match="Bob can approve it"):
        sign(waiver, mia, at=AT + DAY, authenticated_at=AT + DAY)


def test_a_no_in_the_way_is_no_missing_approver(change, cleo):
    bob = person("Bob")
    approve(change, bob, "no")

    with pytest.raises(Refused, match="It has the approvals that it needs"):
        propose(change, cleo)
    assert {candidate.actor.name: candidate.why_not for candidate in queries.candidates_for(change, at=AT)} == {
        "Bob": "has asked for changes",
        "Cleo": "contributed to it",
    }


def test_two_are_needed_and_one_has_approved(change, cleo, mia):
    bob = person("Bob")
    classed(change, kind="access")
    on_main(change)
    approve(change, bob)
    change.refresh_from_db()
    assert change.state == "proposed"
    assert "(1 of 2 approvals): Bob has approved and Cleo took part" in gate(change).reason

    sign(propose(change, cleo), mia)

    found = gate(change)
    assert found.state == "met"
    assert "approved by Bob in the portal at 2026-11-02 10:00 UTC; for the rest passed by a waiver" in found.reason


def test_the_requester_is_named_among_those_who_cannot(cleo, mia):
    change = waiting_change(cleo)

    assert [candidate.why_not for candidate in queries.candidates_for(change, at=AT)] == ["asked for it"]


WHO = {"Ann": False, "Bob": False, "Dev": False, "Uma": False, "Rex": False}


@pytest.mark.parametrize("name", WHO)
def test_nobody_but_the_two_signs(change, cleo, name):
    waiver = propose(change, cleo)
    with pytest.raises(Refused, match=f"{name} may not decide on waivers"):
        sign(waiver, person(name) if name != "Ann" else change.requester)


def test_one_person_never_signs_for_both(change, cleo):
    waiver = propose(change, cleo)

    with pytest.raises(Stale, match="The chair has signed this waiver already"):
        sign(waiver, cleo)


def test_two_makers_do_not_waive_their_own_change(cleo, mia):
    linked(cleo, 77)
    change = waiting_change(mia, author=(77, "cleo-dev"))
    waiver = propose(change, cleo)

    with pytest.raises(Refused, match="Both of you took part"):
        sign(waiver, mia)
    assert queries.waiver_in_force(change) is None


def test_the_text_that_was_read_is_the_text_that_is_signed(change, cleo, mia):
    waiver = propose(change, cleo)
    with pytest.raises(Stale, match="not the one that you read"):
        sign(waiver, mia, digest="0" * 64)

    Waiver.objects.filter(pk=waiver.pk).update(lapse_reason="")
    assert sign(waiver, mia)


@pytest.mark.parametrize("what", ["reason", "review"])
def test_reason_and_review_date_are_needed(change, cleo, what):
    more = {"reason": " "} if what == "reason" else {"review_at": AT + 91 * DAY}
    with pytest.raises(Refused):
        propose(change, cleo, **more)


def test_both_need_a_fresh_sign_in(change, cleo, mia):
    with pytest.raises(Refused, match="not older than 5 minutes"):
        propose(change, cleo, authenticated_at=None)
    waiver = propose(change, cleo)
    with pytest.raises(Refused, match="not older than 5 minutes"):
        sign(waiver, mia, authenticated_at=AT - timedelta(minutes=6))


def test_it_lapses_after_72_hours(change, cleo, mia):
    waiver = propose(change, cleo)
    late = AT + timedelta(hours=72)
    with pytest.raises(Stale, match="lapsed"):
        sign(waiver, mia, at=late, authenticated_at=late)
    just = late - timedelta(microseconds=1)
    assert sign(waiver, mia, at=just, authenticated_at=just)


def test_there_is_one_at_a_time(change, cleo, mia):
    waiver = propose(change, cleo)
    with pytest.raises(Stale, match="already"):
        propose(change, mia)
    actions.withdraw_waiver(waiver=waiver, by=mia, at=AT)
    with pytest.raises(Stale, match="does not wait"):
        sign(waiver, mia)

    sign(propose(change, mia), cleo)
    with pytest.raises(Stale, match="already"):
        propose(change, cleo)


def test_who_wrote_it_or_decides_takes_it_back_until_the_merge(change, cleo, mia):
    waiver = sign(propose(change, cleo), mia)
    with pytest.raises(Refused, match="take it back"):
        actions.withdraw_waiver(waiver=waiver, by=person("Bob"), at=AT)

    actions.withdraw_waiver(waiver=waiver, by=mia, at=AT)

    change.refresh_from_db()
    assert change.state == "proposed"
    with pytest.raises(Stale, match="no longer counts"):
        actions.withdraw_waiver(waiver=waiver, by=mia, at=AT)


def test_after_the_merge_it_stays_on_record(change, cleo, mia):
    waiver = sign(propose(change, cleo), mia)
    Change.objects.filter(pk=change.pk).update(merged_at=AT)

    with pytest.raises(Refused, match="merged to production"):
        actions.withdraw_waiver(waiver=waiver, by=mia, at=AT)


ENDS = {
    "a new push": (lambda change: PullRequest.objects.update(head_sha="c" * 40), "a new push: the head is ccccccc now"),
    "the commit is gone": (lambda change: PullRequest.objects.update(state="closed"), "a new push: the head is gone now"),
    "another class": (lambda change: classed(change, kind="secrets"), "the change was classified anew"),
}


@pytest.mark.parametrize(("happens", "why"), ENDS.values(), ids=ENDS.keys())
def test_it_binds_to_commit_and_classes(change, cleo, mia, happens, why):
    waiver = sign(propose(change, cleo), mia)
    happens(change)
    change.refresh_from_db()

    reassess(change=change, at=LATER)

    waiver.refresh_from_db()
    change.refresh_from_db()
    assert (waiver.lapse_reason, waiver.lapsed_at, change.state) == (why, LATER, "proposed")
    assert kinds(change)[-2:] == ["waiver.lapsed", "change.lapse"]


def test_it_binds_to_the_text(change, cleo, mia):
    waiver = sign(propose(change, cleo), mia)
    texts = {"title": change.title, "why": "slow", "what": "all of it", "tested": "", "rollback": "other", "snapshot": ""}
    proposals.revise(change=change, texts=texts, source="form", at=AT, actor="portal")

    reassess(change=change, at=LATER)

    waiver.refresh_from_db()
    assert waiver.lapse_reason == "the proposal was edited"


def test_what_changed_before_the_second_signature_needs_another(change, cleo, mia):
    waiver = propose(change, cleo)
    PullRequest.objects.update(head_sha="c" * 40)

    with pytest.raises(Stale, match="not what it was when the waiver was written"):
        sign(waiver, mia)


def test_an_emergency_without_a_commit_can_be_waived_and_counts_for_what_follows(cleo, mia):
    change = proposed(cleo, category="emergency")
    sign(propose(change, cleo), mia)
    assert gate(change).state == "met"
    assert gate(change).reason.startswith("Emergency: passed by a waiver of Cleo (chair) and Mia")

    texts = {"title": change.title, "why": "it stood still", "what": "", "tested": "", "rollback": "x", "snapshot": ""}
    proposals.revise(change=change, texts=texts, source="form", at=AT, actor="portal")
    change.refresh_from_db()
    reassess(change=change, at=LATER)

    assert queries.waiver_in_force(change)
    assert change.state == "approved"


def test_it_is_looked_at_again_by_one_of_the_two(change, cleo, mia):
    waiver = propose(change, cleo)
    with pytest.raises(Refused, match="never decided"):
        actions.review_waiver(waiver=waiver, note="right", by=cleo, at=AT)
    sign(waiver, mia)
    assert list(queries.waivers_to_review()) == [waiver]
    with pytest.raises(Refused, match="Bob may not decide"):
        actions.review_waiver(waiver=waiver, note="right", by=person("Bob"), at=AT)
    with pytest.raises(Refused, match="needs words"):
        actions.review_waiver(waiver=waiver, note=" ", by=mia, at=AT)

    actions.review_waiver(waiver=waiver, note="It was right; Dev may approve now", by=mia, at=AT)

    assert not queries.waivers_to_review().exists()
    assert kinds(change)[-1] == "waiver.reviewed"
    with pytest.raises(Stale, match="reviewed already"):
        actions.review_waiver(waiver=waiver, note="again", by=cleo, at=AT)


def test_the_database_wants_a_chair_and_a_compliance_manager(change, cleo, mia):
    waiver = Waiver.objects.filter(pk=propose(change, cleo).pk)
    zoe, late = person("Zoe", "chair"), waiver.get().expires_at
    with pytest.raises(IntegrityError, match="signed by the compliance manager"):
        waiver.update(compliance=zoe, compliance_at=AT)
    with pytest.raises(IntegrityError, match="signed by the chair"):
        waiver.update(chair=mia, chair_at=AT)
    with pytest.raises(IntegrityError, match="before it lapses"):
        waiver.update(compliance=mia, compliance_at=late)
    with pytest.raises(IntegrityError, match="no ledger entry"):
        waiver.update(compliance=mia, compliance_at=AT)


def test_a_role_that_has_ended_signs_nothing(change, cleo, mia):
    waiver = propose(change, cleo)
    other = person("Zoe", "compliance")
    revoke(grant=RoleGrant.objects.get(user=mia), by=other, reason="left", at=AT)

    with pytest.raises(Refused, match="Mia may not decide on waivers"):
        sign(waiver, mia)


def test_its_digest_covers_everything_that_is_read(change, cleo):
    waiver = propose(change, cleo)
    before = waiver.digest
    waiver.reason = "another"

    assert waiving.waiver_digest(waiver) != before


def test_what_was_read_before_others_moved_it_is_settled_as_it_stands(change):
    bob = person("Bob")
    old = Change.objects.get(pk=change.pk)
    approve(change, bob)

    reassess(change=old, at=LATER)

    assert Change.objects.get(pk=change.pk).state == "approved"
    assert kinds(change).count("change.approve") == 1


def test_words_move_a_withdrawn_change_no_more():
    change = waiting_change(ann := person("Ann"))
    approve(change, person("Bob"))
    proposals.press(change=change, verb="withdraw", by=ann, at=AT)

    waiving.settle(change=change, at=AT)
    reassess(change=change, at=AT)

    change.refresh_from_db()
    assert change.state == "withdrawn"
