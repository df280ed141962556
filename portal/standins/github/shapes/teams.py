"""Teams, and who belongs to an organisation."""

from portal.standins.github.shapes import people
from portal.standins.github.world import World, node_id
from portal.standins.store import Row


def team(world: World, row: Row, repository: str) -> Row:
    """A team with access to a repository."""
    level = row["repositories"][repository]
    return told(world, row) | {"permission": level, "permissions": people.permissions_of(level)}


def membership(world: World, org: str, login: str, role: str) -> Row:
    """Somebody in an organisation, as webhooks name it."""
    account, url = people.user(world, login), f"{world.api_url}/orgs/{org}"
    return {
        "url": f"{url}/memberships/{account['login']}",
        "state": "active",
        "role": role,
        "organization_url": url,
        "user": account,
        "direct_membership": True,
    }


def told(world: World, row: Row) -> Row:
    """A team as webhooks name it: its permission is that of new repositories."""
    url = f"{world.api_url}/organizations/{world.account(row['org'])['uid']}/team/{row['id']}"
    return {
        "id": row["id"],
        "node_id": node_id("T", row["id"]),
        "name": row["name"],
        "slug": row["slug"],
        "description": "",
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": url,
        "html_url": f"{world.url}/orgs/{row['org']}/teams/{row['slug']}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "type": "organization",
        "organization_id": world.account(row["org"])["uid"],
        "parent": None,
    }
