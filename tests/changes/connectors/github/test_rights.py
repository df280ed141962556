"""Who has access at GitHub: the answers as rights, the run against the stand-in, and the requests against GitHub's contract."""

from dataclasses import replace

import pytest

from changes.connectors.errors import Passing
from changes.connectors.fields import Fields, Unreadable
from changes.connectors.github import rights, rights_sync
from changes.delivery.models import Repository
from changes.entitlements.facts import Held, Right
from changes.entitlements.models import Entitlement, Thing
from tests.changes.connectors.github.conftest import NOW
from tests.changes.connectors.github.forge import Said
from tests.changes.connectors.github.test_contract import as_official, description
from tests.changes.connectors.github.test_standin import github
from tests.portal.standins.life import WEB, live_through
from tests.standins import github_standin, northwind

__all__ = ["description", "github", "github_standin", "northwind"]
REPO = "/repos/northwind/web"


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ({"permissions": {"admin": True, "push": True, "pull": True}}, Right.ADMIN),
        ({"permissions": {"admin": False, "maintain": True}}, Right.WRITE),
        ({"permissions": {"triage": True, "pull": True}}, Right.READ),
        ({"permission": "push"}, Right.WRITE),
    ],
)
def test_levels_become_rights(said, right):
    assert rights.right_of(Fields.of(value=said, path="team")) == right


def test_an_unknown_level_is_loud():
    with pytest.raises(Unreadable, match="does not say which right"):
        rights.right_of(Fields.of(value={"permission": "own"}, path="team"))


def test_who_may_bypass_a_ruleset_is_read_by_kind():
    actors = [
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"},
        {"actor_id": 7, "actor_type": "Team", "bypass_mode": "pull_request"},
        {"actor_id": 9, "actor_type": "Integration", "bypass_mode": "exempt"},
        {"actor_id": None, "actor_type": "DeployKey"},
        {"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"},
    ]
    given = {"thing": "github.ruleset:1:2", "name": "web", "teams": {7: "Core"}}

    found = rights.bypasses(ruleset={"enforcement": "active", "bypass_actors": actors}, **given)

    assert [(one.account_id, one.account_name, one.account_kind, one.vendor_word) for one in found] == [
        ("role:admin", "everybody with the role admin", "team", "always"),
        ("7", "Core", "team", "pull_request"),
        ("9", "Integration 9", "app", "exempt"),
        ("DeployKey:", "DeployKey", "token", "always"),
        ("OrganizationAdmin:1", "OrganizationAdmin 1", "team", "always"),
    ]
    assert rights.bypasses(ruleset={"enforcement": "evaluate", "bypass_actors": actors}, **given) == ()
    assert rights.bypasses(ruleset={"enforcement": "active"}, **given) is None


def test_protection_names_who_may_push_and_who_goes_past():
    ann, core = {"id": 1, "login": "ann"}, {"id": 7, "name": "Core", "slug": "core"}
    said = {
        "restrictions": {"users": [ann], "teams": [core], "apps": []},
        "required_pull_request_reviews": {"bypass_pull_request_allowances": {"users": [ann]}},
        "enforce_admins": {"enabled": False},
    }

    found = list(rights.of_protection(protection=said, thing="github.branch:1:prod", name="web"))

    kept = Held("1", "ann", "github.branch:1:prod", "web", Right.WRITE, vendor_word="may push")
    assert found[0] == kept
    assert found[1:3] == [
        replace(kept, account_id="7", account_name="Core", account_kind="team"),
        replace(kept, right=Right.BYPASS, vendor_word="may bypass pull requests"),
    ]
    assert found[3].account_id == rights.ADMINS
    bound = {"enforce_admins": {"enabled": True}}
    assert list(rights.of_protection(protection=bound, thing="github.branch:1:prod", name="web")) == []


def held(thing_kind):
    rows = Entitlement.objects.filter(thing__key__startswith=thing_kind, ended_at=None).order_by("account_name", "pk")
    return [(row.account_name, row.right, row.vendor_word) for row in rows]


def test_a_run_reads_people_teams_members_and_rules_and_what_is_gone_ends(github, northwind):
    live_through(northwind)
    number = github.repository().vendor_id
    Repository.objects.create(name=WEB, vendor_id=number, in_scope_from=NOW)

    first = rights_sync.read_source(source=github.source, at=github.at)
    northwind.set_team(org="northwind", name="Core", by="rex", members={"rex": "maintainer"}, repositories={WEB: "push"})
    northwind.remove_member(repository=WEB, login="ann", by="rex")
    second = rights_sync.read_source(source=github.source, at=github.at)

    assert held(rights.repository_key(number)) == [("bob", "write", "write"), ("rex", "admin", "admin")]
    assert held("github.repository_teams:") == [("Core", "write", "push")]
    assert held("github.team:") == [("rex", "admin", "maintainer")]
    assert ("bob", "write", "may push") in held(rights.branch_key(number, "main"))
    assert first.unread == second.unread
    assert set(first.unread.values()) == {"GitHub does not tell us"}
    assert Entitlement.objects.get(account_name="ann", thing__key=rights.repository_key(number)).ended_at == github.at
    assert second.taken == first.taken


def everything(repository=17):
    people = {"id": 1, "login": "ann", "type": "User", "permissions": {"push": True}, "role_name": "write"}
    team = {"id": 7, "name": "Core", "slug": "core", "permission": "admin"}
    return {
        f"GET {REPO}/collaborators": Said([people]),
        f"GET {REPO}/teams": Said([team]),
        "GET /orgs/northwind/teams/core/members": Said([]),
        f"GET {REPO}/branches/main/protection": Said({"message": "Branch not protected"}, 404),
        f"GET {REPO}/branches/prod/protection": Said({"enforce_admins": {"enabled": False}}),
        f"GET {REPO}/rulesets": Said([{"id": 3, "name": "prod"}]),
        f"GET {REPO}/rulesets/3": Said({"enforcement": "active", "bypass_actors": []}),
    }


def test_every_request_is_one_that_github_accepts_and_refusals_leave_what_was_known(connect, description):
    script = everything()
    client, forge = connect(script)
    Repository.objects.create(name="northwind/web", vendor_id=17, in_scope_from=NOW)

    done = rights_sync.read_all(now=lambda: NOW)
    for one in forge.asked:
        description.validate_request(as_official(one))
    script[f"GET {REPO}/rulesets"] = Said([])
    script[f"GET {REPO}/teams"] = Said({"message": "No"}, 403)
    refused = rights_sync.read_source(source=client.source, at=NOW)
    script[f"GET {REPO}/teams"] = Said([])
    gone = rights_sync.read_source(source=client.source, at=NOW)

    assert (done, len(forge.asked)) == (6, 8 + 5 + 5)
    assert list(refused.unread) == ["github.repository_teams:17"]
    assert held("github.repository_teams") == []
    assert {"github.ruleset:17:3", "github.team:7"} <= gone.taken
    assert Thing.objects.count() == 6
    script[f"GET {REPO}/collaborators"] = Said({}, 502)
    assert rights_sync.read_source(source=client.source, at=NOW).taken == set()
    with pytest.raises(Passing):
        client.api.get(path=f"{REPO}/collaborators")
    client.source.not_before = NOW.replace(year=2027)
    client.source.save()
    assert rights_sync.read_all(now=lambda: NOW) == 0
