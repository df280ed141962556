"""Reviews, follow-ups, marks, rollbacks and drills: each on record, each by whoever may."""

from datetime import timedelta

import pytest

from changes.exceptions.actions import Found, open_exception
from changes.outcomes import actions, queries
from changes.outcomes.policy import Wish
from portal.access.scope import Scope
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.outcomes.world import AT, HOUR, in_production, pull, released, repository
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def change(ann):
    return in_production(ann, pull(7, merge="a"))


def review(change, by, **more):
    given = {"kind": "post_implementation", "outcome": "went_well", "impact": "", "note": "", "follow_ups": ()}
    return actions.review(**{"change": change, "by": by, "at": AT, **given, **more})


def kinds(change):
    return [entry.kind for entry in reversed(entries_about(stream=f"change:{change.number}"))]


def test_the_requester_answers_the_one_question(change, ann):
    row = review(change, ann)

    assert (row.outcome, row.impact, row.by) == ("went_well", "", ann)
    assert kinds(change)[-1] == "review.post_implementation"
    with pytest.raises(Stale):
        review(change, ann)


def test_an_engineer_who_did_not_ask_for_it_does_not_answer(change):
    with pytest.raises(Refused, match="requester"):
        review(change, person("Eve", "engineer"))


def test_went_well_needs_a_reason_against_the_records(change, ann):
    failed = released("a", 3, at=AT + HOUR, state="failed")
    good = released("a", 4, at=AT + 2 * HOUR)
    actions.mark_deploy(release=good, what="failed", note="", by=ann, at=AT)
    found = Found("no_staging", "#7", "k", "Merged without staging.", AT, True, change=change)
    open_exception(repository=repository(), found=found, at=AT)

    assert queries.troubles_of(change) == [f"{failed} failed", f"{good} is marked as failed", "Merged without staging"]
    with pytest.raises(Refused, match="records say"):
        review(change, ann)
    assert review(change, ann, note="The second release was fine.").outcome == "went_well"


def test_follow_ups_become_tasks_of_their_owners(change, ann):
    bob, mia = person("Bob"), person("Mia")
    wishes = [Wish(" Add an alarm ", bob.pk, AT.date() + 7 * DAY), Wish("Tell support", ann.pk, AT.date())]
    row = review(change, ann, outcome="failed", impact="Errors for ten minutes", follow_ups=wishes)

    first, second = row.follow_ups.order_by("id")
    assert (first.text, first.owner, second.owner) == ("Add an alarm", bob, ann)
    with pytest.raises(Refused, match="owner"):
        actions.finish_follow_up(follow_up=first, note="x", by=ann, at=AT)
    actions.finish_follow_up(follow_up=first, note="Added.", by=bob, at=AT + DAY)
    actions.finish_follow_up(follow_up=second, note="Told.", by=mia, at=AT + DAY)
    with pytest.raises(Stale):
        actions.finish_follow_up(follow_up=first, note="again", by=bob, at=AT)
    assert kinds(change)[-4:] == ["follow_up.asked", "follow_up.asked", "follow_up.done", "follow_up.done"]


@pytest.mark.parametrize("owner", ["Uma", None])
def test_a_follow_up_goes_to_somebody_who_takes_part(change, ann, owner):
    pk = person(owner).pk if owner else 4711
    with pytest.raises(Refused):
        review(change, ann, follow_ups=[Wish("x", pk, AT.date())])
    assert not change.reviews_after.exists()


def test_a_deploy_is_marked_as_failed_and_a_later_one_as_its_fix(ann):
    bad, good = released("a", 3, at=AT), released("b", 4, at=AT + HOUR)
    failed = actions.mark_deploy(release=bad, what="failed", note=" errors ", by=ann, at=AT)
    with pytest.raises(Stale):
        actions.mark_deploy(release=bad, what="failed", note="", by=ann, at=AT)
    with pytest.raises(Refused, match="which failure"):
        actions.mark_deploy(release=good, what="fixed", note="", by=ann, at=AT)

    fixed = actions.mark_deploy(release=good, what="fixed", note="", by=ann, at=AT, resolves=failed)

    assert (failed.note, fixed.resolves) == ("errors", failed)
    assert [entry.kind for entry in entries_about(stream=f"release:{bad.pk}")] == ["deploy.marked"]


def test_a_mark_is_taken_back_by_who_set_it_or_who_oversees_and_may_be_set_anew(ann):
    bob, dev = person("Bob"), person("Dev")
    bad, good = released("a", 3, at=AT), released("b", 4, at=AT + HOUR)
    mark = actions.mark_deploy(release=bad, what="failed", note="", by=ann, at=AT)
    with pytest.raises(Refused):
        actions.withdraw_mark(mark=mark, by=bob, at=AT)
    actions.withdraw_mark(mark=mark, by=ann, at=AT)
    with pytest.raises(Stale):
        actions.withdraw_mark(mark=mark, by=ann, at=AT)
    mark.refresh_from_db()
    with pytest.raises(Refused, match="which failure"):
        actions.mark_deploy(release=good, what="fixed", note="", by=ann, at=AT, resolves=mark)

    again = actions.mark_deploy(release=bad, what="failed", note="", by=bob, at=AT)

    assert actions.withdraw_mark(mark=again, by=dev, at=AT).withdrawn_by == dev


def test_a_rollback_is_recorded_with_what_is_lost(change, ann):
    with pytest.raises(Refused, match="lost"):
        actions.record_rollback(change=change, target="v6", snapshot="", data_loss=" ", note="", by=ann, at=AT)

    row = actions.record_rollback(change=change, target=" v6 ", snapshot="", data_loss="nothing", note="", by=ann, at=AT)

    assert row.target == "v6"
    assert kinds(change)[-1] == "rollback.recorded"


def test_a_change_with_a_migration_names_its_snapshot(ann):
    change = in_production(ann, pull(8, merge="b", paths=["shop/migrations/0002_more.py"]))
    given = {"change": change, "target": "v6", "data_loss": "orders of the last minute", "note": "", "by": ann, "at": AT}

    with pytest.raises(Refused, match="migration"):
        actions.record_rollback(snapshot="", **given)
    assert actions.record_rollback(snapshot="vs_123", **given).snapshot == "vs_123"


def test_a_drill_counts_for_its_app_only_when_it_worked(ann):
    released("a", 1, at=AT - 300 * DAY)
    released("b", 1, at=AT - 10 * DAY, app="api")
    every = timedelta(days=183)

    def drill(outcome, days):
        given = {"app": "web", "environment": "staging", "target": "v1", "outcome": outcome, "seconds": 240, "note": ""}
        return actions.record_drill(**given, began_at=AT - days * DAY, by=ann, at=AT)

    drill("failed", 1)
    overdue = {line.app: line.overdue for line in queries.drill_clocks(at=AT, every=every)}
    row = drill("worked", 2)
    lines = queries.drill_clocks(at=AT, every=every)

    assert overdue == {"web": True, "api": False}
    assert row.minutes == 4.0
    assert [(line.app, line.overdue, line.last) for line in lines] == [("api", False, None), ("web", False, AT - 2 * DAY)]
    with pytest.raises(Refused, match="No release"):
        actions.record_drill(
            app="x", environment="staging", target="", outcome="worked", began_at=AT, seconds=1, note="", by=ann, at=AT
        )


def test_a_real_rollback_proves_the_way_back_too(ann):
    first = released("a", 1, at=AT - 300 * DAY)
    second = released("b", 2, at=AT - 299 * DAY)
    released("a", 3, at=AT - 5 * DAY, rolls_back=second)

    (line,) = queries.drill_clocks(at=AT, every=timedelta(days=183))

    assert (line.overdue, line.last) == (False, AT - 5 * DAY + timedelta(minutes=3))
    assert first.app == line.app


def test_a_deployment_that_names_no_app_counts_only_where_no_release_of_its_repository_names_one():
    released("a", 1, at=AT - 9 * DAY)
    released("a", 2, at=AT - 300 * DAY, app="")
    released("b", 3, at=AT - 8 * DAY, app="", repository=repository("acme/docs"))

    assert queries.apps_in_production() == ["acme/docs", "web"]
    lines = queries.drill_clocks(at=AT, every=timedelta(days=183))
    assert [(line.app, line.due_at) for line in lines] == [("web", AT + 174 * DAY), ("acme/docs", AT + 175 * DAY)]


def test_earlier_releases_are_those_that_succeeded_before(ann, change):
    old, bad = released("f", 1, at=AT - 2 * HOUR), released("e", 2, at=AT - HOUR, state="failed")
    own = released("a", 3, at=AT + HOUR)

    found = queries.earlier_releases(change)

    assert found == [old]
    assert bad not in found
    assert own not in found
    assert queries.earlier_releases(in_production(ann, pull(9, merge="c"))) == []


def test_rollbacks_are_listed_inside_the_scope(ann, change):
    inside = Scope(repositories=frozenset({"acme/web"}), window_from=AT - DAY, window_to=AT + DAY)
    assert list(queries.undoings(inside)) == []
    assert list(queries.undoings(Scope())) == []
