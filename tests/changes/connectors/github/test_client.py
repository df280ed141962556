"""What the client asks, and that its facts are those of the deliveries."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson, Passing
from changes.connectors.github import objects
from changes.delivery.facts import RepositoryFact
from tests.changes.connectors.github import made
from tests.changes.connectors.github.conftest import NOW, TOKEN
from tests.changes.connectors.github.forge import Said

REPO = "/repos/northwind/web"
COMMIT = {
    "sha": made.HEAD,
    "author": {"login": "ann-northwind", "id": 11},
    "committer": {"login": "web-flow", "id": 1},
    "commit": {
        "author": {"name": "Ann", "email": "ann@northwind.example"},
        "committer": {"name": "GitHub", "email": "noreply@github.com"},
        "message": "Fix\n\nCo-authored-by: Cleo <cleo@northwind.example>",
    },
}
PEOPLE = (
    {"uid": 11, "login": "ann-northwind", "name": "Ann", "email": "ann@northwind.example", "role": "author"},
    {"uid": None, "login": "", "name": "Cleo", "email": "cleo@northwind.example", "role": "co-author"},
)


def test_every_request_names_version_agent_and_token(connect) -> None:
    github, forge = connect({f"GET {REPO}": Said(made.REPOSITORY)})

    github.repository()

    (asked,) = forge.asked
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["accept"] == "application/vnd.github+json"
    assert asked.headers["user-agent"] == "Countersign"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_source_without_a_token_asks_without_one(connect) -> None:
    github, forge = connect({f"GET {REPO}": Said(made.REPOSITORY)}, token_encrypted=b"")

    github.repository()

    assert "authorization" not in forge.asked[0].headers


def test_a_renamed_repository_is_followed_and_tells_its_name(connect) -> None:
    github, _ = connect({
        f"GET {REPO}": Said({"message": "Moved Permanently"}, 301, {"Location": "{url}/repositories/97"}),
        "GET /repositories/97": Said(made.REPOSITORY | {"full_name": "northwind/site"}),
    })  # fmt: skip

    assert github.repository() == RepositoryFact(name="northwind/site", vendor_id=97)


def test_a_pull_request_is_read_with_paths_and_people(connect) -> None:
    github, forge = connect({
        f"GET {REPO}/pulls/31": Said(made.pull_request()),
        f"GET {REPO}/pulls/31/files": Said([{"filename": "b"}, {"filename": "a", "previous_filename": "old"}]),
        f"GET {REPO}/pulls/31/commits": Said([COMMIT]),
    })  # fmt: skip

    fact = github.pull_request(number=31)

    bare = objects.pull_request(value=made.pull_request())
    files = tuple({"path": path, "status": "", "lines": 0, "added": None} for path in ("b", "a"))
    assert fact == replace(bare, paths=("a", "b", "old"), files=files, commit_people=PEOPLE)
    assert forge.targets() == [
        f"GET {REPO}/pulls/31",
        f"GET {REPO}/pulls/31/files?per_page=100",
        f"GET {REPO}/pulls/31/commits?per_page=100",
    ]


def test_reviews_of_the_api_are_those_of_the_deliveries(connect) -> None:
    github, _ = connect(
        {f"GET {REPO}/pulls/31/reviews": Said([made.review(state="APPROVED"), made.review(id=6, state="DISMISSED")])}
    )

    assert github.reviews(number=31) == tuple(
        objects.review(value=made.review(id=number, state=state), pull_request_number=31)
        for number, state in ((5, "approved"), (6, "dismissed"))
    )


def test_pull_requests_are_read_back_to_the_cursor_and_no_page_further(connect) -> None:
    new, old = made.pull_request(number=32), made.pull_request(number=30, updated_at="2026-02-09T00:00:00Z")
    first = Said([new, made.pull_request()], headers={"Link": f'<{{url}}{REPO}/pulls?page=2>; rel="next"'})
    second = Said([old, old], headers={"Link": f'<{{url}}{REPO}/pulls?page=3>; rel="next"'})
    query = "state=all&sort=updated&direction=desc"
    github, forge = connect({f"GET {REPO}/pulls?per_page=100&{query}": first, f"GET {REPO}/pulls?page=2": second})

    found = list(github.pull_requests_updated_since(since=datetime(2026, 2, 10, tzinfo=UTC)))

    assert [fact.number for fact in found] == [32, 31]
    assert len(forge.asked) == 2


def test_all_pull_requests_are_read_without_a_cursor(connect) -> None:
    github, _ = connect({f"GET {REPO}/pulls": Said([made.pull_request(), made.pull_request(number=30)])})

    assert [fact.number for fact in github.pull_requests_updated_since(since=None)] == [31, 30]


def test_checks_are_runs_and_statuses_of_the_commit(connect) -> None:
    status = {"id": 8, "state": "pending", "context": "ci/old", "updated_at": "2026-02-10T10:15:00Z"}
    github, forge = connect({
        f"GET {REPO}/commits/{made.HEAD}/check-runs": Said({"total_count": 1, "check_runs": [made.check_run()]}),
        f"GET {REPO}/commits/{made.HEAD}/status": Said({"state": "pending", "statuses": [status]}),
    })  # fmt: skip

    assert github.check_runs(sha=made.HEAD) == (objects.check_run(value=made.check_run()),)
    assert github.statuses(sha=made.HEAD) == (objects.status(value=status, sha=made.HEAD),)
    assert forge.targets()[0].endswith("check-runs?per_page=100&filter=latest")


def test_the_pull_requests_of_a_commit_are_found(connect) -> None:
    github, _ = connect({f"GET {REPO}/commits/{made.MERGE}/pulls": Said([made.pull_request()])})

    assert [fact.number for fact in github.commit_pulls(sha=made.MERGE)] == [31]


def test_deployments_and_their_steps_are_read(connect) -> None:
    step = {"id": 9, "state": "success", "created_at": "2026-02-10T11:05:00Z"}
    older = made.deployment(id=1, created_at="2026-02-01T00:00:00Z")
    github, _ = connect({
        f"GET {REPO}/deployments/135": Said(made.deployment()),
        f"GET {REPO}/deployments/135/statuses": Said([step]),
        f"GET {REPO}/deployments": Said([made.deployment(), older]),
    })  # fmt: skip
    deployment = objects.deployment(value=made.deployment())

    assert github.deployment(vendor_id=135) == deployment
    assert github.deployment_statuses(vendor_id=135) == (objects.deployment_status(value=step, deployment_id=135),)
    assert list(github.deployments_since(since=datetime(2026, 2, 5, tzinfo=UTC))) == [deployment]
    assert len(list(github.deployments_since(since=None))) == 2


PROTECTION = {"required_status_checks": {"strict": True, "contexts": ["ci / tests"], "checks": [{"context": "lint", "app_id": 1}]}}
RULES = [
    {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "scan"}, {"context": "ci / tests"}]}},
    {"type": "non_fast_forward"},
]
NOT_PROTECTED = Said({"message": "Branch not protected"}, 404)


@pytest.mark.parametrize(
    ("protection", "rules", "required"),
    [
        (Said(PROTECTION), Said(RULES), ("ci / tests", "lint", "scan")),
        (Said({"required_status_checks": None}), Said([]), ()),
        (NOT_PROTECTED, Said(RULES), ("ci / tests", "scan")),
        (NOT_PROTECTED, Said([]), ()),
    ],
    ids=["both", "neither requires", "rulesets only", "not protected"],
)
def test_required_checks_come_from_rulesets_and_protection(connect, protection, rules, required) -> None:
    github, _ = connect({f"GET {REPO}/branches/prod/protection": protection, f"GET {REPO}/rules/branches/prod": rules})

    found = github.branch_rules(branch="prod")

    assert (found.branch, found.required_checks) == ("prod", required)
    assert found.raw["rules"] == rules.body


@pytest.mark.parametrize("refusal", [Said({"message": "Not Found"}, 404), Said({"message": "Resource not accessible"}, 403)])
def test_without_the_right_to_see_protection_the_branchs_summary_is_used(connect, refusal) -> None:
    summary = {"protection": {"enabled": True, "required_status_checks": {"contexts": ["ci / tests"]}}}
    script = {f"GET {REPO}/branches/prod/protection": refusal, f"GET {REPO}/rules/branches/prod": Said([])}
    github, forge = connect({**script, f"GET {REPO}/branches/prod": Said(summary)})

    assert github.branch_rules(branch="prod").required_checks == ("ci / tests",)
    forge.script[f"GET {REPO}/branches/prod"] = Said({"message": "Not Found"}, 404)
    assert github.branch_rules(branch="prod").required_checks is None


def test_a_branch_with_a_slash_is_quoted(connect) -> None:
    github, forge = connect(
        {f"GET {REPO}/rules/branches/release%2F1": Said([]), f"GET {REPO}/branches/release%2F1/protection": NOT_PROTECTED}
    )

    github.branch_rules(branch="release/1")

    assert forge.targets()[1] == f"GET {REPO}/branches/release%2F1/protection"


RUN = {"status": "completed", "conclusion": "success", "output": {"title": "12 of 12", "summary": "All gates are met"}}
KEY = {"sha": made.HEAD, "name": "Countersign", "external_id": "change:1042"}


def test_a_check_run_is_created_once_and_then_changed(connect) -> None:
    runs: list[dict] = []

    def listed(asked) -> Said:
        return Said({"total_count": len(runs), "check_runs": list(runs)})

    def created(asked) -> Said:
        runs.append({"id": 77, **asked.body})
        return Said(runs[-1], 201)

    github, forge = connect({
        f"GET {REPO}/commits/{made.HEAD}/check-runs": listed,
        f"POST {REPO}/check-runs": created,
        f"PATCH {REPO}/check-runs/77": Said({"id": 77}),
    })  # fmt: skip

    assert github.publish_check_run(**KEY, run={"status": "queued"}) == 77
    assert github.publish_check_run(**KEY, run=RUN) == 77

    assert [one.method for one in forge.asked] == ["GET", "POST", "GET", "PATCH"]
    assert forge.asked[1].body == {"status": "queued", "name": "Countersign", "head_sha": made.HEAD, "external_id": "change:1042"}
    assert forge.asked[3].body == RUN


def test_a_check_run_of_somebody_else_is_not_ours(connect) -> None:
    others = [{"id": 1, "name": "Countersign", "external_id": ""}, {"id": 2, "name": "ci", "external_id": "change:1042"}]
    github, _ = connect({f"GET {REPO}/commits/{made.HEAD}/check-runs": Said({"check_runs": others})})

    assert github.find_check_run(**KEY) is None


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Said({"message": "Not Found"}, 404), NotFound),
        (Said({"message": "Resource not accessible by integration"}, 403), Forbidden),
        (Said({"message": "Validation Failed"}, 422), Invalid),
        (Said({"message": "Server Error"}, 502), Passing),
        (Said(b"<html>"), NotJson),
        (Said([1]), NotJson),
        (Said({"number": "31"}), NotJson),
        (Said({}), NotJson),
    ],
)
def test_a_bad_answer_is_an_error_with_the_path_in_words(connect, said, error) -> None:
    github, _ = connect({f"GET {REPO}/pulls/31": said})

    with pytest.raises(error) as caught:
        github.bare_pull_request(number=31)

    assert TOKEN not in str(caught.value)
    assert "pull" in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"check_runs": {}}, {"check_runs": [1]}, [1], 7])
def test_a_list_that_is_none_is_an_error(connect, body) -> None:
    github, _ = connect({f"GET {REPO}/commits/{made.HEAD}/check-runs": Said(body)})

    with pytest.raises(NotJson, match="did not answer with a list of objects"):
        github.check_runs(sha=made.HEAD)


def test_the_client_shows_no_secret(connect) -> None:
    github, _ = connect({f"GET {REPO}": Said(made.REPOSITORY)})
    github.repository()

    assert TOKEN not in repr(github) + repr(github.api) + repr(vars(github.api))
    assert github.at == NOW


def test_the_activity_ends_at_the_first_entry_that_is_too_old(connect) -> None:
    def entry(day, ref="refs/heads/main"):
        at = f"2026-02-{day:02}T10:00:00Z"
        return {
            "id": day,
            "before": "a" * 40,
            "after": "b" * 40,
            "ref": ref,
            "timestamp": at,
            "activity_type": "push",
            "actor": None,
        }

    link = '<{url}/repos/northwind/web/activity?after=x>; rel="next"'
    github, forge = connect({
        f"GET {REPO}/activity?per_page=100": Said([entry(10), entry(9, "refs/tags/v1"), entry(8)], headers={"Link": link}),
        f"GET {REPO}/activity?after=x": Said([entry(7), entry(6)]),
    })  # fmt: skip

    found = [fact.pushed_at.day for fact in github.activity_since(since=datetime(2026, 2, 7, tzinfo=UTC))]

    assert found == [10, 8, 7]
    assert len(forge.asked) == 2
