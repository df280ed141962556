"""Pull requests, reviews, timelines, and the merge."""

from portal.standins.github.acts import merging
from portal.standins.github.acts import pulls as acts
from portal.standins.github.errors import GitHubError, invalid, not_found
from portal.standins.github.rest.calls import ROUTES, Call, paged
from portal.standins.github.rest.repositories import REPO
from portal.standins.github.shapes import commits, people, pulls
from portal.standins.store import Row
from portal.standins.web import Answer, json_answer

PULL = REPO + "/pulls/{number}"
MOST_COMMITS, MOST_FILES = 250, 3000
EVENTS = {"APPROVE": "approved", "REQUEST_CHANGES": "changes_requested", "COMMENT": "commented"}


@ROUTES.on("GET", REPO + "/pulls")
def listed(call: Call) -> Answer:
    """Pull requests by state and base, sorted by when they were made or last touched."""
    repository = call.repository
    state, base, head = call.text("state", "open"), call.text("base"), call.text("head").partition(":")[2]
    if state not in {"open", "closed", "all"}:
        raise invalid("PullRequest", "state")
    rows = [row for row in call.world.pulls(call.name) if state == "all" or (row["state"] == "open") == (state == "open")]
    rows = [row for row in rows if (not base or row["base_ref"] == base) and (not head or row["head_ref"] == head)]
    order = {"created": "created_at", "updated": "updated_at"}.get(call.text("sort", "created"), "created_at")
    falling = call.text("direction", "desc" if order == "created_at" else "asc") == "desc"
    rows.sort(key=lambda row: (row[order], row["number"]), reverse=falling)
    return paged(call, rows, lambda row: pulls.simple(call.world, repository, row))


@ROUTES.on("POST", REPO + "/pulls")
def create(call: Call) -> Answer:
    """Opens a pull request as the caller."""
    call.need("pull_requests", "write")
    body = call.body()
    made = acts.open_pull_request(
        call.world,
        repository=call.name,
        head=str(call.field("head")).rpartition(":")[2],
        base=str(call.field("base")),
        title=str(call.field("title")),
        body=str(body.get("body") or ""),
        draft=bool(body.get("draft")),
        by=call.caller.login,
    )
    return json_answer(made, status=201)


@ROUTES.on("GET", PULL)
def one(call: Call) -> Answer:
    """One pull request."""
    return json_answer(pulls.full(call.world, call.repository, call.world.pull(call.name, call.number("number"))))


@ROUTES.on("PATCH", PULL)
def change(call: Call) -> Answer:
    """Changes title, text or state."""
    call.need("pull_requests", "write")
    body, name, number, by = call.body(), call.name, call.number("number"), call.caller.login
    if "title" in body or "body" in body:
        acts.edit_pull_request(call.world, repository=name, number=number, by=by, title=body.get("title"), body=body.get("body"))
    if body.get("state") == "closed":
        acts.close_pull_request(call.world, repository=name, number=number, by=by)
    elif body.get("state") == "open":
        acts.reopen_pull_request(call.world, repository=name, number=number, by=by)
    return one(call)


@ROUTES.on("GET", PULL + "/commits")
def of_commits(call: Call) -> Answer:
    """Its commits, oldest first, at most 250."""
    name, row = call.name, call.world.pull(call.name, call.number("number"))
    entries = call.world.git(name).commits(f"{row['base_sha']}..{row['head_sha']}")[:MOST_COMMITS]
    return paged(call, entries, lambda entry: commits.commit(call.world, name, entry))


@ROUTES.on("GET", PULL + "/files")
def of_files(call: Call) -> Answer:
    """The paths it changes, at most 3,000."""
    name, row = call.name, call.world.pull(call.name, call.number("number"))
    git = call.world.git(name)
    ends = git.merge_base(row["base_sha"], row["head_sha"]), row["head_sha"]
    changed = list(zip(git.files(*ends), git.patches(*ends), strict=True))[:MOST_FILES]
    return paged(call, changed, lambda one: commits.file(call.world, name, row["head_sha"], one[0], patch=one[1]))


@ROUTES.on("GET", PULL + "/merge")
def is_merged(call: Call) -> Answer:
    """204 when merged."""
    if call.world.pull(call.name, call.number("number"))["state"] != "merged":
        raise not_found()
    return Answer(204)


@ROUTES.on("PUT", PULL + "/merge")
def merge(call: Call) -> Answer:
    """Presses the merge button as the caller."""
    call.need("contents", "write")
    body = call.body()
    made = merging.merge(
        call.world,
        repository=call.name,
        number=call.number("number"),
        by=call.caller.login,
        method=str(body.get("merge_method") or "merge"),
        sha=str(body.get("sha") or ""),
    )
    return json_answer(made)


@ROUTES.on("GET", PULL + "/reviews")
def reviews(call: Call) -> Answer:
    """Its reviews, oldest first."""
    name, number = call.name, call.number("number")
    call.world.pull(name, number)
    rows = call.world.store.all("review", place=name, subject=str(number))
    return paged(call, rows, lambda row: pulls.review(call.world, name, number, row))


@ROUTES.on("GET", PULL + "/reviews/{review}")
def one_review(call: Call) -> Answer:
    """One review."""
    name, number = call.name, call.number("number")
    row = call.world.store.by_id("review", call.number("review"), place=name)
    if row is None:
        raise not_found()
    return json_answer(pulls.review(call.world, name, number, row))


@ROUTES.on("POST", PULL + "/reviews")
def create_review(call: Call) -> Answer:
    """Submits a review as the caller."""
    call.need("pull_requests", "write")
    body = call.body()
    state = EVENTS.get(str(call.field("event")))
    if state is None:
        raise GitHubError(422, "Unprocessable Entity", [{"message": "Variable $event was provided invalid value"}])
    made = acts.review(
        call.world,
        repository=call.name,
        number=call.number("number"),
        by=call.caller.login,
        state=state,
        body=str(body.get("body") or ""),
        commit=str(body.get("commit_id") or ""),
    )
    return json_answer(made)


@ROUTES.on("GET", PULL + "/requested_reviewers")
def requested_reviewers(call: Call) -> Answer:
    """Who was asked and has not answered."""
    row = call.world.pull(call.name, call.number("number"))
    return json_answer({"users": [people.user(call.world, login) for login in row["reviewers"]], "teams": []})


@ROUTES.on("GET", REPO + "/issues/{number}/timeline")
def timeline(call: Call) -> Answer:
    """What happened to a pull request: its commits, reviews and events, in the order of their times."""
    world, name, number = call.world, call.name, call.number("number")
    row = world.pull(name, number)
    entries: list[tuple[str, Row]] = []
    for commit in world.git(name).commits(f"{row['base_sha']}..{row['head_sha']}"):
        shape = pulls.committed(world, name, commit)
        entries.append((shape["committer"]["date"], shape))
    for review in world.store.all("review", place=name, subject=str(number)):
        entries.append((review["submitted_at"], pulls.reviewed(world, name, number, review)))
    for event in world.store.all("event", place=name, subject=str(number)):
        entries.append((event["created_at"], pulls.event(world, name, event)))
    entries.sort(key=lambda entry: entry[0])
    return paged(call, entries, lambda entry: entry[1])


@ROUTES.on("GET", REPO + "/issues/{number}/events")
def events(call: Call) -> Answer:
    """The events of a pull request, without commits and reviews."""
    name, number = call.name, call.number("number")
    call.world.pull(name, number)
    rows = call.world.store.all("event", place=name, subject=str(number))
    return paged(call, rows, lambda row: pulls.event(call.world, name, row))


@ROUTES.on("GET", REPO + "/issues/{number}/labels")
def labels(call: Call) -> Answer:
    """Its labels."""
    name, row = call.name, call.world.pull(call.name, call.number("number"))
    return paged(call, row["labels"], lambda text: pulls.label(call.world, name, text))
