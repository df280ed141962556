"""Commits, changed files, branches, comparisons: all of it computed from Git."""

from portal.standins.git import EMPTY_TREE, ChangedFile, Commit, Signature
from portal.standins.github.shapes import people, rules
from portal.standins.github.world import World, node_id
from portal.standins.store import Row
from portal.standins.times import stamp

COMPARED_WITHOUT_PAGES = 250
FILES_SHOWN = 300


def account_of(world: World, signature: Signature) -> Row | None:
    """The account that GitHub links an address to."""
    if signature.email == "noreply@github.com":
        return people.user(world, "web-flow")
    known = world.account_by_email(signature.email)
    return people.user(world, known["login"]) if known else None


def commit(world: World, repository: str, entry: Commit) -> Row:
    """One commit as lists show it."""
    url = f"{world.api_url}/repos/{repository}"
    page = f"{world.url}/{repository}/commit"
    parents = [{"sha": parent, "url": f"{url}/commits/{parent}", "html_url": f"{page}/{parent}"} for parent in entry.parents]
    return {
        "url": f"{url}/commits/{entry.sha}",
        "sha": entry.sha,
        "node_id": node_id("C", int(entry.sha[:10], 16)),
        "html_url": f"{page}/{entry.sha}",
        "comments_url": f"{url}/commits/{entry.sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{entry.sha}",
            "author": _who(entry.author),
            "committer": _who(entry.committer),
            "message": entry.message,
            "comment_count": 0,
            "tree": {"sha": entry.tree, "url": f"{url}/git/trees/{entry.tree}"},
            "verification": verification(world, repository, entry),
        },
        "author": account_of(world, entry.author),
        "committer": account_of(world, entry.committer),
        "parents": parents,
    }


def verification(world: World, repository: str, entry: Commit) -> Row:
    """Whether GitHub vouches for a commit: for those that it made itself. An address in a commit proves nothing."""
    at = world.signed_at(repository, entry.sha)
    if not at:
        return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    signature = "-----BEGIN PGP SIGNATURE-----\n\nstand-in\n-----END PGP SIGNATURE-----\n"
    return {"verified": True, "reason": "valid", "signature": signature, "payload": f"tree {entry.tree}\n", "verified_at": at}


def _who(signature: Signature) -> Row:
    return {"name": signature.name, "email": signature.email, "date": stamp(signature.at)}


def full_commit(world: World, repository: str, entry: Commit) -> Row:
    """One commit asked for by name, with what it changed against its first parent."""
    changed = world.git(repository).files(entry.parents[0] if entry.parents else EMPTY_TREE, entry.sha)
    added = sum(one.additions for one in changed)
    removed = sum(one.deletions for one in changed)
    return {
        **commit(world, repository, entry),
        "stats": {"additions": added, "deletions": removed, "total": added + removed},
        "files": [file(world, repository, entry.sha, one) for one in changed[:FILES_SHOWN]],
    }


def file(world: World, repository: str, sha: str, changed: ChangedFile, *, patch: str = "") -> Row:
    """One changed path, with its difference where GitHub would show it."""
    page = f"{world.url}/{repository}"
    shape = {
        "sha": changed.sha,
        "filename": changed.path,
        "status": changed.status,
        "additions": changed.additions,
        "deletions": changed.deletions,
        "changes": changed.additions + changed.deletions,
        "blob_url": f"{page}/blob/{sha}/{changed.path}",
        "raw_url": f"{page}/raw/{sha}/{changed.path}",
        "contents_url": f"{world.api_url}/repos/{repository}/contents/{changed.path}?ref={sha}",
    }
    shape |= {"previous_filename": changed.previous} if changed.previous else {}
    return shape | ({"patch": patch} if patch else {})


def pushed(world: World, repository: str, entry: Commit) -> Row:
    """One commit inside a push."""
    changed = world.git(repository).files(entry.parents[0] if entry.parents else EMPTY_TREE, entry.sha)
    return {
        "id": entry.sha,
        "tree_id": entry.tree,
        "distinct": True,
        "message": entry.message,
        "timestamp": stamp(entry.committer.at),
        "url": f"{world.url}/{repository}/commit/{entry.sha}",
        "author": _pusher(world, entry.author),
        "committer": _pusher(world, entry.committer),
        "added": [one.path for one in changed if one.status == "added"],
        "removed": [one.path for one in changed if one.status == "removed"],
        "modified": [one.path for one in changed if one.status not in {"added", "removed"}],
    }


def _pusher(world: World, signature: Signature) -> Row:
    account = account_of(world, signature)
    shape: Row = {"name": signature.name, "email": signature.email}
    return shape | ({"username": account["login"]} if account else {})


def simple_commit(entry: Commit) -> Row:
    """A commit inside a check suite."""
    return {
        "id": entry.sha,
        "tree_id": entry.tree,
        "message": entry.message,
        "timestamp": stamp(entry.committer.at),
        "author": {"name": entry.author.name, "email": entry.author.email},
        "committer": {"name": entry.committer.name, "email": entry.committer.email},
    }


def branch(world: World, repository: str, name: str, sha: str) -> Row:
    """One branch asked for by name."""
    url = f"{world.api_url}/repos/{repository}/branches/{name}"
    rule = world.protection(repository, name)
    return {
        "name": name,
        "commit": commit(world, repository, world.git(repository).commit_of(sha)),
        "_links": {"self": url, "html": f"{world.url}/{repository}/tree/{name}"},
        "protected": rule is not None,
        "protection": rules.summary(rule),
        "protection_url": f"{url}/protection",
    }


def comparison(world: World, repository: str, base: str, head: str, *, page: int, per_page: int) -> Row:
    """``base...head``: what head has that base has not. Files only on the first page."""
    git = world.git(repository)
    ancestor = git.merge_base(base, head)
    ahead, behind = git.count(f"{base}..{head}"), git.count(f"{head}..{base}")
    listed = git.commits(f"{base}..{head}")[(page - 1) * per_page : page * per_page]
    url = f"{world.api_url}/repos/{repository}/compare/{base}...{head}"
    site = f"{world.url}/{repository}/compare"
    shape = {
        "url": url,
        "html_url": f"{site}/{base}...{head}",
        "permalink_url": f"{site}/{base[:12]}...{head[:12]}",
        "diff_url": f"{site}/{base}...{head}.diff",
        "patch_url": f"{site}/{base}...{head}.patch",
        "base_commit": commit(world, repository, git.commit_of(base)),
        "merge_base_commit": commit(world, repository, git.commit_of(ancestor)),
        "status": _relation(ahead, behind),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [commit(world, repository, entry) for entry in listed],
    }
    if page == 1:
        changed = git.files(ancestor, head)[:FILES_SHOWN]
        shape["files"] = [file(world, repository, head, one) for one in changed]
    return shape


def _relation(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"
