"""A repository, as it stands alone and inside other answers."""

from portal.standins.github.shapes import people
from portal.standins.github.world import World, node_id
from portal.standins.store import Row
from portal.standins.times import moment

LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
STILL: Row = {
    "fork": False,
    "homepage": None,
    "language": "Python",
    "mirror_url": None,
    "license": None,
    "forks_count": 0,
    "stargazers_count": 0,
    "watchers_count": 0,
    "size": 108,
    "has_issues": True,
    "has_projects": False,
    "has_wiki": False,
    "has_pages": False,
    "has_downloads": False,
    "has_discussions": False,
    "archived": False,
    "disabled": False,
    "visibility": "private",
    "private": True,
    "forks": 0,
    "watchers": 0,
    "allow_forking": False,
    "is_template": False,
    "web_commit_signoff_required": False,
    "topics": [],
}


def repository(world: World, row: Row) -> Row:
    """A repository inside a pull request, a webhook or a list."""
    name = row["full_name"]
    url = f"{world.api_url}/repos/{name}"
    page = f"{world.url}/{name}"
    return {
        "id": row["id"],
        "node_id": node_id("R", row["id"]),
        "name": name.split("/")[1],
        "full_name": name,
        "owner": people.user(world, name.split("/")[0]),
        "description": row["description"],
        "url": url,
        "html_url": page,
        "git_url": f"git://{page.partition('://')[2]}.git",
        "ssh_url": f"git@github.example:{name}.git",
        "clone_url": world.clone_url(name),
        "svn_url": page,
        **{key: url + rest for key, rest in LINKS.items()},
        **STILL,
        "archived": row.get("archived", False),
        "default_branch": row["default_branch"],
        "open_issues_count": row.get("open", 0),
        "open_issues": row.get("open", 0),
        "pushed_at": row["pushed_at"],
        "created_at": row["created_at"],
        "updated_at": row["pushed_at"],
    }


def full_repository(world: World, row: Row) -> Row:
    """A repository asked for by name."""
    return {
        **repository(world, row),
        "organization": people.user(world, row["full_name"].split("/")[0]),
        "subscribers_count": 1,
        "network_count": 0,
        "allow_squash_merge": True,
        "allow_merge_commit": True,
        "allow_rebase_merge": True,
        "allow_auto_merge": False,
        "delete_branch_on_merge": False,
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
    }


def pushed(world: World, row: Row) -> Row:
    """A repository in a push: times are numbers and the owner has a name, GitHub's old form."""
    owner = row["full_name"].split("/")[0]
    account = world.account(owner)
    shape = repository(world, row)
    shape["owner"] = shape["owner"] | {"name": account["name"], "email": account["email"]}
    return shape | {
        "created_at": int(moment(row["created_at"]).timestamp()),
        "pushed_at": int(moment(row["pushed_at"]).timestamp()),
        "stargazers": 0,
        "master_branch": row["default_branch"],
        "organization": owner,
    }
