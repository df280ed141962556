"""The HTML of the stand-ins' page. Everything that people wrote is escaped in one place: ``tag`` and ``button``."""

from collections.abc import Sequence
from html import escape

from portal.standins import company
from portal.standins.github.acts.checking import runs_of
from portal.standins.store import Row
from portal.standins.vendors import Vendors

SHOWN = 12
BOTS = "[bot]"


def tag(name: str, text: str, **attributes: str) -> str:
    """An element with escaped text."""
    listed = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{listed}>{escape(text)}</{name}>"


def document(title: str, body: str) -> str:
    """A whole page."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/page.css"></head><body><main>{body}</main></body></html>'
    )


def button(action: str, text: str, fields: dict[str, str], *, danger: bool = False) -> str:
    """A form that is only a button."""
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())
    style = ' class="danger"' if danger else ""
    return f'<form method="post" action="{action}">{hidden}<button{style}>{escape(text)}</button></form>'


def chooser(name: str, label: str, values: Sequence[str], chosen: str = "") -> str:
    """A drop-down list with its label."""
    options = "".join(f"<option{' selected' if value == chosen else ''}>{escape(value)}</option>" for value in values)
    return f'<label>{escape(label)} <select name="{name}">{options}</select></label>'


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are HTML already."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    inner = f"{tag('caption', caption)}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    region = f'class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"'
    return f"<div {region}><table>{inner}</table></div>"


def said(query: dict[str, str]) -> str:
    """What came of the button that was pressed, from the address of the page that follows."""
    return tag("p", query["said"], class_="said no" if "no" in query else "said", role="status") if query.get("said") else ""


def front(vendors: Vendors, query: dict[str, str]) -> str:
    """The first page: every repository with its pull requests and releases."""
    github = vendors.github
    with github.lock:
        sections = "".join(_repository(vendors, row["full_name"]) for row in github.repositories())
    portal = f' Watch it happen in <a href="{escape(vendors.portal)}">the portal</a>.' if vendors.portal else ""
    intro = (
        "<h1>GitHub and Fly, played by stand-ins</h1>"
        "<p class=\"quiet\">Real Git repositories, GitHub's API and webhooks, Fly's API: all on this machine. "
        'There are a <a href="/slack">Slack</a>, a <a href="/doppler">Doppler</a> and a <a href="/cloudflare">Cloudflare</a> too. '
        f"Open a pull request, review it, let CI pass, merge it, release it.{portal}</p>"
    )
    return document("Stand-ins of GitHub and Fly", intro + said(query) + (sections or "<p>No repository yet.</p>"))


def _people(vendors: Vendors, repository: str) -> list[str]:
    return [row["login"] for row in vendors.github.store.all("member", place=repository) if BOTS not in row["login"]]


def _repository(vendors: Vendors, name: str) -> str:
    people = _people(vendors, name)
    hidden = f'<input type="hidden" name="repository" value="{escape(name)}">'
    opening = (
        f'<form class="wide" method="post" action="/open">{hidden}'
        '<label>Title <input name="title" required value="Make the greeting friendlier"></label>'
        '<label>Why <input name="why" value="Customers asked for it."></label>'
        f"{chooser('by', 'Author', people, 'ann')}<button>Open a pull request</button></form>"
    )
    pushing = (
        f'<form class="wide" method="post" action="/push">{hidden}<label>Message <input name="title" value="Quick fix"></label>'
        f'{chooser("by", "By", people, "rex")}<button class="danger">Push straight to prod</button></form>'
    )
    rows = list(reversed(vendors.github.pulls(name)))
    shown = [row for row in rows if row["state"] == "open"] + [row for row in rows if row["state"] != "open"]
    pulls = table("Pull requests", ("", "Title", "State", "What next"), [_pull(vendors, name, row) for row in shown[:SHOWN]])
    heading = tag("h2", name, id=name)
    return f"<section>{heading}{opening}{pulls}{_releases(vendors, name)}<h3>Past the rules</h3>{pushing}</section>"


def _pull(vendors: Vendors, name: str, row: Row) -> list[str]:
    link = f'<a href="/{escape(name)}/pull/{row["number"]}">#{row["number"]}</a>'
    about = tag("span", f"{row['user']}: {row['head_ref']} → {row['base_ref']}", class_="quiet")
    return [link, f"{tag('span', row['title'])}<br>{about}", tag("span", _state(vendors, name, row)), _buttons(vendors, name, row)]


def _state(vendors: Vendors, name: str, row: Row) -> str:
    if row["state"] != "open":
        return f"{row['state']} by {row['merged_by']}" if row["merged_by"] else str(row["state"])
    reviews = [f"{one['user']}: {one['state'].replace('_', ' ')}" for one in _reviews(vendors, name, row["number"])]
    checks = {run["name"]: run["conclusion"] or run["status"] for run in runs_of(vendors.github, name, row["head_sha"])}
    told = reviews + [f"{check}: {word}" for check, word in checks.items()]
    return "open" + ("; " + "; ".join(told) if told else "")


def _reviews(vendors: Vendors, name: str, number: int) -> list[Row]:
    return vendors.github.store.all("review", place=name, subject=str(number))


def _buttons(vendors: Vendors, name: str, row: Row) -> str:
    if row["state"] != "open":
        return ""
    fields = {"repository": name, "number": str(row["number"])}
    others = [login for login in _people(vendors, name) if login != row["user"]]
    who = "bob" if "bob" in others else others[0] if others else ""
    parts = [
        button("/review", f"{who} approves", {**fields, "by": who, "state": "approved"}),
        button("/review", f"{who} wants changes", {**fields, "by": who, "state": "changes_requested"}),
        button("/check", "CI passes", {**fields, "conclusion": "success"}),
        button("/check", "CI fails", {**fields, "conclusion": "failure"}),
        button("/merge", f"{who} merges", {**fields, "by": who}),
        button("/merge", "rex merges past the rules", {**fields, "by": "rex"}, danger=True),
    ]
    return "".join(parts if who else parts[2:4])


def _releases(vendors: Vendors, name: str) -> str:
    by = "bob" if "bob" in _people(vendors, name) else ""
    fields = {"repository": name, "by": by}
    parts = [
        button("/promote", "Open the promotion to prod", fields),
        button("/release", "Release main to staging", {**fields, "environment": "staging"}),
        button("/release", "Release prod to production", {**fields, "environment": "production"}),
    ]
    rows: list[list[str]] = []
    for environment in company.ENVIRONMENTS:
        app = company.app_name(name, environment)
        for place, one in enumerate(vendors.fly.releases(app)[:3]):
            back = {"app": app, "version": str(one["version"]), "by": by}
            again = button("/roll-back", "Go back to this", back, danger=True) if place else ""
            about = f"version {one['version']}: {one['status']}, {one['tag'][:12]}, {one['created_at']}"
            rows.append([tag("span", app), tag("span", about), again])
    return f"<h3>Releases</h3>{''.join(parts) if by else ''}" + table("Newest releases", ("App", "Release", ""), rows)


def pull_request(vendors: Vendors, name: str, number: int) -> str:
    """One pull request, as a person would look at it."""
    github = vendors.github
    with github.lock:
        row = github.pull(name, number)
        git = github.git(name)
        commits = git.commits(f"{row['base_sha']}..{row['head_sha']}")
        files = git.files(git.merge_base(row["base_sha"], row["head_sha"]), row["head_sha"])
        state, buttons = _state(vendors, name, row), _buttons(vendors, name, row)
    listed = [[tag("code", one.sha[:12]), tag("span", _subject(one.message)), tag("span", one.author.name)] for one in commits]
    changed = [[tag("code", one.path), tag("span", f"+{one.additions} −{one.deletions}")] for one in files]
    title = f"{name}#{number} {row['title']}"
    about = f"{row['user']}: {row['head_ref']} → {row['base_ref']}; {state}"
    body = (
        f'<p><a href="/">All repositories</a></p>{tag("h1", title)}'
        f"{tag('p', about, class_='quiet')}{tag('p', row['body'])}{buttons}"
        + table("Commits", ("Commit", "Message", "Author"), listed)
        + table("Changed files", ("Path", "Lines"), changed)
    )
    return document(f"{name}#{number}", body)


def _subject(message: str) -> str:
    return message.partition("\n")[0]


def commit(vendors: Vendors, name: str, sha: str) -> str:
    """One commit."""
    github = vendors.github
    github.repository(name)
    one = github.git(name).commit_of(github.tip(name, sha))
    about = f"{one.author.name} <{one.author.email}>, {one.author.at.isoformat()}"
    body = (
        f'<p><a href="/">All repositories</a></p>{tag("h1", one.sha[:12])}{tag("p", about, class_="quiet")}{tag("p", one.message)}'
    )
    return document(f"{name} {one.sha[:12]}", body)
