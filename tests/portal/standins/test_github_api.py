"""How the GitHub stand-in answers: who may ask, pages, ETags, quotas, and what belongs to what."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from portal.standins.github import GitHubError
from tests.portal.standins.asking import ask
from tests.portal.standins.life import WEB


def open_one(github, title="Greet", branch="greet", by="ann", **more):
    github.commit(repository=WEB, branch=branch, files={f"{branch}.txt": "1\n"}, author=by, message=title)
    return github.open_pull_request(repository=WEB, head=branch, title=title, by=by, **more)


def app_claims(github, **changed):
    now = datetime.now(UTC)
    claims = {"iat": now - timedelta(seconds=60), "exp": now + timedelta(minutes=9), "iss": github.app_id, **changed}
    return jwt.encode(claims, github.app_private_key, algorithm="RS256")


def test_a_call_without_a_token_is_refused(northwind):
    answers = [ask(northwind, f"/repos/{WEB}", headers={"Authorization": value}) for value in ("", "Bearer nonsense")]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert [answer.json()["message"] for answer in answers] == ["Requires authentication", "Bad credentials"]


def test_an_expired_installation_token_is_refused(northwind):
    fresh, expired = northwind.token(lives=timedelta(hours=1)), northwind.token(lives=timedelta(seconds=-1))

    assert [ask(northwind, f"/repos/{WEB}", token=token).status_code for token in (fresh, expired)] == [200, 401]


def test_a_token_reaches_only_its_repositories(northwind):
    northwind.create_repository(name="northwind/api", by="rex")
    token = northwind.token(repositories=["northwind/api"])

    assert ask(northwind, "/repos/northwind/api", token=token).status_code == 200
    assert ask(northwind, f"/repos/{WEB}", token=token).status_code == 404


def test_somebody_without_access_sees_no_repository(northwind):
    northwind.add_account(login="mallory")

    assert ask(northwind, f"/repos/{WEB}", by="mallory").status_code == 404


def test_the_app_gets_a_token_only_with_its_own_signed_word(northwind):
    path = f"/app/installations/{northwind.installation_id}/access_tokens"
    words = {
        "good": app_claims(northwind),
        "old": app_claims(northwind, exp=datetime.now(UTC) - timedelta(minutes=1)),
        "too long": app_claims(northwind, exp=datetime.now(UTC) + timedelta(minutes=11)),
        "of another app": app_claims(northwind, iss="1"),
        "a person": northwind.token_of("rex"),
    }

    codes = {name: ask(northwind, path, method="POST", token=word).status_code for name, word in words.items()}

    assert codes == {"good": 201, "old": 401, "too long": 401, "of another app": 401, "a person": 401}


def test_a_token_without_the_permission_makes_no_check_run(northwind):
    body = {"name": "Countersign", "head_sha": northwind.tip(WEB, "main"), "conclusion": "success"}
    reader = northwind.token(permissions={"contents": "read", "checks": "read"})

    refused = ask(northwind, f"/repos/{WEB}/check-runs", method="POST", token=reader, json=body)
    made = ask(northwind, f"/repos/{WEB}/check-runs", method="POST", token=northwind.token(), json=body)

    assert (refused.status_code, made.status_code) == (403, 201)


def test_a_check_run_of_another_app_cannot_be_changed(northwind):
    run = northwind.check(repository=WEB, sha="main", conclusion="failure")

    answer = ask(
        northwind, f"/repos/{WEB}/check-runs/{run['id']}", method="PATCH", token=northwind.token(), json={"conclusion": "success"}
    )

    assert answer.status_code == 403
    assert ask(northwind, f"/repos/{WEB}/check-runs/{run['id']}").json()["conclusion"] == "failure"


def test_pages_are_linked_by_the_number_of_the_repository(northwind):
    for number in range(5):
        open_one(northwind, title=f"Idea {number}", branch=f"idea-{number}")
    first = ask(northwind, f"/repos/{WEB}/pulls?state=all&per_page=2&sort=created&direction=asc")
    repository = ask(northwind, f"/repos/{WEB}").json()["id"]

    titles, answer = [], first
    while True:
        titles += [row["title"] for row in answer.json()]
        if "next" not in answer.links:
            break
        address = answer.links["next"]["url"]
        assert address.startswith(f"{northwind.api_url}/repositories/{repository}/pulls?")
        answer = ask(northwind, address.removeprefix(northwind.api_url))

    assert titles == [f"Idea {number}" for number in range(5)]
    assert first.links["last"]["url"].endswith("page=3")


def test_pull_requests_are_found_by_state_and_base(northwind):
    kept, closed = open_one(northwind, branch="kept")["number"], open_one(northwind, branch="closed")["number"]
    northwind.close_pull_request(repository=WEB, number=closed, by="ann")

    def numbers(query):
        return [row["number"] for row in ask(northwind, f"/repos/{WEB}/pulls?{query}").json()]

    assert numbers("") == [kept]
    assert numbers("state=closed") == [closed]
    assert numbers("state=all&direction=asc") == [kept, closed]
    assert numbers("base=prod") == []
    assert ask(northwind, f"/repos/{WEB}/pulls?state=strange").status_code == 422


def test_an_unchanged_answer_costs_nothing(northwind):
    first = ask(northwind, f"/repos/{WEB}/pulls")
    again = ask(northwind, f"/repos/{WEB}/pulls", headers={"If-None-Match": first.headers["ETag"]})
    open_one(northwind)
    changed = ask(northwind, f"/repos/{WEB}/pulls", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content, "content-type" in again.headers) == (304, b"", False)
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    assert changed.status_code == 200


def test_a_used_up_quota_is_refused_until_the_hour_ends(northwind):
    northwind.api.quota.limit = 2

    answers = [ask(northwind, f"/repos/{WEB}") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert int(answers[-1].headers["x-ratelimit-reset"]) > datetime.now(UTC).timestamp()


def test_the_hour_of_a_quota_is_one_of_the_vendors_clock(northwind):
    """A year that is told in minutes asks more than an hour may."""
    northwind.api.quota.limit = 1
    told = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def asked_at(moment):
        northwind.clock.turn(moment)
        answer = ask(northwind, f"/repos/{WEB}")
        return answer.status_code, int(answer.headers["x-ratelimit-reset"]) - int(moment.timestamp())

    assert asked_at(told) == (200, 3600)
    assert asked_at(told + timedelta(minutes=59)) == (403, 60)
    assert asked_at(told + timedelta(hours=1)) == (200, 3600)
    assert asked_at(told - timedelta(days=9)) == (200, 3600), "it was turned back"


def test_merge_commit_sha_is_a_test_merge_until_the_merge(northwind):
    opened = open_one(northwind)
    before = ask(northwind, f"/repos/{WEB}/pulls/1").json()["merge_commit_sha"]
    northwind.merge(repository=WEB, number=opened["number"], by="rex")
    after = ask(northwind, f"/repos/{WEB}/pulls/1").json()["merge_commit_sha"]

    assert before
    assert before != after == northwind.tip(WEB, "main")


def test_a_commit_on_main_is_asked_for_the_pull_request_that_brought_it(northwind):
    opened = open_one(northwind)
    head, merged = opened["head"]["sha"], northwind.merge(repository=WEB, number=1, by="rex")["sha"]
    northwind.open_pull_request(repository=WEB, head="main", base="prod", title="Promote", by="ann")
    promoted = northwind.merge(repository=WEB, number=2, by="rex")["sha"]
    direct = northwind.push_direct(repository=WEB, branch="main", files={"x": "y"}, by="rex", message="Direct")["sha"]

    found = {
        sha: [row["number"] for row in ask(northwind, f"/repos/{WEB}/commits/{sha}/pulls").json()]
        for sha in (head, merged, promoted, direct)
    }

    assert found == {head: [1], merged: [1], promoted: [2], direct: []}


def test_the_compared_commits_are_those_that_git_counts(northwind):
    base = northwind.tip(WEB, "main")
    for number in range(3):
        northwind.push_direct(repository=WEB, branch="main", files={"n.txt": str(number)}, by="rex", message=f"Step {number}")

    shown = ask(northwind, f"/repos/{WEB}/compare/{base}...main?per_page=2&page=2").json()

    assert (shown["status"], shown["ahead_by"], shown["behind_by"]) == ("ahead", 3, 0)
    assert [one["commit"]["message"] for one in shown["commits"]] == ["Step 2"]
    assert "files" not in shown


def test_who_may_get_past_a_ruleset_is_shown_only_to_those_who_may_change_it(northwind):
    made = northwind.set_ruleset(repository=WEB, name="prod", by="rex", bypass=[{"actor_id": 5, "actor_type": "RepositoryRole"}])
    path = f"/repos/{WEB}/rulesets/{made['id']}"

    assert "bypass_actors" in ask(northwind, path).json()
    assert "bypass_actors" not in ask(northwind, path, token=northwind.token()).json()


def test_the_combined_status_is_pending_when_there_is_none(northwind):
    sha = northwind.tip(WEB, "main")
    before = ask(northwind, f"/repos/{WEB}/commits/{sha}/status").json()["state"]
    northwind.status(repository=WEB, sha=sha, context="lint")
    northwind.status(repository=WEB, sha=sha, context="types", state="failure")

    assert (before, ask(northwind, f"/repos/{WEB}/commits/{sha}/status").json()["state"]) == ("pending", "failure")


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda github: github.review(repository=WEB, number=1, by="ann"), 422),
        (lambda github: github.merge(repository=WEB, number=1, by="bob"), 405),
        (lambda github: github.merge(repository=WEB, number=1, by="rex", sha="0" * 40), 409),
        (lambda github: github.open_pull_request(repository=WEB, head="greet", title="Again", by="ann"), 422),
        (lambda github: github.open_pull_request(repository=WEB, head="prod", title="Nothing", by="ann"), 422),
        (lambda github: github.commit(repository=WEB, branch="main", files={"a": "b"}, author="ann", message="x"), 403),
        (lambda github: github.force_push(repository=WEB, branch="main", by="bob", to="main"), 403),
        (lambda github: github.deploy(repository=WEB, environment="staging", sha="nowhere", by="bob"), 422),
        (lambda github: github.create_repository(name=WEB, by="rex"), 422),
    ],
    ids=["own review", "unreviewed merge", "moved head", "second", "nothing new", "protected", "force", "no commit", "taken"],
)
def test_what_github_refuses_is_refused(northwind, act, status):
    open_one(northwind)

    with pytest.raises(GitHubError) as refused:
        act(northwind)

    assert refused.value.status == status


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_each_way_of_merging_makes_githubs_commits(northwind, method):
    open_one(northwind)
    northwind.commit(repository=WEB, branch="greet", files={"greet.txt": "2\n"}, author="bob", message="Greet twice")
    northwind.push_direct(repository=WEB, branch="main", files={"other.txt": "3\n"}, by="rex", message="Meanwhile")
    sha = northwind.merge(repository=WEB, number=1, by="rex", method=method)["sha"]

    made = northwind.git(WEB).commit_of(sha)

    assert northwind.git(WEB).commits("main", first_parent=True)[-1].sha == sha
    assert {"merge": ("Rex Stone", "GitHub", 2), "squash": ("Ann Berg", "GitHub", 1), "rebase": ("Bob Okafor", "Rex Stone", 1)}[
        method
    ] == (made.author.name, made.committer.name, len(made.parents))
    assert ("Co-authored-by: Bob Okafor <bob@northwind.example>" in made.message) == (method == "squash")


def test_conflicting_work_is_not_merged(northwind):
    northwind.commit(repository=WEB, branch="a", files={"app/main.py": "a\n"}, author="ann", message="A")
    northwind.open_pull_request(repository=WEB, head="a", title="A", by="ann")
    northwind.push_direct(repository=WEB, branch="main", files={"app/main.py": "b\n"}, by="rex", message="B")

    with pytest.raises(GitHubError) as refused:
        northwind.merge(repository=WEB, number=1, by="rex")

    assert refused.value.status == 405
    assert ask(northwind, f"/repos/{WEB}/pulls/1").json()["mergeable"] is False


def test_the_state_survives_a_restart(northwind, tmp_path):
    opened = open_one(northwind)
    token = northwind.token()
    northwind.stop()
    again = type(northwind)(tmp_path / "github")
    again.start()

    try:
        shown = ask(again, f"/repos/{WEB}/pulls/1", token=token).json()
    finally:
        again.stop()

    assert (shown["title"], shown["head"]["sha"]) == ("Greet", opened["head"]["sha"])
