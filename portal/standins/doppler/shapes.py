"""Doppler's things in the shapes of its API: logs and change requests with their values, as there."""

from portal.standins.doppler.world import ENVIRONMENTS, WORKPLACE
from portal.standins.store import Row


def project(row: Row) -> Row:
    """A project: today its id, slug and name are one."""
    return {"id": row["name"], "slug": row["name"], "name": row["name"], "description": "", "created_at": row["created_at"]}


def environments(row: Row) -> list[Row]:
    """The environments of a project."""
    made = {"initial_fetch_at": None, "created_at": row["created_at"], "project": row["name"]}
    return [{"id": slug, "name": title, **made} for slug, title in ENVIRONMENTS.items()]


def config(row: Row) -> Row:
    """A config."""
    names = ("name", "root", "locked", "environment", "project", "created_at")
    return {name: row[name] for name in names} | {"initial_fetch_at": None, "last_fetch_at": None}


def _user(row: Row) -> Row:
    return {"email": row["email"], "name": row["name"], "username": row["email"].partition("@")[0], "profile_image_url": ""}


def entry(place: str, row: Row, user: Row, *, whole: bool = False) -> Row:
    """An entry of a config's log; with ``whole`` its diff, values and all."""
    where, _, name = place.partition("/")
    told = {
        "id": row["vendor_id"],
        "text": row["text"],
        "html": f"{row['text']}: <code>{row['diff']}</code>" if whole else f"<b>{row['text']}</b>",
        "rollback": row["rollback"],
        "created_at": row["at"],
        "config": name,
        "environment": row["environment"],
        "project": where,
        "user": _user(user),
    }
    return told | ({"diff": row["diff"]} if whole else {})


def activity(row: Row, user: Row) -> Row:
    """An entry of the workplace's activity log."""
    return {
        "id": row["vendor_id"],
        "text": row["text"],
        "html": f"<a href='/workplace'>{row['text']}</a>",
        "created_at": row["at"],
        "config": row["config"],
        "environment": row["environment"],
        "project": row["project"],
        "user": _user(user),
    }


def person(row: Row) -> Row:
    """Somebody of the workplace."""
    return {"id": row["vendor_id"], "access": row["access"], "created_at": row["created_at"], "user": _user(row)}


def member(row: Row) -> Row:
    """Somebody of a project: a person, a group, a service account."""
    return {
        "type": row.get("type", "workplace_user"),
        "slug": row["user"],
        "role": {"identifier": row["role"]},
        "access_all_environments": not row["environments"],
        "environments": row["environments"],
    }


def service_token(place: str, row: Row, environment: str) -> Row:
    """A service token, without its key."""
    where, _, name = place.partition("/")
    told = {"name": row["name"], "slug": row["vendor_id"], "created_at": row["created_at"], "expires_at": None}
    return told | {"config": name, "environment": environment, "project": where, "access": row["access"]}


def integrations(rows: list[Row]) -> list[Row]:
    """The integrations with their syncs."""
    kinds = {(row["type"], row["name"]) for row in rows}
    return [
        _integration(kind, name, [row for row in rows if (row["type"], row["name"]) == (kind, name)])
        for kind, name in sorted(kinds)
    ]


def _integration(kind: str, name: str, rows: list[Row]) -> Row:
    slug = f"integration-{kind}"
    syncs = [
        {
            "slug": row["vendor_id"],
            "enabled": True,
            "lastSyncedAt": row["last"],
            "project": row["project"],
            "config": row["config"],
            "integration": slug,
        }
        for row in rows
    ]
    return {"slug": slug, "name": name, "type": kind, "kind": "sync", "enabled": True, "syncs": syncs}


def request(row: Row, users: dict[str, Row], *, whole: bool = False) -> Row:
    """A change request; with ``whole`` what it sets and what it became."""
    unit: Row = {
        "id": f"unit-{row['vendor_id']}",
        "status": "applied" if row["log"] else "open",
        "target": {
            "project": {"slug": row["project"], "name": row["project"]},
            "environment": {"slug": row["environment"], "name": ENVIRONMENTS[row["environment"]]},
            "config": {"slug": row["config"], "name": row["config"]},
        },
    }
    maker = {"slug": users[row["by"]]["vendor_id"], "type": "User", "name": users[row["by"]]["name"], "isActive": True, "image": ""}
    if whole:
        unit["updates"] = [
            {"name": name, "value": value or "", "shouldDelete": value is None} for name, value in row["values"].items()
        ]
        unit |= {"createdAt": row["created_at"], "createdBy": maker}
        if row["log"]:
            unit["applied"] = {"configLog": {"slug": row["log"]}, "activityLog": {"slug": row["log"]}}
    assigned = [
        {"type": "WorkplaceUser", "slug": users[email]["vendor_id"], "name": users[email]["name"], "email": email, "image": ""}
        for email in row["reviewers"]
    ]
    told = {"id": row["vendor_id"], "title": row["title"], "status": "closed" if row["log"] else "open"}
    return told | {"createdAt": row["created_at"], "createdBy": maker, "units": [unit], "assigned": assigned}


def policy(row: Row) -> Row:
    """A policy of change requests."""
    rules = [{"type": "RequiredReviewer", "count": row["count"], "subjects": []}]
    targets = {"allProjects": False, "projects": {row["project"]: {"all": True}}}
    return {"policy": {"id": row["vendor_id"], "name": row["name"], "description": "", "rules": rules, "targets": targets}}


def me(preview: str) -> Row:
    """The token that asks."""
    told = {
        "slug": "sa-countersign",
        "name": "Countersign",
        "created_at": "2026-01-05T09:00:00.000Z",
        "last_seen_at": "2026-01-05T09:00:00.000Z",
    }
    return told | {
        "type": "service_account",
        "token_preview": preview,
        "workplace": {"slug": WORKPLACE["slug"], "name": WORKPLACE["name"]},
    }
