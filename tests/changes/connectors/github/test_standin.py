"""The client and the parser against a GitHub that really keeps repositories: what comes by both doors is one truth."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.asking import ask
from changes.connectors.checks import check
from changes.connectors.errors import NotFound, Passing
from changes.connectors.git import mirror
from changes.connectors.github import auth, comments, rights_sync
from changes.connectors.github.client import GitHub
from changes.connectors.github.payloads import parse
from changes.connectors.models import Source
from changes.connectors.polling import poll_due
from changes.connectors.readings import read_due
from changes.delivery.facts import CheckReported, PullRequestReported, ReviewReported, RuleEventReported
from changes.delivery.models import Repository
from portal import vault
from portal.standins.web import Answer, Request
from tests.portal.standins.life import WEB, live_through
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]


@pytest.fixture
def github(db, settings, northwind) -> GitHub:
    """The portal's App, installed at the stand-in."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    auth._kept.clear()
    source = Source.objects.create(
        name="github",
        kind="github",
        api_url=northwind.api_url,
        token_encrypted=vault.seal(northwind.app_private_key),
        app_id=northwind.app_id,
        installation_id=northwind.installation_id,
        connected_at=datetime.now(UTC),
    )
    return GitHub(source=source, repository_name=WEB, at=datetime.now(UTC))


def told(northwind) -> list:
    """The facts of all deliveries, oldest first; each delivery is known."""
    facts = []
    northwind.post_held(lambda headers, body: 202)
    for row in northwind.deliveries():
        parsed = parse(row["event"], row["body"].encode())
        assert parsed.kind != "incomplete", (row["event"], parsed.note)
        facts += parsed.facts
    return facts


def test_deliveries_and_api_end_in_the_same_facts(github, northwind) -> None:
    names = live_through(northwind)
    facts = told(northwind)

    last = {fact.number: fact for fact in facts if isinstance(fact, PullRequestReported)}
    read = {number: github.bare_pull_request(number=number) for number in last}
    reviews = {fact.vendor_id: fact.state for fact in facts if isinstance(fact, ReviewReported)}
    runs = [fact for fact in facts if isinstance(fact, CheckReported) and fact.source == "check_run"]
    checks = {fact.vendor_id: (fact.name, fact.conclusion) for fact in runs}

    assert {number: (fact.state, fact.title, fact.head_sha, fact.merge_sha) for number, fact in last.items()} == {
        number: (fact.state, fact.title, fact.head_sha, fact.merge_sha) for number, fact in read.items()
    }
    assert reviews == {review.vendor_id: review.state for number in last for review in github.reviews(number=number)}
    seen = {run.vendor_id: (run.name, run.conclusion) for number in last for run in github.check_runs(sha=read[number].head_sha)}
    assert seen
    assert seen.items() <= checks.items()
    assert github.commit_pulls(sha=names["promotion"])[0].base_ref == "prod"


def test_people_paths_and_rules_are_read(github, northwind) -> None:
    live_through(northwind)

    whole = github.pull_request(number=1)
    rules = github.branch_rules(branch="main")

    assert whole.paths == ("app/main.py",)
    assert {(one["role"], one["name"]) for one in whole.commit_people or ()} >= {
        ("author", "Ann Berg"),
        ("co-author", "Bob Okafor"),
    }
    assert rules.required_checks is not None
    assert {"ci / tests", "lint"} <= set(rules.required_checks)
    assert [(fact.name, fact.conclusion) for fact in github.statuses(sha=whole.head_sha)] == [("lint", "success")]


def test_weakened_rules_are_told(github, northwind) -> None:
    live_through(northwind)

    weakened = {(fact.kind, fact.action) for fact in told(northwind) if isinstance(fact, RuleEventReported) and fact.weakens}

    assert {("protection", "deleted"), ("ruleset", "deleted"), ("member", "added")} <= weakened


def test_reading_again_costs_no_quota_and_a_check_run_is_made_once(github, northwind) -> None:
    names = live_through(northwind)
    run = {"status": "completed", "conclusion": "failure", "output": {"title": "x", "summary": "y"}}
    key = {"sha": names["sha"], "name": "Countersign", "external_id": "change:1"}

    first = github.publish_check_run(**key, run=run)
    second = github.publish_check_run(**key, run=run | {"conclusion": "success"})

    assert first == second
    assert [one.conclusion for one in github.check_runs(sha=names["sha"]) if one.name == "Countersign"] == ["success"]
    assert list(github.pull_requests_updated_since(since=None)) == list(github.pull_requests_updated_since(since=None))
    assert list(github.pull_requests_updated_since(since=datetime.now(UTC) + timedelta(hours=1))) == []
    with pytest.raises(NotFound):
        github.bare_pull_request(number=999)


def test_every_request_names_the_version_whoever_makes_it(github, northwind, monkeypatch) -> None:
    names = live_through(northwind)
    source, at = github.source, github.at
    row = Repository.objects.create(name=WEB, in_scope_from=at - timedelta(days=9), clone_url=f"{northwind.url}/git/{WEB}.git")
    asked: dict[str, set[str | None]] = {}
    plain = northwind.api.answer

    def noted(request: Request) -> Answer:
        asked.setdefault(f"{request.method} {request.path}", set()).add(request.headers.get("X-GitHub-Api-Version"))
        return plain(request)

    monkeypatch.setattr(northwind.api, "answer", noted)
    assert mirror._token_for(row, host="127.0.0.1", at=at), "trades the key before anybody else does"
    auth._kept.clear()
    poll_due(now=lambda: at)
    for subject in (f"approvals:{names['workflow']}", "access:"):
        ask(source=source, repository=row, subject=subject, at=at)
    while read_due(now=lambda: at):
        pass
    rights_sync.read_all(now=lambda: at)
    assert check(source=source, at=at).works
    github.publish_check_run(sha=names["sha"], name="Countersign", external_id="change:1", run={"status": "in_progress"})
    comments.deliver_comment({"repository": WEB, "number": 1, "body": "Why?", "key": "k"})

    assert {version for seen in asked.values() for version in seen} == {"2022-11-28"}
    api = "/github"
    for one in (
        f"POST {api}/app/installations/{northwind.installation_id}/access_tokens",
        f"GET {api}/app/hook/deliveries",
        f"POST {api}/graphql",
        f"GET {api}/app",
        f"GET {api}/repos/{WEB}/teams",
        f"GET {api}/repos/{WEB}/actions/runs/{names['workflow']}/approvals",
        f"POST {api}/repos/{WEB}/check-runs",
        f"POST {api}/repos/{WEB}/issues/1/comments",
    ):
        assert one in asked


def test_faults_of_the_vendor_are_passing(github, northwind) -> None:
    live_through(northwind)
    northwind.stop()

    with pytest.raises(Passing):
        github.bare_pull_request(number=1)
