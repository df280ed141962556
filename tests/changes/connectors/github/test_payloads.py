"""What each kind of delivery says, in facts; and that a webhook and the API say the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from changes.connectors.fields import Incomplete
from changes.connectors.github import objects
from changes.connectors.github.payloads import Disagrees, parse
from changes.delivery.facts import (
    CheckReported,
    DeploymentReported,
    DeploymentStatusReported,
    InstallationReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
)
from tests.changes.connectors.github import made


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 2, 10, hour, minute, tzinfo=UTC)


OPEN = PullRequestReported(
    number=31,
    title="Rotate the database path",
    state="open",
    head_ref="fix/db",
    head_sha=made.HEAD,
    base_ref="main",
    body="",
    draft=False,
    author_uid=11,
    author_login="ann-northwind",
    author_is_bot=False,
    labels=("config",),
    additions=3,
    deletions=1,
    changed_files=2,
    opened_at=at(10, 0),
    vendor_updated_at=at(10, 3),
)


def facts(event: str, body: bytes) -> tuple:
    parsed = parse(event, body)
    assert (parsed.kind, parsed.note) == ("known", "")
    return parsed.facts


def test_a_pull_request_is_told_whole() -> None:
    parsed = parse("pull_request", made.delivery(action="opened", number=31, pull_request=made.pull_request()))

    assert parsed.facts == (OPEN,)
    assert parsed.repository == RepositoryFact(name="northwind/web", vendor_id=97)
    assert (parsed.action, parsed.sender_uid, parsed.sender_login) == ("opened", 12, "bob-northwind")


def test_a_test_merge_is_not_a_merge_and_a_merge_is() -> None:
    merged = made.pull_request(
        state="closed",
        merged=True,
        merged_at="2026-02-10T10:18:00Z",
        merged_by={"login": "bob-northwind", "id": 12},
        closed_at="2026-02-10T10:18:00Z",
        merge_commit_sha=made.MERGE,
    )

    (fact,) = facts("pull_request", made.delivery(action="closed", number=31, pull_request=merged))

    assert OPEN.merge_sha is None
    assert fact == replace(
        OPEN,
        state="merged",
        closed_at=at(10, 18),
        merged_at=at(10, 18),
        merged_by_uid=12,
        merged_by_login="bob-northwind",
        merge_sha=made.MERGE,
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"state": "open"}, "open"),
        ({"state": "closed", "merged": False}, "closed"),
        ({"state": "closed", "merged": True}, "merged"),
        ({"state": "closed", "merged": None, "merged_at": "2026-02-10T10:18:00Z"}, "merged"),
        ({"state": "closed", "merged": None, "merged_at": None}, "closed"),
        ({"state": "closed", "merged": False, "merged_at": "2026-02-10T10:18:00Z"}, "closed"),
    ],
)
def test_merged_is_closed_with_a_merge(said: dict, state: str) -> None:
    assert objects.pull_request(value=made.pull_request(**said)).state == state


def test_what_a_short_form_does_not_say_is_none_and_what_it_says_is_not() -> None:
    short = made.pull_request()
    for name in ("merged", "merged_by", "additions", "deletions", "changed_files", "body", "draft", "labels", "user"):
        del short[name]

    fact = objects.pull_request(value=short)

    assert fact == PullRequestReported(
        number=31,
        title="Rotate the database path",
        state="open",
        head_ref="fix/db",
        head_sha=made.HEAD,
        base_ref="main",
        opened_at=at(10, 0),
        vendor_updated_at=at(10, 3),
    )
    assert objects.pull_request(value=made.pull_request(labels=[], body=None)).labels == ()
    assert objects.pull_request(value=made.pull_request(body=None)).body == ""


def test_a_deleted_account_is_nobody() -> None:
    assert objects.pull_request(value=made.pull_request(user=None)).author_login is None


@pytest.mark.parametrize(
    ("user", "is_bot"),
    [
        ({"login": "flyctl-ci[bot]", "id": 1}, True),
        ({"login": "ci", "id": 1, "type": "Bot"}, True),
        ({"login": "ann", "id": 1, "type": "User"}, False),
        ({"login": "ann", "id": 1}, None),
    ],
)
def test_a_bot_is_known_by_its_type_or_its_name(user: dict, is_bot: bool | None) -> None:
    assert objects.pull_request(value=made.pull_request(user=user)).author_is_bot is is_bot


def test_a_review_comes_with_its_pull_request_whose_clock_orders_it() -> None:
    body = made.delivery(action="submitted", review=made.review(), pull_request=made.pull_request())

    assert facts("pull_request_review", body) == (
        OPEN,
        ReviewReported(
            pull_request_number=31,
            vendor_id=5,
            state="approved",
            uid=12,
            login="bob-northwind",
            is_bot=False,
            commit_sha=made.HEAD,
            submitted_at=at(10, 8),
            vendor_updated_at=at(10, 3),
        ),
    )


@pytest.mark.parametrize("state", ["approved", "changes_requested", "commented", "dismissed", "pending"])
def test_capitals_of_the_api_and_small_letters_of_webhooks_are_one_state(state: str) -> None:
    small = objects.review(value=made.review(state=state), pull_request_number=31)

    assert objects.review(value=made.review(state=state.upper()), pull_request_number=31) == small
    assert small.state == state


def test_a_check_run_a_suite_and_a_status_are_checks() -> None:
    suite = made.check_run(status=None, conclusion=None, updated_at="2026-02-10T10:16:00Z")
    status = {"id": 8, "sha": made.HEAD, "state": "error", "context": "ci/old", "updated_at": "example", "created_at": "example"}

    (run,) = facts("check_run", made.delivery(action="completed", check_run=made.check_run()))
    (whole,) = facts("check_suite", made.delivery(action="requested", check_suite=suite))
    (old,) = facts("status", made.delivery(**status))

    assert run == CheckReported(
        head_sha=made.HEAD,
        source="check_run",
        vendor_id=7,
        name="ci / tests",
        status="completed",
        conclusion="success",
        app="github-actions",
        completed_at=at(10, 15),
        vendor_updated_at=at(10, 15),
    )
    assert whole == replace(
        run,
        source="check_suite",
        name="github-actions",
        status="queued",
        conclusion="",
        completed_at=None,
        vendor_updated_at=at(10, 16),
    )
    assert old == CheckReported(
        head_sha=made.HEAD,
        source="status",
        vendor_id=8,
        name="ci/old",
        status="completed",
        conclusion="failure",
        app="bob-northwind",
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("pending", ("pending", "", None)),
        ("success", ("completed", "success", at(10, 15))),
        ("failure", ("completed", "failure", at(10, 15))),
        ("error", ("completed", "failure", at(10, 15))),
    ],
)
def test_a_commit_status_is_pending_or_completed(state: str, expected: tuple) -> None:
    fact = objects.status(value={"id": 8, "state": state, "context": "x", "updated_at": "2026-02-10T10:15:00Z"}, sha=made.HEAD)

    assert (fact.status, fact.conclusion, fact.completed_at) == expected


def test_a_running_check_is_ordered_by_its_start() -> None:
    fact = objects.check_run(value=made.check_run(status="in_progress", conclusion=None, completed_at=None))

    assert (fact.conclusion, fact.completed_at, fact.vendor_updated_at) == ("", None, at(10, 10))


def test_a_push_tells_its_branch_and_its_commits() -> None:
    assert facts("push", made.push()) == (
        PushReported(
            branch="prod",
            before=made.BEFORE,
            after=made.MERGE,
            forced=False,
            deleted=False,
            commits=(
                {
                    "sha": made.MERGE,
                    "message": "quick fix",
                    "author_login": "bob-northwind",
                    "author_email": "bob@northwind.example",
                    "paths": ["a.txt", "b.txt"],
                },
            ),
            pusher_login="bob-northwind",
            pusher_uid=12,
            pushed_at=at(9, 26),
        ),
    )


def test_github_says_when_a_push_was_before_its_commit_does() -> None:
    (fact,) = facts("push", made.push(repository=made.REPOSITORY | {"pushed_at": int(at(10, 27).timestamp())}))

    assert fact.pushed_at == at(10, 27)


def test_a_deleted_branch_has_no_commit_and_no_time() -> None:
    (fact,) = facts("push", made.push(after="0" * 40, deleted=True, head_commit=None, commits=[], sender=None))

    assert (fact.deleted, fact.commits, fact.pushed_at) == (True, (), None)
    assert (fact.pusher_login, fact.pusher_uid) == ("bob-northwind", None)


def test_a_pushed_tag_changes_nothing() -> None:
    parsed = parse("push", made.push(ref="refs/tags/v1"))

    assert (parsed.kind, parsed.facts, parsed.note) == ("known", (), "A push to a tag, not to a branch")


DEPLOYED = DeploymentReported(
    vendor_id="135",
    environment="production",
    commit_sha=made.MERGE,
    ref="prod",
    created_at=at(11, 0),
    actor="flyctl-ci[bot]",
    description="fly deploy",
    vendor_updated_at=at(11, 0),
)


def test_a_step_comes_with_its_deployment() -> None:
    step = {"id": 9, "state": "success", "created_at": "2026-02-10T11:05:00Z", "updated_at": "2026-02-10T11:05:00Z"}

    assert facts("deployment", made.delivery(action="created", deployment=made.deployment())) == (DEPLOYED,)
    assert facts("deployment_status", made.delivery(deployment=made.deployment(), deployment_status=step)) == (
        DEPLOYED,
        DeploymentStatusReported(deployment_id=135, vendor_id=9, state="success", at=at(11, 5), vendor_updated_at=at(11, 5)),
    )


def test_a_long_environment_is_shortened_in_sight() -> None:
    assert objects.deployment(value=made.deployment(environment="x" * 61)).environment == "x" * 59 + "…"
    assert objects.deployment(value=made.deployment(environment="x" * 60)).environment == "x" * 60


@pytest.mark.parametrize(
    ("changes", "name", "before"),
    [
        ({"repository": {"name": {"from": "site"}}}, "northwind/web", "northwind/site"),
        ({"owner": {"from": {"user": {"login": "ann"}}}}, "northwind/web", "ann/web"),
        ({"owner": {"from": {"organization": {"login": "acme"}}}}, "northwind/web", "acme/web"),
        ({}, "northwind/web", None),
        (None, "northwind/web", None),
    ],
)
def test_a_moved_repository_says_what_it_was_called(changes, name: str, before: str | None) -> None:
    (fact,) = facts("repository", made.delivery(action="renamed", changes=changes))

    assert fact == RepositoryFact(name=name, vendor_id=97, action="renamed", previous_name=before)


def test_the_app_says_which_repositories_it_sees() -> None:
    installation = {"id": 5150, "account": {"login": "northwind", "id": 1}}
    body = {"sender": made.SENDER, "installation": installation, "repositories": [{"full_name": "northwind/web"}]}
    moved = {**body, "repositories_added": [{"full_name": "northwind/api"}], "repositories_removed": []}
    del moved["repositories"]

    (created,) = facts("installation", json.dumps({**body, "action": "created"}).encode())
    (deleted,) = facts("installation", json.dumps({**body, "action": "deleted"}).encode())
    (added,) = facts("installation_repositories", json.dumps({**moved, "action": "added"}).encode())

    expected = InstallationReported(
        action="created",
        installation_id=5150,
        account="northwind",
        added=("northwind/web",),
        actor_uid=12,
        actor_login="bob-northwind",
    )
    assert created == expected
    assert deleted == replace(expected, action="deleted", added=(), removed=("northwind/web",))
    assert added == replace(expected, action="added", added=("northwind/api",))


@pytest.mark.parametrize(
    ("name", "value", "gap"),
    [
        ("head", {"ref": "x", "sha": "not-a-commit"}, "pull_request.head.sha is missing or unusable"),
        ("head", None, "pull_request.head is missing or unusable"),
        ("base", {}, "pull_request.base.ref is missing or unusable"),
        ("title", "", "pull_request.title is empty"),
        ("number", None, "pull_request.number is missing or unusable"),
        ("state", "sleeping", "pull_request.state is neither open nor closed"),
    ],
)
def test_a_gap_in_what_is_needed_is_incomplete_with_its_name(name: str, value, gap: str) -> None:
    parsed = parse("pull_request", made.delivery(action="opened", pull_request=made.pull_request(**{name: value})))

    assert (parsed.kind, parsed.note, parsed.facts) == ("incomplete", gap, ())


def test_what_was_read_before_a_gap_still_counts() -> None:
    parsed = parse("pull_request_review", made.delivery(review=made.review(state="example"), pull_request=made.pull_request()))

    assert (parsed.kind, parsed.note, parsed.facts) == ("incomplete", "review.state is none that GitHub documents", (OPEN,))


@pytest.mark.parametrize(
    "read",
    [
        lambda: objects.check_run(value=made.check_run(name="")),
        lambda: objects.status(value={"id": 1, "state": "odd", "context": "x"}, sha=made.HEAD),
        lambda: objects.deployment(value=made.deployment(created_at="example")),
        lambda: objects.deployment_status(value={"id": 1, "state": "odd"}, deployment_id=1),
        lambda: objects.repository(value={"id": 1}),
    ],
    ids=["check run", "status", "deployment", "step", "repository"],
)
def test_an_object_without_what_is_needed_is_incomplete(read) -> None:
    with pytest.raises(Incomplete):
        read()


def test_a_repository_is_named_by_owner_and_name_when_the_full_name_is_missing() -> None:
    assert objects.repository(value={"id": 1, "name": "web", "owner": {"name": "northwind"}}).name == "northwind/web"


@pytest.mark.parametrize(("action", "queued_by"), [("enqueued", (12, "bob-northwind")), ("dequeued", (None, None))])
def test_who_puts_a_pull_request_into_the_merge_queue_is_told_with_it(
    action: str, queued_by: tuple[int | None, str | None]
) -> None:
    (fact,) = parse("pull_request", made.delivery(action=action, pull_request=made.pull_request())).facts

    assert isinstance(fact, PullRequestReported)
    assert (fact.queued_by_uid, fact.queued_by_login) == queued_by


def test_an_unknown_event_is_kept_with_a_reason() -> None:
    parsed = parse("gollum", made.delivery(pages=[]))

    assert (parsed.kind, parsed.note) == ("unknown", "Countersign does not use 'gollum' events")
    assert parsed.repository == RepositoryFact(name="northwind/web")


def test_a_body_that_fits_no_event_is_incomplete_and_one_that_fits_another_disagrees() -> None:
    assert parse("push", made.delivery()).note == "The body is not that of a push event: after, before, ref expected"
    with pytest.raises(Disagrees, match="The header says 'status', the body is push"):
        parse("status", made.push())
    with pytest.raises(Disagrees, match="the body is branch_protection_rule and push"):
        parse("push", made.push(rule=made.RULE))


def test_paths_count_a_rename_under_both_names() -> None:
    rows = [{"filename": "b", "previous_filename": "a"}, {"filename": "c"}, {"filename": "a"}]

    assert objects.file_paths(values=rows) == ("a", "b", "c")


def test_files_tell_status_lines_and_the_new_lines_of_migrations() -> None:
    patch = "@@ -0,0 +1,3 @@\n+class Migration:\n+    x = RemoveField()\n-gone\n kept"
    rows = [
        {"filename": "app/web.py", "status": "modified", "changes": 7, "patch": patch},
        {"filename": "shop/migrations/0002_price.py", "status": "added", "changes": 3, "patch": patch},
        {"filename": "shop/migrations/0003_data.py", "status": "added", "changes": 900},
        {"filename": "shop/migrations/0004_long.py", "patch": "+" + "x" * 501},
        {"filename": "shop/migrations/0005_many.py", "patch": "\n".join(["+x"] * 501)},
    ]

    assert objects.files(values=rows) == (
        {"path": "app/web.py", "status": "modified", "lines": 7, "added": None},
        {
            "path": "shop/migrations/0002_price.py",
            "status": "added",
            "lines": 3,
            "added": ["class Migration:", "    x = RemoveField()"],
        },
        {"path": "shop/migrations/0003_data.py", "status": "added", "lines": 900, "added": None},
        {"path": "shop/migrations/0004_long.py", "status": "", "lines": 0, "added": None},
        {"path": "shop/migrations/0005_many.py", "status": "", "lines": 0, "added": None},
    )


FORKS = {
    "the same repository": ({"repo": {"id": 97}}, {"repo": {"id": 97}}, False),
    "another one": ({"repo": {"id": 98}}, {"repo": {"id": 97}}, True),
    "a fork that was deleted": ({"repo": None}, {"repo": {"id": 97}}, True),
    "not said": ({}, {"repo": {"id": 97}}, None),
    "not said of the base": ({"repo": {"id": 98}}, {}, None),
}


@pytest.mark.parametrize(("head", "base", "is_fork"), FORKS.values(), ids=FORKS.keys())
def test_a_pull_request_tells_whether_its_branch_lives_elsewhere(head, base, is_fork) -> None:
    ends = {"head": {"ref": "main", "sha": made.HEAD} | head, "base": {"ref": "prod", "sha": made.BEFORE} | base}

    assert objects.pull_request(value=made.pull_request(**ends)).head_is_fork is is_fork


def group(**changed):
    return {
        "head_sha": made.HEAD,
        "head_ref": f"refs/heads/gh-readonly-queue/main/pr-104-{made.BEFORE}",
        "base_sha": made.BEFORE,
        "base_ref": "refs/heads/main",
    } | changed


QUEUED = {
    "a queue into main": ({}, ("main", (104,))),
    "a queue into a branch with slashes": (
        {"head_ref": "refs/heads/gh-readonly-queue/release/9/pr-7-abc", "base_ref": "refs/heads/release/9"},
        ("release/9", (7,)),
    ),
    "a branch of another name": ({"head_ref": "refs/heads/queue-of-ours"}, ("main", ())),
}


@pytest.mark.parametrize(("changed", "expected"), QUEUED.values(), ids=QUEUED.keys())
def test_a_merge_group_names_its_pull_request_by_its_branch(changed, expected) -> None:
    (fact,) = parse("merge_group", made.delivery(action="checks_requested", merge_group=group(**changed))).facts

    assert (fact.base_ref, fact.numbers) == expected
    assert (fact.action, fact.head_sha, fact.base_sha) == ("checks_requested", made.HEAD, made.BEFORE)


def entry(**changed):
    return {
        "id": 1,
        "before": made.BEFORE,
        "after": made.MERGE,
        "ref": "refs/heads/main",
        "timestamp": "2026-02-10T10:26:00Z",
        "activity_type": "push",
        "actor": made.SENDER,
    } | changed


ACTIVITIES = {
    "a push": ({}, (False, False, False)),
    "a merge": ({"activity_type": "pr_merge"}, (False, False, False)),
    "a merge by the queue": ({"activity_type": "merge_queue_merge"}, (False, False, False)),
    "a forced push": ({"activity_type": "force_push"}, (True, False, False)),
    "a new branch": ({"activity_type": "branch_creation", "before": "0" * 40}, (False, True, False)),
    "a branch that is gone": ({"activity_type": "branch_deletion", "after": "0" * 40}, (False, False, True)),
}


@pytest.mark.parametrize(("changed", "flags"), ACTIVITIES.values(), ids=ACTIVITIES.keys())
def test_an_entry_of_the_activity_is_a_push(changed, flags) -> None:
    fact = objects.activity(value=entry(**changed))

    assert (fact.branch, fact.pusher_login, fact.commits) == ("main", "bob-northwind", ())
    assert (fact.forced, fact.created, fact.deleted) == flags


def test_what_happens_to_a_tag_is_no_push() -> None:
    assert objects.activity(value=entry(ref="refs/tags/v1")) is None
    assert objects.activity(value=entry(actor=None)).pusher_login is None
