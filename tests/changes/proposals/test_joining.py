"""Pull requests join changes by a click and by name: one, several, and forty at once."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from changes.delivery.models import PullRequest, Repository
from changes.proposals import actions, queries, submitting
from changes.proposals.following import follow, join_all
from changes.proposals.joining import join, link_by_hand, named, offered, undecided
from changes.proposals.models import Change, LinkedPullRequest, SignOff
from changes.proposals.telling import MOST_NAMED
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import linked, person
from tests.changes.proposals.test_actions import approve, pull
from tests.changes.proposals.test_actions import repository as repository  # a fixture
from tests.database import cover
from tests.pace import SHARED

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
GIVEN = {"title": "Split the queue", "why": "jobs wait", "rollback": "redeploy", "category": "standard", "size": "normal"}
ANN = 501
MINUTE = timedelta(minutes=1)
FORTY = 40
FAST = 20 * SHARED
"""Seconds for forty changes on a busy machine."""


@pytest.fixture
def ann():
    ann = person("Ann")
    linked(ann, ANN, "ann")
    return ann


@pytest.fixture
def change(ann):
    return proposed(ann)


def proposed(by, **more):
    return submitting.submit(given={**GIVEN, **more}, by=by, ready=True, at=AT)


def opened(repository, number=7, settled=True, **more):
    """A pull request of Ann, and the change that it opened."""
    row = pull(repository, number, **{"author_uid": ANN, "author_login": "ann", "body": "## Why\nwaits", **more})
    return row, follow(pull_request=row, at=AT, settled=settled)


def roles(change):
    return list(LinkedPullRequest.objects.filter(change=change).order_by("id").values_list("pull_request__number", "role"))


def test_a_pull_request_is_linked_and_the_change_that_it_opened_is_withdrawn(ann, change, repository):
    row, [own] = opened(repository)

    withdrawn = link_by_hand(change=change, pull_request=row, by=ann, at=AT)

    own.refresh_from_db()
    assert (withdrawn, own.state, own.joined_to) == ([own], "withdrawn", change)
    assert (roles(change), roles(own)) == ([(7, "work")], [(7, "joined")])
    assert list(queries.changes_of(row)) == [change]
    first, second = entries_about(stream=f"change:{own.number}")[:2]
    assert (first.kind, first.fact["reason"]) == ("change.withdraw", f"It joined {change}.")
    assert (second.kind, second.fact["to"], second.fact["pull_requests"]) == ("change.joined", str(change), ["acme/web#7"])


def test_the_change_that_a_pull_request_opened_joins_another_one(ann, change, repository):
    _row, [own] = opened(repository)

    assert join(change=own, to=change, by=ann, at=AT) == change

    assert (own.state, own.joined_to) == ("withdrawn", change)
    assert roles(change) == [(7, "work")]


def test_what_joined_stays_withdrawn_whatever_the_pull_request_does_later(ann, change, repository):
    row, [own] = opened(repository)
    join(change=own, to=change, by=ann, at=AT)

    for state in ({"title": "Split it"}, {"state": "merged", "merged_at": AT, "merge_sha": "f" * 40}):
        PullRequest.objects.filter(pk=row.pk).update(**state)
        assert follow(pull_request=row, at=AT, settled=True) == [change]

    own.refresh_from_db()
    assert own.state == "withdrawn"
    with pytest.raises(Refused, match=f"joined {change}"):
        actions.press(change=own, verb="reopen", by=ann, at=AT)


def test_a_change_carries_pull_requests_of_several_repositories(ann, change, repository):
    other = Repository.objects.create(name="acme/api", in_scope_from=AT)
    for home, number in ((repository, 7), (other, 9)):
        row, _ = opened(home, number)
        link_by_hand(change=change, pull_request=row, by=ann, at=AT)

    change.refresh_from_db()
    assert roles(change) == [(7, "work"), (9, "work")]
    assert change.repository_names == ["acme/api", "acme/web"]


def test_one_that_names_the_change_later_can_still_join_it(ann, change, repository):
    row, [own] = opened(repository)
    PullRequest.objects.filter(pk=row.pk).update(title=f"Queue, {change}")
    assert set(follow(pull_request=row, at=AT, settled=True)) == {change, own}

    join(change=own, to=change, by=ann, at=AT)

    assert (roles(change), roles(own)) == ([(7, "work")], [(7, "joined")])


@pytest.mark.parametrize("decide", ["approve", "sign_off", "emergency", "merge"])
def test_what_somebody_decided_on_is_not_taken_over(ann, change, repository, decide):
    row, [own] = opened(repository)
    values = {"category": "emergency", "size": "normal", "kind": "application", "reasons": {}}
    {
        "approve": lambda: approve(own, person("Bob"), "no"),
        "sign_off": lambda: _signed_off(own),
        "emergency": lambda: actions.classify(change=own, values=values, actor="portal", at=AT),
        "merge": lambda: actions.move(change=own, verb="merge", actor="portal", at=AT),
    }[decide]()
    own.refresh_from_db()

    assert undecided(own).startswith(("Bob has given a word", "Cleo has signed", f"{own} is "))
    for act in (
        lambda: join(change=own, to=change, by=ann, at=AT),
        lambda: link_by_hand(change=change, pull_request=row, by=ann, at=AT),
    ):
        with pytest.raises(Refused, match="not carried over"):
            act()
    assert roles(change) == []


@transaction.atomic
def _signed_off(change):
    cover(SignOff.objects.create(change=change, commit_sha="a" * 40, by=person("Cleo"), note="works", at=AT))


def test_only_who_has_to_do_with_it_links(ann, change, repository):
    row, [own] = opened(repository)
    other = proposed(person("Zoe", "engineer"))

    with pytest.raises(Refused, match="Bob neither asked for"):
        link_by_hand(change=change, pull_request=row, by=person("Bob"), at=AT)
    with pytest.raises(Refused, match="Max neither asked for"):
        join(change=own, to=change, by=person("Max", "engineer"), at=AT)

    link_by_hand(change=other, pull_request=row, by=ann, at=AT)
    assert roles(other) == [(7, "work")]


def test_the_architecture_team_links_for_others(change, repository):
    row, _ = opened(repository)

    assert link_by_hand(change=change, pull_request=row, by=person("Dev"), at=AT)


def test_what_cannot_be_linked_says_why(ann, change, repository):
    row, [own] = opened(repository)
    closed = pull(repository, 8, state="closed")
    withdrawn = proposed(ann)
    actions.press(change=withdrawn, verb="withdraw", by=ann, at=AT)

    with pytest.raises(Refused, match="closed without a merge"):
        link_by_hand(change=change, pull_request=closed, by=ann, at=AT)
    with pytest.raises(Stale, match="nothing joins it"):
        link_by_hand(change=withdrawn, pull_request=row, by=ann, at=AT)
    with pytest.raises(Refused, match="cannot join itself"):
        join(change=own, to=own, by=ann, at=AT)
    with pytest.raises(Refused, match="began with its proposal"):
        join(change=change, to=own, by=ann, at=AT)
    link_by_hand(change=change, pull_request=row, by=ann, at=AT)
    with pytest.raises(Stale, match="belongs to"):
        link_by_hand(change=change, pull_request=row, by=ann, at=AT)


def test_the_page_offers_what_is_open_and_belongs_to_nobody(ann, change, repository):
    free = pull(repository, 5, base_ref="feature")
    row, [own] = opened(repository, 7)
    _taken, [decided] = opened(repository, 8)
    approve(decided, person("Bob"))
    pull(repository, 9, state="merged")
    link_by_hand(change=proposed(ann), pull_request=opened(repository, 10)[0], by=ann, at=AT)

    found = offered(change=change)

    assert {(one.number, one.opened) for one in found} == {(free.number, None), (row.number, own.number)}
    link_by_hand(change=change, pull_request=row, by=ann, at=AT)
    assert [one.number for one in offered(change=change)] == [5]


def test_a_pull_request_is_found_by_its_name_or_its_address(change, repository):
    other = Repository.objects.create(name="acme/api", in_scope_from=AT)
    gone = Repository.objects.create(name="acme/old", in_scope_from=AT, in_scope_until=AT)
    web, api, _ = pull(repository, 7), pull(other, 7), pull(gone, 7)

    assert named("acme/web#7", change=change) == [web]
    assert named(" ACME/API#7 ", change=change) == [api]
    assert named("https://github.com/acme/api/pull/7/files?w=1", change=change) == [api]
    assert named("#7", change=change) == named("7", change=change) == [api, web]
    change.repository_names = ["acme/web"]
    assert named("7", change=change) == [web]
    for nothing in ("acme/old#7", "acme/web#8", "web#7", "seven", "", "https://github.com/acme/api/issues/7", "7" * 40):
        assert named(nothing, change=change) == []


def test_naming_a_change_that_joined_another_one_means_that_one(ann, change, repository):
    _, [own] = opened(repository)
    join(change=own, to=change, by=ann, at=AT)

    _, found = opened(repository, 8, title=f"More of {own}")

    assert found == [change]
    assert roles(change) == [(7, "work"), (8, "work")]


@pytest.mark.parametrize("way", [("part", "main", "work"), ("main", "prod", "promotion")], ids=["into main", "into prod"])
def test_a_pull_request_that_names_forty_changes_joins_them_all_fast(ann, repository, way):
    head, base, role = way
    changes = [proposed(ann, title=f"Part {number}") for number in range(FORTY)]
    body = "\n".join(f"- {change}" for change in changes)
    row = pull(repository, 7, author_uid=ANN, author_login="ann", body=body, head_ref=head, base_ref=base)
    began = time.monotonic()

    with CaptureQueriesContext(connection) as first:
        assert follow(pull_request=row, at=AT, settled=True) == changes
    with CaptureQueriesContext(connection) as again:
        follow(pull_request=row, at=AT, settled=True)

    assert time.monotonic() - began < FAST
    print(f"forty changes: {len(first)} queries at first, {len(again)} again, {time.monotonic() - began:.1f} s for both")
    assert len(again) <= 25 * FORTY
    assert LinkedPullRequest.objects.filter(pull_request=row, role=role).count() == FORTY
    assert Change.objects.count() == FORTY


def test_a_text_cannot_take_hold_of_every_change_by_naming_them(ann, repository):
    wanted = proposed(ann)
    names = " ".join(f"CHG-{number}" for number in range(5000, 5000 + MOST_NAMED))
    row = pull(repository, 7, body=f"{names} {wanted}")

    follow(pull_request=row, at=AT, settled=True)

    assert roles(wanted) == []


def test_pull_requests_that_join_together_join_as_one_by_one(ann, change, repository, django_assert_num_queries):
    rows = [
        pull(repository, 8, title=f"Second half of {change}", opened_at=AT + 2 * MINUTE),
        pull(repository, 7, opened_at=AT),
        pull(repository, 9, opened_at=AT + MINUTE),
        pull(repository, 10, base_ref="elsewhere", opened_at=AT),
        pull(repository, 11, head_sha="", opened_at=AT),
    ]

    first, second, third = join_all(pull_requests=rows, at=AT, settled=False)

    assert (third, roles(first), roles(second), roles(third)) == (change, [(7, "work")], [(9, "work")], [(8, "work")])
    actions.link(change=change, pull_request=rows[1], role="work", reason="test", actor="portal", at=AT)
    with transaction.atomic(), django_assert_num_queries(2):  # what they are, and what they are joined to
        again = join_all(pull_requests=rows[1:], at=AT, settled=True)
    assert again == [change, first, second], "each once, in the order of the pull requests"
