"""One of everything that can happen at the GitHub stand-in, for tests that look at all of it."""

from typing import Any

from portal.standins.github import GitHubStandIn

WEB = "northwind/web"


def live_through(github: GitHubStandIn) -> dict[str, Any]:
    """A week at ``northwind/web``. Returns what tests ask for: numbers, commits, ids."""
    first = _merge_one(github)
    promotion = _promote(github)
    reviewed = _go_back_and_forth(github)
    staging = github.deploy(repository=WEB, environment="staging", sha=first, by="bob")
    github.deploy(repository=WEB, environment="staging", sha=promotion, by="bob")
    run = github.ask_for_deploy(repository=WEB, environment="production", sha=promotion, by="bob", reviewers=["rex"])["id"]
    github.review_deploy(repository=WEB, run=run, by="rex", state="rejected", comment="Not today")
    github.review_deploy(repository=WEB, run=run, by="rex")
    production = github.deploy(repository=WEB, environment="production", sha=promotion, by="bob", state="")
    github.deployment_status(repository=WEB, deployment=production["id"], state="failure", by="bob")
    ruleset = _govern(github)
    github.bypass(repository=WEB, branch="prod", after=promotion, by="rex")
    direct = github.push_direct(repository=WEB, branch="prod", files={"hot.txt": "fix\n"}, by="rex", message="Hot fix")
    github.force_push(repository=WEB, branch="prod", by="rex")
    github.ping()
    return {
        "sha": first,
        "promotion": promotion,
        "direct": direct["sha"],
        "pull": reviewed["number"],
        "review": reviewed["review"],
        "deployment": staging["id"],
        "workflow": run,
        "ruleset": ruleset,
    }


def _merge_one(github: GitHubStandIn) -> str:
    changed = {"app/main.py": "print('hello')\nprint('you')\n"}
    github.commit(repository=WEB, branch="greet", files=changed, author="ann", message="Greet\x1b you", co_authors=["bob"])
    opened = github.open_pull_request(
        repository=WEB, head="greet", title="Greet by name", by="ann", labels=["emergency"], reviewers=["bob"]
    )
    github.edit_pull_request(repository=WEB, number=opened["number"], by="ann", title="Greet by first name", body="## Why\nPolite.")
    github.check(repository=WEB, sha=opened["head"]["sha"])
    github.status(repository=WEB, sha=opened["head"]["sha"], context="lint")
    github.review(repository=WEB, number=opened["number"], by="bob")
    merged = github.merge(repository=WEB, number=opened["number"], by="bob", delete_branch=True)
    return str(merged["sha"])


def _promote(github: GitHubStandIn) -> str:
    opened = github.open_pull_request(repository=WEB, head="main", base="prod", title="Promote to production", by="ann")
    github.check(repository=WEB, sha="main")
    github.review(repository=WEB, number=opened["number"], by="bob")
    return str(github.merge(repository=WEB, number=opened["number"], by="bob")["sha"])


def _go_back_and_forth(github: GitHubStandIn) -> dict[str, Any]:
    github.commit(repository=WEB, branch="idea", files={"idea.txt": "one\n"}, author="ann", message="An idea")
    number = github.open_pull_request(repository=WEB, head="idea", title="An idea", by="ann", draft=True)["number"]
    github.mark_ready(repository=WEB, number=number, by="ann")
    review = github.review(repository=WEB, number=number, by="bob", state="changes_requested", body="Why?")
    github.dismiss_review(repository=WEB, number=number, review_id=review["id"], by="rex")
    github.commit(repository=WEB, branch="idea", files={"idea.txt": "two\n"}, author="ann", message="A better idea")
    github.force_push(repository=WEB, branch="idea", by="ann")
    github.check(repository=WEB, sha="idea", conclusion="failure")
    github.label(repository=WEB, number=number, label="later", by="ann")
    github.unlabel(repository=WEB, number=number, label="later", by="ann")
    github.close_pull_request(repository=WEB, number=number, by="ann")
    github.reopen_pull_request(repository=WEB, number=number, by="ann")
    return {"number": number, "review": review["id"]}


def _govern(github: GitHubStandIn) -> int:
    github.set_protection(repository=WEB, branch="main", by="rex", reviews=2, checks=["ci / tests", "lint"], restrict=["bob"])
    github.set_ruleset(repository=WEB, name="prod only by promotion", by="rex", enforcement="evaluate")
    made = github.set_ruleset(
        repository=WEB, name="prod only by promotion", by="rex", ruleset=["pull_request", "required_status_checks"]
    )
    github.set_ruleset(repository=WEB, name="short-lived", by="rex")
    github.delete_ruleset(repository=WEB, name="short-lived", by="rex")
    github.set_protection(repository=WEB, branch="greetings", by="rex")
    github.remove_protection(repository=WEB, branch="greetings", by="rex")
    github.set_team(
        org="northwind", name="Core", by="rex", members={"ann": "member", "rex": "maintainer"}, repositories={WEB: "push"}
    )
    for level in ("pull", "admin"):
        github.set_team(org="northwind", name="Guests", by="rex", members={"bob": "member"}, repositories={WEB: level})
    github.set_team(org="northwind", name="Guests", by="rex", members={}, repositories={})
    github.delete_team(org="northwind", name="Guests", by="rex")
    github.join_organization(org="northwind", login="mallory", by="rex", role="admin")
    github.leave_organization(org="northwind", login="mallory", by="rex", role="admin")
    github.add_member(repository=WEB, login="mallory", by="rex", permission="pull")
    github.add_member(repository=WEB, login="mallory", by="rex", permission="admin")
    github.remove_member(repository=WEB, login="mallory", by="rex")
    return int(made["id"])
