"""The merge queue of the stand-in: tries on top of each other, official events, what fails leaves with all that is built on it."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from portal.standins.github import GitHubError
from tests.portal.standins.life import WEB
from tests.portal.standins.vendors import official

CHECKS = ["ci / tests", "Countersign"]


@pytest.fixture
def queue(northwind):
    """Main with two required checks, and two approved, green pull requests into it."""
    northwind.set_protection(repository=WEB, branch="main", by="rex", checks=CHECKS, reviews=1)
    for number, name in enumerate(("one", "two"), start=1):
        northwind.commit(repository=WEB, branch=name, files={f"{name}.txt": f"{name}\n"}, author="ann", message=f"Add {name}")
        opened = northwind.open_pull_request(repository=WEB, head=name, title=f"Add {name}", by="ann")
        assert opened["number"] == number
        green(northwind, opened["head"]["sha"])
        northwind.review(repository=WEB, number=number, by="bob")
    return northwind


def green(github, sha, *names, conclusion="success"):
    for name in names or CHECKS:
        github.check(repository=WEB, sha=sha, name=name, conclusion=conclusion)


def told(github, event):
    return [json.loads(row["body"]) for row in github.deliveries() if row["event"] == event]


def tip(github, branch="main"):
    return github.git(WEB).tip(f"refs/heads/{branch}")


def test_a_pull_request_is_tried_on_top_of_those_before_it(queue):
    before = tip(queue)

    first = queue.enqueue(repository=WEB, number=1, by="bob")
    second = queue.enqueue(repository=WEB, number=2, by="bob")

    assert (first["base_sha"], second["base_sha"]) == (before, first["head_sha"])
    assert first["head_ref"] == f"refs/heads/gh-readonly-queue/main/pr-1-{before}"
    assert queue.git(WEB).contains(second["head_sha"], first["head_sha"])
    assert tip(queue) == before
    assert [event["action"] for event in told(queue, "merge_group")] == ["checks_requested", "checks_requested"]


def test_what_has_passed_is_merged_in_its_order(queue):
    first = queue.enqueue(repository=WEB, number=1, by="bob")
    second = queue.enqueue(repository=WEB, number=2, by="bob")
    green(queue, second["head_sha"])
    assert queue.run_queue(repository=WEB, base="main") == {"merged": [], "removed": [], "waiting": [1, 2]}

    green(queue, first["head_sha"])

    assert queue.run_queue(repository=WEB, base="main") == {"merged": [1, 2], "removed": [], "waiting": []}
    assert tip(queue) == second["head_sha"]
    pull = queue.pull_request(repository=WEB, number=1)
    assert (pull["merged"], pull["merge_commit_sha"]) == (True, first["head_sha"])
    assert [event.get("reason") for event in told(queue, "merge_group")] == [None, None, "merged", "merged"]
    assert not queue.git(WEB).has(first["head_ref"])


def test_what_fails_leaves_with_all_that_is_built_on_it(queue):
    first = queue.enqueue(repository=WEB, number=1, by="bob")
    queue.enqueue(repository=WEB, number=2, by="bob")
    green(queue, first["head_sha"], "ci / tests")
    green(queue, first["head_sha"], "Countersign", conclusion="failure")

    done = queue.run_queue(repository=WEB, base="main")

    assert done == {"merged": [], "removed": [1, 2], "waiting": []}
    assert [event.get("reason") for event in told(queue, "pull_request") if event["action"] == "dequeued"] == ["CI_FAILURE"] * 2
    assert queue.pull_request(repository=WEB, number=1)["state"] == "open"


def test_a_try_on_a_branch_that_has_moved_is_no_longer_good(queue):
    first = queue.enqueue(repository=WEB, number=1, by="bob")
    green(queue, first["head_sha"])
    queue.push_direct(repository=WEB, branch="main", files={"hot.txt": "fix\n"}, by="rex", message="Hot fix")

    assert queue.run_queue(repository=WEB, base="main")["removed"] == [1]


def test_somebody_takes_a_pull_request_out(queue):
    queue.enqueue(repository=WEB, number=1, by="bob")

    queue.dequeue(repository=WEB, number=1)

    assert told(queue, "merge_group")[-1]["reason"] == "dequeued"
    with pytest.raises(GitHubError):
        queue.dequeue(repository=WEB, number=1)


def test_what_cannot_be_merged_is_not_queued(queue):
    queue.enqueue(repository=WEB, number=1, by="bob")
    with pytest.raises(GitHubError, match="already in the queue"):
        queue.enqueue(repository=WEB, number=1, by="bob")
    queue.review(repository=WEB, number=2, by="bob", state="changes_requested")
    with pytest.raises(GitHubError, match="approving review"):
        queue.enqueue(repository=WEB, number=2, by="bob")


def test_every_event_of_the_queue_is_valid_against_githubs_contract(queue):
    first = queue.enqueue(repository=WEB, number=1, by="bob")
    green(queue, first["head_sha"])
    queue.run_queue(repository=WEB, base="main")
    queue.enqueue(repository=WEB, number=2, by="bob")
    queue.dequeue(repository=WEB, number=2)
    spec = official("github/openapi.github-webhooks.cut.json")
    registry: Registry[Any] = Registry().with_resource("urn:webhooks", Resource(contents=spec, specification=DRAFT202012))
    seen, wrong = set(), []

    for row in queue.deliveries():
        name = "-".join(filter(None, [row["event"], row["action"]])).replace("_", "-")
        schema = spec["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        found = Draft202012Validator({"$ref": "urn:webhooks" + schema}, registry=registry).iter_errors(json.loads(row["body"]))
        wrong += [f"{name}: {error.message}" for error in found]
        seen.add(name)

    assert wrong == []
    assert {"merge-group-checks-requested", "merge-group-destroyed", "pull-request-enqueued", "pull-request-dequeued"} <= seen
