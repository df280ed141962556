"""Comments: on a pull request, which GitHub keeps as an issue, and on a commit."""

from portal.standins.github.errors import invalid
from portal.standins.github.rest.calls import ROUTES, Call, paged
from portal.standins.github.rest.repositories import REPO
from portal.standins.github.shapes import comments
from portal.standins.store import Row
from portal.standins.times import stamp
from portal.standins.web import Answer, json_answer

ISSUE = REPO + "/issues/{number}/comments"
COMMIT = REPO + "/commits/{ref}/comments"
LONGEST = 65_536


def _made(call: Call, kind: str, subject: str) -> Row:
    """Keeps a comment of the caller; an App writes with the account of its bot. Raises 422 for an empty or endless one."""
    body = str(call.field("body"))
    if not body.strip() or len(body) > LONGEST:
        raise invalid("IssueComment", "body")
    call.world.add_account(login=call.caller.login, kind="Bot" if call.caller.kind == "installation" else "User")
    at = stamp(call.at)
    values = {"by": call.caller.login, "body": body, "subject": subject, "created_at": at, "updated_at": at}
    return call.world.store.add(kind, place=call.name, subject=subject, body=values)


@ROUTES.on("GET", ISSUE)
def on_pull_request(call: Call) -> Answer:
    """The comments on a pull request, oldest first."""
    number = str(call.world.pull(call.name, call.number("number"))["number"])
    rows = call.world.store.all("issue_comment", place=call.name, subject=number)
    return paged(call, rows, lambda row: comments.issue_comment(call.world, call.repository, row))


@ROUTES.on("POST", ISSUE)
def comment_on_pull_request(call: Call) -> Answer:
    """Writes one, as the caller."""
    call.need("pull_requests", "write")
    number = str(call.world.pull(call.name, call.number("number"))["number"])
    row = _made(call, "issue_comment", number)
    return json_answer(comments.issue_comment(call.world, call.repository, row), status=201)


@ROUTES.on("GET", COMMIT)
def on_commit(call: Call) -> Answer:
    """The comments on a commit, oldest first."""
    sha = call.world.tip(call.name, call.args["ref"])
    rows = call.world.store.all("commit_comment", place=call.name, subject=sha)
    return paged(call, rows, lambda row: comments.commit_comment(call.world, call.repository, row))


@ROUTES.on("POST", COMMIT)
def comment_on_commit(call: Call) -> Answer:
    """Writes one, as the caller."""
    call.need("contents")
    row = _made(call, "commit_comment", call.world.tip(call.name, call.args["ref"]))
    return json_answer(comments.commit_comment(call.world, call.repository, row), status=201)
