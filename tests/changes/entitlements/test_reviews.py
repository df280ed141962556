"""Access reviews: who reviews what, answers, closing, proof of removal, reminders."""

from datetime import timedelta

import pytest

from changes.entitlements.own import take_own
from changes.entitlements.reviews import actions, policy, queries
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer, ReviewEntry, SystemOwner
from changes.entitlements.reviews.reminding import keep_reviews, remind
from portal.ledger.models import LedgerLeaf
from portal.ledger.queries import entries_about
from portal.outbox.models import Effect
from portal.policy.refusal import Refused, Stale
from tests.changes.entitlements.world import API, AT, DAY, HOUR, SHOP, held, take
from tests.changes.people import linked, person


@pytest.mark.parametrize(
    ("holder", "owners", "found"),
    [
        (1, {("s", "t"): 2, ("s", ""): 3}, 2),
        (2, {("s", "t"): 2, ("s", ""): 3}, 3),
        (1, {("s", ""): 3}, 3),
        (3, {("s", ""): 3}, 4),
        (4, {}, 5),
        (None, {}, 4),
    ],
)
def test_a_right_is_reviewed_by_who_answers_for_it_and_never_by_its_holder(holder, owners, found):
    assert policy.reviewer_for(source="s", thing="t", holder=holder, owners=owners, pool=[4, 5]) == found


def test_nobody_reviews_where_only_the_holder_could():
    assert policy.reviewer_for(source="s", thing="t", holder=4, owners={}, pool=[4]) is None


@pytest.mark.parametrize(
    ("verdict", "reason", "holders", "why"),
    [("burn", "", {2}, "kept"), ("remove", " ", {2}, "reason"), ("justify", "", {2}, "reason"), ("keep", "", {1, 2}, "their own")],
)
def test_an_answer_is_refused(verdict, reason, holders, why):
    with pytest.raises(Refused, match=why):
        policy.check_answer(verdict=verdict, reason=reason, holders=holders, by=1)


@pytest.mark.parametrize(
    ("ended_at", "after", "state"), [(AT, 1, "removed"), (None, 7, "open"), (None, 8, "overdue"), (AT, 99, "removed")]
)
def test_a_removal_is_open_until_it_is_seen_and_overdue_after_its_days(ended_at, after, state):
    given = {"answered_at": AT, "ended_at": ended_at, "at": AT + after * DAY, "within": timedelta(days=7)}

    assert policy.removal_state(**given) == state


@pytest.mark.parametrize(("days", "kind"), [(0, "opened"), (17, "before"), (22, "late")])
def test_reminders_follow_the_clock(days, kind):
    given = {"opened_at": AT, "due_at": AT + 21 * DAY, "at": AT + days * DAY, "before": 5 * DAY}

    assert policy.reminder_for(**given) == kind


@pytest.fixture
def world(db):
    """Mia leads, Bob answers for GitHub, Ann and Bob have rights there, and a bot that nobody explained."""
    mia, bob, ann = person("Mia"), person("Bob"), person("Ann")
    linked(ann, 1, "ann")
    linked(bob, 2, "bob")
    take(held("ann", account_id="1"), held("bob", "admin", account_id="2"), held("deploy", account_kind="app", account_id="9"))
    take_own(at=AT)
    actions.set_owner(source="github", thing="", person=bob, by=mia, at=AT)
    return mia, bob, ann


def entries_of(kind):
    return [row for row in entries_about(stream="access-review:1") if row.kind == kind]


def entry(review, account, source="github"):
    return ReviewEntry.objects.get(review=review, account_name=account, source=source)


def test_a_review_is_opened_answered_and_closed_with_its_proof(world):
    mia, bob, ann = world
    review = actions.open_review(by=mia, at=AT)
    mine = [entry(review, "ann").pk, entry(review, "deploy").pk]

    first = actions.answer(review=review, entries=mine, verdict="keep", by=bob, at=AT + HOUR)
    again = actions.answer(review=review, entries=mine, verdict="keep", by=bob, at=AT + HOUR)
    changed = actions.answer(review=review, entries=mine[:1], verdict="remove", reason="Left the team.", by=bob, at=AT + 2 * HOUR)
    progress = queries.progress_of(review)
    with pytest.raises(Refused, match="are not answered"):
        actions.close(review=review, note="", by=mia, at=AT + DAY)
    closed = actions.close(review=review, note="The rest is new.", by=mia, at=AT + DAY)

    assert (len(first), again, len(changed)) == (2, [], 1)
    assert [(row.holder, row.reviewer) for row in (entry(review, "ann"), entry(review, "bob"), entry(review, "deploy"))] == [
        (ann, bob),
        (bob, mia),
        (None, bob),
    ]
    assert [entry(review, name, "portal").reviewer for name in ("Ann", "Bob")] == [mia, mia]
    assert entry(review, "Mia", "portal").reviewer is not mia
    assert (progress.entries, progress.left, dict(progress.by_verdict)) == (6, 4, {"keep": 1, "remove": 1})
    assert {(share.reviewer, share.entries, share.left) for share in progress.shares} == {(mia, 3, 3), (bob, 3, 1)}
    assert {**closed.outcome, "digest": ""} == {"keep": 1, "justify": 0, "remove": 1, "left": 4, "digest": ""}
    assert review.digest == policy.digest_of_entries(map(actions.frozen, review.entries.order_by("place")))
    kinds = LedgerLeaf.objects.filter(stream="access-review:1").order_by("stream_seq").values_list("kind", flat=True)
    assert list(kinds) == ["access_review.opened", "access_review.answered", "access_review.answered", "access_review.closed"]
    with pytest.raises(Stale, match="was closed"):
        actions.answer(review=review, entries=mine, verdict="keep", by=bob, at=AT + DAY)


def test_a_removal_is_proved_by_a_later_snapshot_and_seen_when_it_comes_back(world):
    mia, bob, _ = world
    review = actions.open_review(by=mia, at=AT)
    actions.answer(review=review, entries=[entry(review, "ann").pk], verdict="remove", reason="Left.", by=bob, at=AT + HOUR)
    rest = (held("bob", "admin", account_id="2"), held("deploy", account_kind="app", account_id="9"))

    states = [queries.removals(at=AT + days * DAY)[0].state for days in (1, 9)]
    snapshot = take(*rest, at=AT + 10 * DAY)
    gone = queries.removals(at=AT + 10 * DAY)[0]
    take(*rest, held("ann", account_id="1"), at=AT + 11 * DAY)
    back = queries.removals(at=AT + 11 * DAY)[0]

    assert states == ["open", "overdue"]
    assert (gone.state, gone.ended_at, gone.snapshot, gone.back) == ("removed", AT + 10 * DAY, snapshot.pk, False)
    assert (back.state, back.back) == ("removed", True)


def test_what_may_not_be_is_refused(world):
    mia, bob, ann = world
    review = actions.open_review(by=mia, at=AT)
    own, other, of_ann = entry(review, "bob").pk, entry(review, "Ann", "portal").pk, entry(review, "ann").pk
    tries = [
        ({"entries": [own], "by": bob}, "their own"),
        ({"entries": [other], "by": bob}, "somebody else"),
        ({"entries": [of_ann], "by": ann}, "may not review"),
        ({"entries": [], "by": bob}, "Between 1 and 500"),
        ({"entries": [of_ann], "by": mia, "verdict": "justify"}, "reason"),
    ]

    for given, why in tries:
        with pytest.raises(Refused, match=why):
            actions.answer(**{"review": review, "verdict": "keep", "at": AT, **given})
    with pytest.raises(Stale, match="not entries"):
        actions.answer(review=review, entries=[0], verdict="keep", by=bob, at=AT)
    with pytest.raises(Stale, match="still open"):
        actions.open_review(by=mia, at=AT)
    with pytest.raises(Refused, match="may not open"):
        actions.close(review=review, note="x", by=bob, at=AT)
    with pytest.raises(Refused, match="may not review"):
        actions.set_owner(source="github", thing=SHOP, person=ann, by=mia, at=AT)
    assert actions.answer(review=review, entries=[of_ann], verdict="keep", by=mia, at=AT)
    assert not ReviewAnswer.objects.exclude(by=mia).exists()


def test_entries_are_handed_over_with_a_reason_and_the_first_reviewer_stays_on_record(world):
    mia, bob, ann = world
    cleo, rex = person("Cleo"), person("Rex")
    review = actions.open_review(by=mia, at=AT)
    mine = [entry(review, "ann").pk, entry(review, "deploy").pk]
    given = {"review": review, "entries": mine, "to": cleo, "reason": "On leave.", "by": bob, "at": AT + HOUR}

    for spoilt, why in (
        ({"reason": " "}, "its reason"),
        ({"to": ann}, "Ann may not review access"),
        ({"entries": [entry(review, "bob").pk]}, "somebody else to review"),
        ({"entries": [entry(review, "bob").pk], "by": mia, "to": bob}, "their own rights"),
        ({"entries": []}, "Between 1 and"),
    ):
        with pytest.raises(Refused, match=why):
            actions.hand_over(**{**given, **spoilt})
    first, again = actions.hand_over(**given), actions.hand_over(**{**given, "by": cleo})

    assert (len(first), again) == (2, [])
    shares = {share.reviewer: share.entries for share in queries.progress_of(review).shares}
    assert (shares[cleo], shares.get(bob)) == (3, None), "Cleo had one before"
    assert [(row.asked, row.reviewer) for row in queries.entries_of(review).filter(pk__in=mine)] == [(cleo.pk, bob)] * 2
    assert {row.handed_by for row in queries.entries_of(review).filter(pk__in=mine)} == {"Bob"}
    assert {row.handed_by for row in queries.entries_of(review).exclude(pk__in=mine)} == {None}
    with pytest.raises(Refused, match="somebody else"):
        actions.answer(review=review, entries=mine, verdict="keep", by=bob, at=AT + HOUR)
    assert len(actions.answer(review=review, entries=mine, verdict="keep", by=cleo, at=AT + HOUR)) == 2
    assert review.digest == policy.digest_of_entries(map(actions.frozen, review.entries.order_by("place")))
    [told] = entries_of("access_review.handed_over")
    assert (told.fact["to"], told.fact["reason"], told.fact["count"]) == (cleo.pk, "On leave.", 2)
    with pytest.raises(Stale, match="not entries"):
        actions.hand_over(**{**given, "entries": [10**9], "by": rex})


def test_owners_are_kept_with_their_dates(world):
    mia, bob, _ = world
    cleo = person("Cleo")
    actions.set_owner(source="github", thing=API, person=cleo, by=mia, at=AT + HOUR)
    actions.set_owner(source="github", thing="", person=bob, by=mia, at=AT + HOUR)
    actions.set_owner(source="github", thing="", person=cleo, by=mia, at=AT + 2 * HOUR)
    actions.set_owner(source="github", thing="", person=None, by=mia, at=AT + 3 * HOUR)

    assert [(row.thing, row.person) for row in queries.owners()] == [(API, cleo)]
    assert SystemOwner.objects.filter(thing="").count() == 2


def test_without_rights_there_is_nothing_to_review(db):
    with pytest.raises(Refused, match="No right"):
        actions.open_review(by=person("Mia"), at=AT)
    assert queries.due_since(at=AT) is None
    assert keep_reviews(at=AT) == 0


def test_the_portal_opens_the_review_that_is_due_and_reminds_once_each(world):
    assert keep_reviews(at=AT + 90 * DAY) == 0
    assert queries.due_since(at=AT + 92 * DAY) == AT + 91 * DAY

    first = keep_reviews(at=AT + 92 * DAY)
    review = AccessReview.objects.get()
    sent = [remind(review=review, at=AT + days * DAY) for days in (92, 110, 111, 114, 115)]

    assert review.opened_by is None
    assert (first, sent) == (2, [0, 2, 0, 2, 0])
    assert queries.due_since(at=AT + 300 * DAY) is None
    told = [entry.fact["left"] for entry in entries_of("access_review.reminded")]
    assert [len(left) for left in told] == [2, 2, 2]
    assert not Effect.objects.filter(kind="mail").exists(), "mail and Slack are told from the ledger, by changes.talk"


def test_a_long_list_is_opened_and_answered_with_few_queries(db, django_assert_max_num_queries):
    mia = person("Mia")
    take(*(held(f"account {number}") for number in range(2000)))

    with django_assert_max_num_queries(25):
        review = actions.open_review(by=mia, at=AT)
    some = list(review.entries.order_by("place").values_list("pk", flat=True)[:400])
    with django_assert_max_num_queries(15):
        actions.answer(review=review, entries=some, verdict="keep", by=mia, at=AT)

    assert queries.progress_of(review).left == 1600
