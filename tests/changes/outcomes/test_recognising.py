"""That a change was undone is recognised from Fly and from Git, tied to what it undoes, and timed."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changes.delivery.models import Push, Release
from changes.outcomes.queries import troubles_of, undoings
from changes.outcomes.recognising import recognise, reverted_by, undone_by
from changes.proposals.models import Undoing
from changes.proposals.refreshing import refresh
from portal.access.scope import Scope
from portal.ledger.queries import entries_about
from tests.changes.outcomes.world import AT, HOUR, in_production, pull, released, repository, sha
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann():
    return person("Ann")


def look(pull_requests=(), releases=(), at=AT):
    return recognise(repository=repository(), pull_requests=pull_requests, releases=releases, at=at)


def test_a_release_that_goes_back_undoes_everything_in_between(ann):
    released("a", 1, at=AT)
    one, two = in_production(ann, pull(1, merge="b")), in_production(ann, pull(2, merge="c"))
    released("b", 2, at=AT + HOUR)
    last = released("c", 3, at=AT + 2 * HOUR)
    back = released("a", 4, at=AT + 3 * HOUR, rolls_back=last)

    assert look(releases=[back]) == [one, two]
    assert look(releases=[back]) == [one, two]

    assert Undoing.objects.count() == 2
    row = one.undoings.get()
    assert (row.kind, row.release, row.started_at) == ("release", back, back.created_at)
    assert row.took.total_seconds() == 180
    assert [entry.kind for entry in entries_about(stream=f"change:{one.number}")].count("change.undone") == 1
    refresh(change=one, at=AT + 4 * HOUR)
    one.refresh_from_db()
    assert one.state == "rolled_back"


@pytest.mark.parametrize(("apart", "shown"), [(timedelta(minutes=-1), ["fly"]), (2 * HOUR, ["github", "fly"])])
def test_a_rollback_of_which_fly_and_the_forge_tell_is_shown_once(ann, apart, shown):
    released("a", 1, at=AT)
    change = in_production(ann, pull(1, merge="b"))
    last = released("b", 2, at=AT + HOUR)
    carried_out = released("a", 3, at=AT + 2 * HOUR, rolls_back=last)
    told = released("a", 4, at=carried_out.created_at + apart, rolls_back=last, app="")
    Release.objects.filter(pk=told.pk).update(source=Release.Source.GITHUB)
    look(releases=Release.objects.filter(rolls_back=last))

    assert change.undoings.count() == 2
    assert [row.release.source for row in undoings(Scope())] == shown
    assert len(troubles_of(change)) == len(shown)


def test_a_rollback_that_is_still_running_is_noted_and_ends_later(ann):
    released("a", 1, at=AT)
    change = in_production(ann, pull(1, merge="b"))
    last = released("b", 2, at=AT + HOUR)
    back = released("a", 3, at=AT + 2 * HOUR, state="running", rolls_back=last)
    look(releases=[back])
    assert change.undoings.get().took is None

    Release.objects.filter(pk=back.pk).update(state="succeeded", succeeded_at=AT + 3 * HOUR)
    back.refresh_from_db()
    look(releases=[back])

    assert change.undoings.get().finished_at == AT + 3 * HOUR
    kinds = [entry.kind for entry in reversed(entries_about(stream=f"change:{change.number}"))]
    assert kinds[-2:] == ["change.undoing", "change.undone"]


def test_going_back_to_something_unknown_undoes_only_the_release_before(ann):
    one, two = in_production(ann, pull(1, merge="b")), in_production(ann, pull(2, merge="c"))
    released("b", 2, at=AT + HOUR)
    last = released("c", 3, at=AT + 2 * HOUR)
    back = released("z", 4, at=AT + 3 * HOUR, rolls_back=last)

    assert undone_by(back) == [two]
    assert one not in undone_by(back)


@pytest.mark.parametrize("environment", ["staging", "development"])
def test_going_back_elsewhere_than_in_production_undoes_nothing(ann, environment):
    in_production(ann, pull(1, merge="b"))
    last = released("b", 2, at=AT, environment=environment)
    back = released("a", 3, at=AT + HOUR, environment=environment, rolls_back=last)

    assert look(releases=[back, last]) == []


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ('Revert "Work"', "Reverts acme/web#1"),
        ("Undo it", "Because of errors.\n\nReverts #1\n"),
        ("Undo it", f"This reverts commit {sha('b')}."),
        ("Undo it", f"This reverts commit {sha('b')[:9]}."),
        ('Revert "Work"', ""),
    ],
)
def test_a_revert_is_known_by_its_body_its_commit_or_its_title(ann, title, body):
    change = in_production(ann, pull(1, merge="b"))

    assert reverted_by(pull(5, merge="e", title=title, body=body, at=AT + HOUR)) == [change]


def test_a_revert_is_known_by_the_message_of_its_commit(ann):
    change = in_production(ann, pull(1, merge="b"))
    row = pull(5, merge="e", title="Undo it", at=AT + HOUR)
    commits = [{"sha": sha("e"), "message": f'Revert "Work"\n\nThis reverts commit {sha("b")}.'}]
    Push.objects.create(
        repository=repository(), branch="prod", before=sha("d"), after=sha("e"), commits=commits, pushed_at=AT, reported_at=AT
    )

    assert reverted_by(row) == [change]
    with CaptureQueriesContext(connection) as asked:
        assert look(pull_requests=[pull(6, merge="f", at=AT + HOUR), row, pull(7, merge="9", at=AT + HOUR)]) == [change]
    assert sum('FROM "changes_push"' in query["sql"] for query in asked) == 1, "once for all of them"


@pytest.mark.parametrize(
    ("title", "body"), [("Revert nothing", ""), ('Revert "Else"', ""), ("Work", "See acme/web#1"), ("x", "Reverts acme/api#1")]
)
def test_what_only_looks_like_a_revert_is_none(ann, title, body):
    in_production(ann, pull(1, merge="b"))

    assert reverted_by(pull(5, merge="e", title=title, body=body, at=AT + HOUR)) == []


def test_a_pull_request_does_not_revert_its_own_change(ann):
    change = in_production(ann, pull(1, merge="b"))
    from_the_same = pull(5, merge="e", body="Reverts #1", at=AT + HOUR)
    other = in_production(ann, from_the_same)

    assert reverted_by(from_the_same) == [change]
    assert other not in reverted_by(from_the_same)


def test_a_revert_ends_when_production_runs_it_and_moves_the_change_back(ann):
    change = in_production(ann, pull(1, merge="b"))
    released("b", 2, at=AT + HOUR)
    row = pull(5, merge="e", title='Revert "Work"', body="Reverts #1", at=AT + 2 * HOUR)
    in_production(ann, row, at=AT + 2 * HOUR)
    assert look([row]) == [change]
    refresh(change=change, at=AT)
    change.refresh_from_db()
    assert change.state == "released"

    released("e", 3, at=AT + 3 * HOUR)
    assert look() == [change]
    refresh(change=change, at=AT + 4 * HOUR)

    change.refresh_from_db()
    undoing = change.undoings.get()
    assert (undoing.kind, undoing.pull_request, change.state) == ("revert", row, "rolled_back")
    assert undoing.started_at == AT + 2 * HOUR
    assert undoing.took.total_seconds() == 3600 + 180
    assert look() == []


def test_an_open_pull_request_reverts_nothing_yet(ann):
    in_production(ann, pull(1, merge="b"))

    assert look([pull(5, title='Revert "Work"', body="Reverts #1")]) == []
