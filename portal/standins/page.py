"""A page to play with: what the stand-ins hold, and a button for each thing that people do there. Plain forms, no script."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import quote

from portal.standins import company, page_parts
from portal.standins.cloudflare import CloudflareError
from portal.standins.cloudflare import page as cloudflare
from portal.standins.doppler import DopplerError
from portal.standins.doppler import page as doppler
from portal.standins.fly import FlyError
from portal.standins.github import GitHubError
from portal.standins.slack import SlackError
from portal.standins.slack import page as slack
from portal.standins.vendors import Vendors
from portal.standins.web import Answer, Request

STYLE = (Path(__file__).parent / "page.css").read_bytes()
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser sends these forms with the origin "null"
    "X-Content-Type-Options": "nosniff",
}
Fields = dict[str, str]
WAITING = "waiting_press"
TOLD = "A year is being told here. This is done as soon as it is over."


def answer(vendors: Vendors, request: Request) -> Answer:
    """The page, its style sheet, and its buttons."""
    if request.method == "POST":
        return _pressed(vendors, request)
    if request.path == "/page.css":
        return Answer(200, STYLE, {"Content-Type": "text/css; charset=utf-8", "Cache-Control": "max-age=60"})
    parts = request.path.strip("/").split("/")
    if request.path in PAGES:
        return _shown(lambda: PAGES[request.path](vendors, request.query))
    if len(parts) == 4 and parts[2] == "pull" and parts[3].isdecimal():
        return _shown(lambda: page_parts.pull_request(vendors, f"{parts[0]}/{parts[1]}", int(parts[3])))
    if len(parts) == 4 and parts[2] == "commit":
        return _shown(lambda: page_parts.commit(vendors, f"{parts[0]}/{parts[1]}", parts[3]))
    if len(parts) == 2:
        return Answer(303, headers={"Location": f"/#{quote(request.path.strip('/'))}"})
    return Answer(404, b"<!DOCTYPE html><title>Not found</title><p>Nothing here. <a href='/'>Back</a>", HEADERS)


def _shown(make: Callable[[], str]) -> Answer:
    try:
        return _html(make())
    except (GitHubError, SlackError) as problem:
        return Answer(404, f"<!DOCTYPE html><title>Not found</title><p>{escape(problem.message)}".encode(), HEADERS)


def _html(text: str) -> Answer:
    return Answer(200, text.encode(), dict(HEADERS))


def _pressed(vendors: Vendors, request: Request) -> Answer:
    """Does what a button says and shows the page again with what came of it. Forms of other sites are refused."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("Host"):
        return Answer(403, b"This form belongs to another site.")
    if not {request.path} & {*slack.BUTTONS, *CONSOLES, *BUTTONS}:
        return Answer(404, b"There is no such button.")
    return _kept(vendors, request) if vendors.clock.turned else _done(vendors, request.path, request.form())


def _kept(vendors: Vendors, request: Request) -> Answer:
    """A year is being told with a clock of its own: what people press meanwhile is done after it, at its own time."""
    vendors.github.store.add(WAITING, body={"path": request.path, "fields": request.form()})
    shown = request.path if request.path in CONSOLES else "/slack" if request.path in slack.BUTTONS else "/"
    return Answer(303, headers={"Location": f"{shown}?said={quote(TOLD)}"})


def press_waiting(vendors: Vendors) -> int:
    """Does what was pressed while a year was told, in its order. Returns how many; what is refused now is left out."""
    rows = vendors.github.store.all(WAITING)
    for row in rows:
        vendors.github.store.delete(row)
        _done(vendors, row["path"], row["fields"])
    return len(rows)


def _done(vendors: Vendors, path: str, fields: Fields) -> Answer:
    if path in slack.BUTTONS:
        return _in_slack(vendors, path, fields)
    if path in CONSOLES:
        return _at_a_console(vendors, path, fields)
    try:
        said, bad = BUTTONS[path](vendors, fields), ""
    except (GitHubError, FlyError) as problem:
        said, bad = problem.message, "&no=1"
    except (KeyError, ValueError) as problem:
        said, bad = f"The form is incomplete: {problem}", "&no=1"
    return Answer(303, headers={"Location": f"/?said={quote(said)}{bad}"})


def _in_slack(vendors: Vendors, path: str, fields: Fields) -> Answer:
    try:
        return Answer(303, headers={"Location": slack.pressed(vendors.slack, path, fields)})
    except (KeyError, SlackError):
        return Answer(400, b"The form is incomplete.")


def _at_a_console(vendors: Vendors, path: str, fields: Fields) -> Answer:
    """The same at Doppler or Cloudflare, whose pages take all their buttons at one address."""
    try:
        said, bad = CONSOLES[path](vendors, fields), ""
    except (DopplerError, CloudflareError) as problem:
        said, bad = problem.message, "&no=1"
    except KeyError as problem:
        said, bad = f"The form is incomplete: {problem}", "&no=1"
    return Answer(303, headers={"Location": f"{path}?said={quote(said)}{bad}"})


def _open(vendors: Vendors, fields: Fields) -> str:
    labels = ("emergency",) if fields.get("emergency") else ()
    body = fields.get("why", "")
    made = company.open_work(
        vendors.github,
        repository=fields["repository"],
        title=fields["title"].strip() or "A small change",
        by=fields["by"],
        body=f"## Why\n{body}\n" if body else "",
        labels=labels,
    )
    return f"{fields['by']} opened {fields['repository']}#{made['number']}."


def _review(vendors: Vendors, fields: Fields) -> str:
    number, by, state = int(fields["number"]), fields["by"], fields["state"]
    vendors.github.review(repository=fields["repository"], number=number, by=by, state=state)
    return f"{by} reviewed #{number}: {state.replace('_', ' ')}."


def _check(vendors: Vendors, fields: Fields) -> str:
    number = int(fields["number"])
    sha = vendors.github.pull(fields["repository"], number)["head_sha"]
    vendors.github.check(repository=fields["repository"], sha=sha, name=company.CI, conclusion=fields["conclusion"])
    return f"{company.CI} on #{number}: {fields['conclusion']}."


def _merge(vendors: Vendors, fields: Fields) -> str:
    number = int(fields["number"])
    made = vendors.github.merge(repository=fields["repository"], number=number, by=fields["by"])
    return f"{fields['by']} merged #{number} as {made['sha'][:12]}."


def _promote(vendors: Vendors, fields: Fields) -> str:
    made = company.promote(vendors.github, repository=fields["repository"], by=fields["by"])
    return f"{fields['by']} opened the promotion #{made['number']} of {fields['repository']}."


def _release(vendors: Vendors, fields: Fields) -> str:
    repository, environment = fields["repository"], fields["environment"]
    made = company.ship(vendors.github, vendors.fly, repository=repository, environment=environment, by=fields["by"])
    return f"{company.app_name(repository, environment)} released as version {made['version']}."


def _roll_back(vendors: Vendors, fields: Fields) -> str:
    email = vendors.github.account(fields["by"])["email"]
    made = vendors.fly.rollback(app=fields["app"], version=int(fields["version"]), by=email)
    return f"{fields['app']} went back to version {fields['version']}, as version {made['version']}."


def _push(vendors: Vendors, fields: Fields) -> str:
    files: dict[str, str | None] = {"hotfix.txt": f"{fields['title']}\n"}
    made = vendors.github.push_direct(
        repository=fields["repository"], branch="prod", files=files, by=fields["by"], message=fields["title"] or "Quick fix"
    )
    return f"{fields['by']} pushed {made['sha'][:12]} straight to prod of {fields['repository']}."


BUTTONS: dict[str, Callable[[Vendors, Fields], str]] = {
    "/open": _open,
    "/review": _review,
    "/check": _check,
    "/merge": _merge,
    "/promote": _promote,
    "/release": _release,
    "/roll-back": _roll_back,
    "/push": _push,
}

CONSOLES: dict[str, Callable[[Vendors, Fields], str]] = {
    doppler.ADDRESS: lambda vendors, fields: doppler.pressed(vendors.doppler, fields),
    cloudflare.ADDRESS: lambda vendors, fields: cloudflare.pressed(vendors.cloudflare, fields),
}
PAGES: dict[str, Callable[[Vendors, Fields], str]] = {
    "/": page_parts.front,
    "/slack": lambda vendors, query: slack.page(vendors.slack, query),
    doppler.ADDRESS: lambda vendors, query: doppler.page(vendors.doppler, page_parts.said(query)),
    cloudflare.ADDRESS: lambda vendors, query: cloudflare.page(vendors.cloudflare, page_parts.said(query)),
}
