"""Git over HTTP for the stand-in: who may fetch and push, and what a push sets off."""

from datetime import UTC, datetime

from portal.standins import gateway
from portal.standins.git import NOBODY
from portal.standins.github import tokens
from portal.standins.github.acts import branches
from portal.standins.github.errors import GitHubError
from portal.standins.github.tokens import Caller
from portal.standins.github.world import World
from portal.standins.store import Row
from portal.standins.web import Answer, Request

PUSHERS = {"push", "maintain", "admin"}
PRE_RECEIVE = """#!/bin/sh
# Refuses what branch protection forbids to this person; the lists come from the stand-in.
while read -r old new ref; do
  case " $STANDIN_REFUSED " in
    *" $ref "*) echo "error: GH006: Protected branch update failed for $ref." >&2; exit 1 ;;
  esac
  case " $STANDIN_NO_FORCE " in
    *" $ref "*) git merge-base --is-ancestor "$old" "$new" || { echo "error: GH003: Cannot force-push to $ref." >&2; exit 1; } ;;
  esac
done
"""


def answer(world: World, request: Request) -> Answer:
    """Answers ``<git_path>/<owner>/<name>.git/…``. A token is the password; the user name says nothing."""
    path = request.path.removeprefix(world.git_path)
    name = path.partition(".git/")[0].strip("/")
    try:
        caller = tokens.caller(world, request.headers.get("Authorization", ""), at=datetime.now(UTC))
        row = _reached(world, caller, _present_name(world, name))
        path = path.replace(name, row["full_name"], 1)
    except GitHubError as problem:
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if problem.status == 401 else {}
        return Answer(problem.status, problem.message.encode(), headers)
    if gateway.is_push(request):
        return _push(world, request, row, caller, path)
    return gateway.serve(request, root=world.git_root, path=path, user=caller.login)


def _present_name(world: World, name: str) -> str:
    """A renamed repository still answers Git under the names that it had (docs.github.com, "Renaming a repository")."""
    if world.store.one("repository", subject=name.lower()) is None:
        for row in world.repositories():
            if name.lower() in row.get("former", []):
                return str(row["full_name"])
    return name


def _reached(world: World, caller: Caller, name: str) -> Row:
    row = world.repository(name)
    if caller.repositories is not None and row["full_name"] not in caller.repositories:
        raise GitHubError(404, "Not Found")
    if caller.kind == "user" and not world.permission(row["full_name"], caller.login):
        raise GitHubError(404, "Not Found")
    return row


def _push(world: World, request: Request, row: Row, caller: Caller, path: str) -> Answer:
    name = row["full_name"]
    if world.permission(name, caller.login) not in PUSHERS:
        return Answer(403, b"Write access to repository not granted.")
    with world.lock:
        install_hook(world, name)
        before = world.git(name).branches()
        env = _refused(world, row, before, caller.login)
        served = gateway.serve(request, root=world.git_root, path=path, user=caller.login, env=env)
        _tell_moves(world, row, before, by=caller.login)
    return served


def install_hook(world: World, name: str) -> None:
    """Puts the pre-receive hook into a repository, once."""
    hook = world.git(name).path / "hooks" / "pre-receive"
    if not hook.exists():
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(PRE_RECEIVE)
        hook.chmod(0o755)


def _refused(world: World, row: Row, tips: dict[str, str], login: str) -> dict[str, str]:
    """The branches this person may not push to at all, and those where history must stay."""
    refused: list[str] = []
    no_force: list[str] = []
    for branch in tips:
        for forced, names in ((False, refused), (True, no_force)):
            try:
                branches.refuse_push(world, row, branch=branch, by=login, forced=forced)
            except GitHubError:
                names.append(f"refs/heads/{branch}")
    return {"STANDIN_REFUSED": " ".join(refused), "STANDIN_NO_FORCE": " ".join(no_force)}


def _tell_moves(world: World, row: Row, before: dict[str, str], *, by: str) -> None:
    after = world.git(row["full_name"]).branches()
    for branch in sorted({*before, *after}):
        old, new = before.get(branch, NOBODY), after.get(branch, NOBODY)
        if old != new:
            branches.after_move(world, row, branch=branch, before=old, after=new, by=by, at=None)
