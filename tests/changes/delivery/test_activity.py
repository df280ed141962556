"""Pushes that the forge lists afterwards, heads of merge queues, and names of repositories: one door, in any order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from changes.delivery import actions
from changes.delivery.facts import CheckReported, MergeGroupReported, PullRequestReported, PushReported, RepositoryFact
from changes.delivery.models import BranchCommit, MergeGroup, PullRequest, Push, Repository

AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
OLD, NEW, QUEUE = "a" * 40, "b" * 40, "c" * 40
LISTED = PushReported(
    branch="main", before=OLD, after=NEW, forced=False, deleted=False, commits=(), pusher_login="ann", pusher_uid=1, pushed_at=AT
)
ASKED = MergeGroupReported(
    action="checks_requested", head_sha=QUEUE, head_ref="gh-readonly-queue/main/pr-7-x", base_ref="main", base_sha=OLD, numbers=(7,)
)


@pytest.fixture
def web(db):
    return Repository.objects.create(name="acme/web", vendor_id=5, in_scope_from=AT - timedelta(days=1))


def listed(web, at=LATER, **values):
    return actions.record_activity(repository=web, fact=replace(LISTED, **values), at=at)


def test_a_lost_push_is_made_up_for_and_confirmed(web):
    push = listed(web)

    assert (push.before, push.after, push.pusher_login, push.pushed_at) == (OLD, NEW, "ann", AT)
    assert (push.confirmed_at, push.reported_at, push.commits) == (LATER, LATER, [])


def test_a_push_that_a_delivery_told_is_confirmed_once(web):
    told = actions.record_push(repository=web, fact=replace(LISTED, pushed_at=AT + timedelta(seconds=1)), at=AT)

    first, second = listed(web), listed(web)

    assert (first, second, Push.objects.count()) == (told, None, 1)
    assert first.confirmed_at == LATER


NOTHING = {
    "another branch": {"branch": "ann/work"},
    "no time": {"pushed_at": None},
    "before the scope": {"pushed_at": AT - timedelta(days=2)},
}


@pytest.mark.parametrize("values", NOTHING.values(), ids=NOTHING.keys())
def test_what_is_no_fact_of_the_policy_is_not_kept(web, values):
    assert listed(web, **values) is None
    assert not Push.objects.exists()


def test_to_and_fro_are_several_pushes_and_two_clocks_of_one_are_not(web):
    times = [AT, AT + timedelta(minutes=5), AT + timedelta(hours=1)]

    found = [listed(web, forced=True, pushed_at=at) for at in times]

    assert [push is not None for push in found] == [True, False, True]
    assert Push.objects.filter(forced=True).count() == 2


def test_the_commits_are_those_that_git_has_shown_between_the_two_ends(web):
    for position, sha in enumerate((OLD, "d" * 40, NEW), start=1):
        BranchCommit.objects.create(
            repository=web,
            branch="main",
            sha=sha,
            position=position,
            subject=f"Commit {position}",
            author_email="ann@northwind.example",
            committed_at=AT,
            paths=["a.py"],
            seen_at=AT,
        )

    push = listed(web)

    assert [(commit["sha"], commit["message"], commit["paths"]) for commit in push.commits] == [
        ("d" * 40, "Commit 2", ["a.py"]),
        (NEW, "Commit 3", ["a.py"]),
    ]


def pull(web, number=7, **values):
    ends = {"head_ref": "f", "head_sha": "e" * 40, "base_ref": "main"}
    fact = PullRequestReported(number=number, title="Work", state="open", vendor_updated_at=AT, **ends, **values)
    return actions.record_pull_request(repository=web, fact=fact, at=AT, confirmed=False)


def grouped(web, **values):
    return actions.record_merge_group(repository=web, fact=replace(ASKED, **values), at=LATER)


def test_a_head_of_a_queue_is_kept_once_and_touches_its_pull_request(web):
    row = pull(web)

    first, second = grouped(web), grouped(web)

    assert (first, MergeGroup.objects.count()) == (second, 1)
    assert (first.state, first.numbers, first.base_ref) == ("open", [7], "main")
    row.refresh_from_db()
    assert row.touched_at == LATER
    assert list(actions.queued(first)) == [row]


@pytest.mark.parametrize("order", [("checks_requested", "destroyed"), ("destroyed", "checks_requested")])
def test_what_the_queue_is_done_with_does_not_come_back(web, order):
    for action in order:
        group = grouped(web, action=action)

    assert group.state == "gone"


def test_a_check_on_the_head_of_a_queue_touches_the_pull_request(web):
    row = pull(web)
    grouped(web)
    check = CheckReported(head_sha=QUEUE, source="check_run", vendor_id=1, name="tests", status="completed", conclusion="success")

    actions.record_check(repository=web, fact=check, at=LATER + timedelta(hours=1), confirmed=False)

    row.refresh_from_db()
    assert row.touched_at == LATER + timedelta(hours=1)


# --- names --------------------------------------------------------------------------------------------------------------


def named(name, **values):
    return actions.recognise(forge="github", fact=RepositoryFact(name=name, **values))


def test_a_rename_keeps_the_former_name(web):
    found = named("acme/site", vendor_id=5)

    assert (found.name, found.former_names, found.renamed_from) == ("acme/site", ["acme/web"], "acme/web")
    web.refresh_from_db()
    assert (web.name, web.former_names, web.renamed_from) == ("acme/site", ["acme/web"], "")


def test_an_old_name_comes_back_only_when_the_forge_says_that_it_was_given(web):
    named("acme/site", vendor_id=5)

    assert named("acme/web", vendor_id=5).name == "acme/site"
    assert named("acme/web", vendor_id=5, previous_name="acme/site").name == "acme/web"


def test_a_name_that_another_repository_has_is_not_taken(web):
    Repository.objects.create(name="acme/site", vendor_id=6, in_scope_from=AT)

    assert named("acme/site", vendor_id=5).name == "acme/web"


def test_another_spelling_is_corrected_by_the_number_and_not_without_one(web):
    assert named("Acme/Web").name == "acme/web"
    assert named("Acme/Web", vendor_id=5).name == "Acme/Web"


def test_a_repository_that_is_known_by_its_former_name_alone_is_renamed(db):
    Repository.objects.create(name="acme/web", in_scope_from=AT)

    found = named("acme/site", vendor_id=5, previous_name="acme/web")

    assert (found.name, found.vendor_id, found.former_names) == ("acme/site", 5, ["acme/web"])


def test_keys_do_not_depend_on_names(web):
    row = pull(web)
    before = row.key
    named("acme/site", vendor_id=5)

    assert PullRequest.objects.select_related("repository").get().key == before
    assert str(PullRequest.objects.select_related("repository").get()) == "acme/site#7"


def test_finding_a_repository_changes_nothing(web):
    found = actions.find_repository(forge="github", fact=RepositoryFact(name="acme/site", vendor_id=5))

    assert (found, found.name) == (web, "acme/web")
