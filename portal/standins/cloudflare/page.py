"""A pretend Cloudflare for people: set or delete a DNS record, let people in, see what the log says. No script."""

from collections.abc import Callable
from html import escape

from portal.standins.cloudflare import CloudflareStandIn
from portal.standins.cloudflare.world import CloudflareError
from portal.standins.page_parts import button, chooser, document, table, tag
from portal.standins.store import Row

Fields = dict[str, str]
ADDRESS = "/cloudflare"
SHOWN = 10
TYPES, DECISIONS = ("A", "AAAA", "CNAME", "TXT"), ("allow", "deny", "bypass")
DONE = {"create": "made", "update": "changed", "delete": "deleted"}


def page(cloudflare: CloudflareStandIn, note: str) -> str:
    """Zones with their records, applications with their policies, the newest entries of the audit log. ``note`` is HTML."""
    people = [row["email"] for row in cloudflare.store.all("member")]
    zones = "".join(_zone(cloudflare, row, people) for row in cloudflare.store.all("zone"))
    log = [_entry(row) for row in reversed(cloudflare.store.all("audit")[-SHOWN:])]
    body = (
        '<p><a href="/">GitHub and Fly</a></p><h1>Cloudflare, played by a stand-in</h1>'
        '<p class="quiet">Edit DNS or Access as somebody: the portal reads the audit log every fifteen seconds, since Cloudflare '
        "sends no webhooks. An edit that no change covers becomes an exception there; a comment with the change's number "
        "(<code>CHG-1042</code>) says which one it belongs to.</p>"
        f"{note}{zones or '<p>No zone yet.</p>'}{_access(cloudflare, people)}"
        f"{table('Audit log', ('When', 'By', 'What'), log)}"
    )
    return document("Stand-in of Cloudflare", body)


def _zone(cloudflare: CloudflareStandIn, zone: Row, people: list[str]) -> str:
    name = zone["name"]
    rows = [_record(name, row, people) for row in cloudflare.store.all("record", place=zone["vendor_id"])]
    form = (
        f'<form class="wide" method="post" action="{ADDRESS}"><input type="hidden" name="act" value="record">'
        f'<input type="hidden" name="zone" value="{escape(name)}">{chooser("type", "Type", TYPES)}'
        f'<label>Name <input name="title" required value="shop.{escape(name)}" autocomplete="off"></label>'
        '<label>Content <input name="content" required value="203.0.113.9" autocomplete="off"></label>'
        '<label>Comment <input name="comment" value="" autocomplete="off"></label>'
        f"{chooser('by', 'By', people)}<button>Set the record</button></form>"
    )
    listed = table(f"DNS records of {name}", ("Record", "Content", "What next"), rows)
    return f"<section>{tag('h2', name, id=name)}{form}{listed}</section>"


def _record(zone: str, row: Row, people: list[str]) -> list[str]:
    fields = {"act": "gone", "zone": zone, "title": row["name"], "type": row["type"], "by": people[0] if people else ""}
    gone = button(ADDRESS, f"Delete {row['type']} {row['name']}", fields, danger=True) if people else ""
    about = f"{row['content']} ({row['comment']})" if row["comment"] else row["content"]
    return [tag("code", f"{row['type']} {row['name']}"), tag("span", about), gone]


def _access(cloudflare: CloudflareStandIn, people: list[str]) -> str:
    applications = cloudflare.store.all("app")
    rows = [
        [tag("span", app["name"]), tag("span", one["name"]), tag("span", f"{one['decision']}: {', '.join(one['emails'])}")]
        for app in applications
        for one in cloudflare.store.all("policy", place=app["vendor_id"])
    ]
    form = (
        f'<form class="wide" method="post" action="{ADDRESS}"><input type="hidden" name="act" value="policy">'
        f"{chooser('application', 'Application', [app['name'] for app in applications])}"
        '<label>Policy <input name="title" required value="Contractors" autocomplete="off"></label>'
        f"{chooser('decision', 'Decision', DECISIONS)}"
        '<label>Addresses, with commas <input name="emails" required value="kim@contractor.example" autocomplete="off"></label>'
        f"{chooser('by', 'By', people)}<button>Set the policy</button></form>"
    )
    listed = table("Policies of Access", ("Application", "Policy", "Who"), rows)
    return f"<section><h2>Access</h2>{form}{listed}</section>" if applications else ""


def _entry(row: Row) -> list[str]:
    name = row["told"].get("name", "")
    what = f"{row['type'].replace('_', ' ')} {name} {DONE[row['action']]}"
    return [tag("span", row["at"]), tag("span", row["by"]), tag("span", what)]


def pressed(cloudflare: CloudflareStandIn, fields: Fields) -> str:
    """Does what a button says; returns what came of it. Raises KeyError for no button, CloudflareError for a refusal."""
    if cloudflare.store.one("member", subject=fields["by"]) is None:
        raise CloudflareError(403, f"{fields['by']} is no member of the account.")
    return ACTS[fields["act"]](cloudflare, fields)


def _set_record(cloudflare: CloudflareStandIn, fields: Fields) -> str:
    name, by = fields["title"].strip(), fields["by"]
    if name != fields["zone"] and not name.endswith(f".{fields['zone']}"):
        raise CloudflareError(400, f"{name} does not lie in {fields['zone']}.")
    content, comment = fields["content"].strip(), fields.get("comment", "").strip()
    cloudflare.set_record(zone=fields["zone"], name=name, type=fields["type"], content=content, comment=comment, by=by)
    return f"{fields['type']} {name} points at {content} now, by {by}."


def _delete_record(cloudflare: CloudflareStandIn, fields: Fields) -> str:
    cloudflare.delete_record(zone=fields["zone"], name=fields["title"], type=fields["type"], by=fields["by"])
    return f"{fields['type']} {fields['title']} was deleted by {fields['by']}."


def _set_policy(cloudflare: CloudflareStandIn, fields: Fields) -> str:
    emails = tuple(filter(None, (part.strip() for part in fields["emails"].split(","))))
    application, name, decision, by = fields["application"], fields["title"].strip(), fields["decision"], fields["by"]
    cloudflare.set_policy(application=application, name=name, decision=decision, emails=emails, by=by)
    return f"{name} of {application}: {decision} for {', '.join(emails)}, by {by}."


ACTS: dict[str, Callable[[CloudflareStandIn, Fields], str]] = {
    "record": _set_record,
    "gone": _delete_record,
    "policy": _set_policy,
}
