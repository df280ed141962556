"""Repositories, branches, rules, people with access, activity."""

from functools import partial

from portal.standins.github.acts import auditing
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.rest.calls import ROUTES, Call, paged
from portal.standins.github.shapes import commits, people, repositories, rules
from portal.standins.github.shapes import teams as team_shapes
from portal.standins.github.world import node_id
from portal.standins.store import Row
from portal.standins.web import Answer, json_answer

REPO = "/repos/{owner}/{repo}"


@ROUTES.on("GET", REPO)
def repository(call: Call) -> Answer:
    """The repository itself."""
    return json_answer(repositories.full_repository(call.world, call.repository))


@ROUTES.on("GET", "/orgs/{org}/repos")
def of_organization(call: Call) -> Answer:
    """The repositories of an organisation that the token reaches."""
    reach = call.caller.repositories
    rows = [row for row in call.world.repositories() if row["full_name"].startswith(call.args["org"] + "/")]
    seen = [row for row in rows if reach is None or row["full_name"] in reach]
    return paged(call, seen, lambda row: repositories.repository(call.world, row))


@ROUTES.on("GET", REPO + "/branches")
def branches(call: Call) -> Answer:
    """All branches, by name."""
    name = call.name
    found = sorted(call.world.git(name).branches().items())

    def shape(entry: tuple[str, str]) -> Row:
        branch, sha = entry
        url = f"{call.world.api_url}/repos/{name}/commits/{sha}"
        return {"name": branch, "commit": {"sha": sha, "url": url}, "protected": call.world.protection(name, branch) is not None}

    return paged(call, found, shape)


@ROUTES.on("GET", REPO + "/branches/{branch:rest}/protection/enforce_admins")
def enforce_admins(call: Call) -> Answer:
    """Whether administrators are bound."""
    return json_answer(rules.protection(call.world, call.name, _rule(call))["enforce_admins"])


@ROUTES.on("GET", REPO + "/branches/{branch:rest}/protection/{part}")
def protection_part(call: Call) -> Answer:
    """One part of the protection. Raises 404 when it is off."""
    part = rules.protection(call.world, call.name, _rule(call)).get(call.args["part"])
    if part is None:
        raise not_found()
    return json_answer(part)


@ROUTES.on("GET", REPO + "/branches/{branch:rest}/protection")
def protection(call: Call) -> Answer:
    """The protection of a branch. Raises 404 in GitHub's own words when there is none."""
    return json_answer(rules.protection(call.world, call.name, _rule(call)))


def _rule(call: Call) -> Row:
    call.need("administration")
    name = call.name
    if not call.world.git(name).has(f"refs/heads/{call.args['branch']}"):
        raise GitHubError(404, "Branch not found")
    rule = call.world.protection(name, call.args["branch"])
    if rule is None:
        raise GitHubError(404, "Branch not protected")
    return rule


@ROUTES.on("GET", REPO + "/branches/{branch:rest}")
def branch(call: Call) -> Answer:
    """One branch with its tip."""
    name, wanted = call.name, call.args["branch"]
    tips = call.world.git(name).branches()
    if wanted not in tips:
        raise GitHubError(404, "Branch not found")
    return json_answer(commits.branch(call.world, name, wanted, tips[wanted]))


@ROUTES.on("GET", REPO + "/rules/branches/{branch:rest}")
def branch_rules(call: Call) -> Answer:
    """All ruleset rules in force on a branch."""
    return paged(call, rules.in_force(call.world, call.name, call.args["branch"]), lambda rule: rule)


@ROUTES.on("GET", REPO + "/rulesets")
def rulesets(call: Call) -> Answer:
    """The rulesets, without their rules."""
    name = call.name
    rows = call.world.store.all("ruleset", place=name)
    return paged(call, rows, lambda row: rules.ruleset(call.world, name, row, in_full=False))


@ROUTES.on("GET", REPO + "/rulesets/rule-suites")
def rule_suites(call: Call) -> Answer:
    """Pushes as the rulesets judged them, newest first."""
    repo = call.repository
    rows = list(reversed(call.world.store.all("suite", place=repo["full_name"])))
    wanted = call.text("rule_suite_result", "all")
    return paged(call, [row for row in rows if wanted in ("all", row["result"])], lambda row: rules.suite(call.world, repo, row))


@ROUTES.on("GET", REPO + "/rulesets/{id}")
def ruleset(call: Call) -> Answer:
    """One ruleset. Who may get past it is shown only to those who may change it."""
    name = call.name
    row = call.world.store.by_id("ruleset", call.number("id"), place=name)
    if row is None:
        raise not_found()
    shape = rules.ruleset(call.world, name, row, in_full=True)
    if not call.caller.may("administration", "write"):
        shape.pop("bypass_actors")
    return json_answer(shape)


@ROUTES.on("GET", REPO + "/collaborators")
def collaborators(call: Call) -> Answer:
    """People with access."""
    name = call.name
    rows = call.world.store.all("member", place=name)
    wanted = call.text("permission")
    if wanted in people.LEVELS:
        rows = [row for row in rows if people.LEVELS.index(row["permission"]) >= people.LEVELS.index(wanted)]
    return paged(call, rows, lambda row: people.collaborator(call.world, row))


@ROUTES.on("GET", REPO + "/teams")
def teams(call: Call) -> Answer:
    """Teams with access."""
    call.need("administration")
    name = call.name
    rows = [row for row in call.world.store.all("team", place=name.partition("/")[0].lower()) if name in row["repositories"]]
    return paged(call, rows, lambda row: team_shapes.team(call.world, row, name))


@ROUTES.on("GET", "/orgs/{org}/teams/{slug}/members")
def team_members(call: Call) -> Answer:
    """People in a team, or those with one role in it."""
    call.need("members")
    row = call.world.store.one("team", place=call.args["org"].lower(), subject=call.args["slug"])
    if row is None:
        raise not_found()
    role = call.text("role", "all")
    return paged(call, [login for login, held in row["members"].items() if role in ("all", held)], partial(people.user, call.world))


@ROUTES.on("GET", "/orgs/{org}/audit-log")
def audit_log(call: Call) -> Answer:
    """What was done in the organisation, newest first; 404 where it has no such log."""
    if call.world.store.one("audited", subject=call.args["org"].lower()) is None:
        raise not_found()
    return paged(call, auditing.entries(call.world, call.args["org"]), lambda entry: entry)


@ROUTES.on("GET", REPO + "/collaborators/{login}/permission")
def permission(call: Call) -> Answer:
    """One person's access."""
    return json_answer(people.permission(call.world, call.name, call.args["login"]))


@ROUTES.on("GET", REPO + "/collaborators/{login}")
def is_collaborator(call: Call) -> Answer:
    """204 when the person has access."""
    if not call.world.permission(call.name, call.args["login"]):
        raise not_found()
    return Answer(204)


@ROUTES.on("GET", REPO + "/activity")
def activity(call: Call) -> Answer:
    """Pushes, newest first."""
    name = call.name
    rows = list(reversed(call.world.store.all("activity", place=name)))
    for parameter, key in (("ref", "ref"), ("activity_type", "type"), ("actor", "actor")):
        wanted = call.text(parameter)
        if parameter == "ref" and wanted and not wanted.startswith("refs/"):
            wanted = f"refs/heads/{wanted}"
        rows = [row for row in rows if not wanted or row[key] == wanted]

    def shape(row: Row) -> Row:
        plain = {key: row[key] for key in ("id", "before", "after", "ref", "timestamp")}
        actor = people.user(call.world, row["actor"])
        return plain | {"node_id": node_id("PSH", row["id"]), "activity_type": row["type"], "actor": actor}

    return paged(call, rows, shape)
