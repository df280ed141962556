"""Accounts, collaborators, the App."""

from typing import Any

from portal.standins.github.hooks import APP_ID, INSTALLATION_ID
from portal.standins.github.tokens import APP_PERMISSIONS
from portal.standins.github.world import World, node_id
from portal.standins.store import Row

SINCE = "2025-01-06T09:00:00Z"
LEVELS = ("pull", "triage", "push", "maintain", "admin")
OLD_NAMES = {"pull": "read", "triage": "read", "push": "write", "maintain": "write", "admin": "admin", "": "none"}
ROLE_NAMES = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin", "": "none"}
EVENTS = [
    "branch_protection_configuration",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "deployment",
    "deployment_review",
    "deployment_status",
    "member",
    "membership",
    "merge_group",
    "organization",
    "pull_request",
    "pull_request_review",
    "push",
    "repository",
    "repository_ruleset",
    "status",
    "team",
]


def user(world: World, login: str) -> Row:
    """An account as it stands inside other answers."""
    account = world.account(login)
    url = f"{world.api_url}/users/{account['login']}"
    return {
        "login": account["login"],
        "id": account["uid"],
        "node_id": node_id("U", account["uid"]),
        "avatar_url": f"{world.url}/avatars/u/{account['uid']}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.url}/{account['login']}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": account["type"],
        "site_admin": False,
    }


def user_or_none(world: World, login: str | None) -> Row | None:
    """The account, or None when there is none."""
    return user(world, login) if login else None


def full_user(world: World, login: str) -> Row:
    """An account asked for by name."""
    account = world.account(login)
    return {
        **user(world, login),
        "name": account["name"],
        "company": None,
        "blog": "",
        "location": None,
        "email": account["email"],
        "hireable": None,
        "bio": None,
        "user_view_type": "public",
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": SINCE,
        "updated_at": SINCE,
    }


def organization(world: World, login: str) -> Row:
    """The owner of repositories as webhooks name it."""
    account = world.account(login)
    url = f"{world.api_url}/orgs/{account['login']}"
    return {
        "login": account["login"],
        "id": account["uid"],
        "node_id": node_id("O", account["uid"]),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{world.url}/avatars/u/{account['uid']}?v=4",
        "description": account["name"],
    }


def collaborator(world: World, member: Row) -> Row:
    """A person with access to a repository."""
    level = member["permission"]
    return {**user(world, member["login"]), "permissions": permissions_of(level), "role_name": ROLE_NAMES[level]}


def permissions_of(level: str) -> dict[str, bool]:
    """Each level, and whether ``level`` contains it."""
    return {name: place <= LEVELS.index(level) for place, name in enumerate(LEVELS)}


def permission(world: World, repository: str, login: str) -> Row:
    """One person's access, in the old words and the new ones."""
    held = world.permission(repository, login)
    shown: Row | None = None
    if held:
        shown = collaborator(world, {"login": login, "permission": held})
    return {"permission": OLD_NAMES[held], "role_name": ROLE_NAMES[held], "user": shown or user(world, login)}


def app(world: World, slug: str) -> Row:
    """The App that made a check: ``github-actions`` or the portal's own."""
    number = APP_ID if slug == "countersign" else 15368
    owner = "github" if slug == "github-actions" else "northwind-apps"
    world.add_account(login=owner, kind="Organization")
    return {
        "id": number,
        "slug": slug,
        "node_id": node_id("A", number),
        "client_id": f"Iv1.{slug}",
        "owner": user(world, owner),
        "name": slug.replace("-", " ").title(),
        "description": "",
        "external_url": "https://example.com",
        "html_url": f"{world.url}/apps/{slug}",
        "created_at": SINCE,
        "updated_at": SINCE,
        "permissions": APP_PERMISSIONS,
        "events": EVENTS if slug == "countersign" else [],
    }


def installation(world: World, owner: str) -> Row:
    """The App on one organisation."""
    account = user(world, owner)
    url = f"{world.api_url}/app/installations/{INSTALLATION_ID}"
    shape: dict[str, Any] = {
        "id": INSTALLATION_ID,
        "account": account,
        "repository_selection": "all",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{world.api_url}/installation/repositories",
        "html_url": f"{world.url}/organizations/{owner}/settings/installations/{INSTALLATION_ID}",
        "app_id": APP_ID,
        "app_slug": "countersign",
        "target_id": account["id"],
        "target_type": "Organization",
        "permissions": APP_PERMISSIONS,
        "events": EVENTS,
        "created_at": SINCE,
        "updated_at": SINCE,
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }
    return shape
