"""Doppler's JSON as plain facts, without a single value of a secret. Pure.

Doppler shows values in a log's ``diff``, in a change request's ``updates`` and wherever a webhook's own template puts them;
``html`` and ``text`` are written by Doppler around what people typed. Nothing of these leaves this module but names, sides and
references ``CHG-…``. A name is what Doppler allows as one; anything else that stands where a name should be is counted, not kept.

Shapes: Doppler's OpenAPI description and its examples (docs/connectors/doppler.md).
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changes.connectors.github.fields import Fields, Incomplete, Unreadable
from changes.entitlements.facts import Held, Right
from changes.inventory.facts import Seen, VendorEvent

ID = 120
NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,254}", re.ASCII)
"""What Doppler allows as the name of a secret."""
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,118}", re.ASCII)
REFERENCE = re.compile(r"\bCHG-[1-9][0-9]{0,9}\b", re.ASCII)
DEFAULTS = {"prd": "production", "prod": "production", "production": "production", "stg": "staging", "staging": "staging"}
DEFAULTS |= dict.fromkeys(("dev", "development"), "development")
"""Environments by Doppler's own slugs; the administrator's settings win."""
RIGHTS = {"owner": Right.ADMIN, "admin": Right.ADMIN, "collaborator": Right.WRITE, "viewer": Right.READ, "billing": Right.READ}
NOTHING = frozenset({"no_access", "none"})
WORDS = (("roll", "rollback"), ("creat", "create"), ("add", "create"), ("delet", "delete"), ("remov", "delete"), ("lock", "lock"))
"""How a log's text begins to say what was done; anything else counts as an edit."""
KINDS = {"workplace_user": "person", "group": "team", "service_account": "app", "invite": "person"}
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Project:
    """``name`` is what requests name it by."""

    vendor_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Config:
    """One config of a project. ``environment`` is Doppler's slug."""

    project: str
    name: str
    environment: str
    root: bool
    locked: bool

    @property
    def path(self) -> str:
        """``backend/prd``: what it is known by here."""
        return f"{self.project}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a log: who, when, where. ``references`` are changes named in its text; the text itself is not kept."""

    vendor_id: str
    at: datetime
    word: str
    rollback: bool
    project: str
    config: str
    environment: str
    email: str
    name: str
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Diff:
    """Names of secrets by what happened to them. ``unnamed`` counts what stood where a name should be."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unnamed: int = 0

    def told(self) -> dict[str, Any]:
        """For an event's detail: lists of names."""
        sides = {"added": list(self.added), "removed": list(self.removed), "updated": list(self.updated)}
        return {name: value for name, value in {**sides, "unnamed": self.unnamed}.items() if value}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A change request of Doppler's own. ``applied`` are (config's path, environment, id of the config's log)."""

    vendor_id: str
    status: str
    at: datetime
    by: str
    reviewers: tuple[str, ...]
    references: tuple[str, ...]
    applied: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Sync:
    """A config that Doppler carries to somewhere else. ``kind`` is Doppler's word for where, such as ``flyio``."""

    vendor_id: str
    config: str
    kind: str
    integration: str
    enabled: bool
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Hook:
    """What a webhook says: which config to read again."""

    project: str
    config: str
    environment: str
    diff: Diff


def environment_of(slug: str, environments: Mapping[str, str]) -> str:
    """Which environment a slug is, by the settings, else by Doppler's own slugs; empty when it is none of them."""
    return environments.get(slug, DEFAULTS.get(slug, ""))


def listed(body: Any, name: str) -> tuple[Fields, ...]:
    """The objects of a list, named or bare."""
    if isinstance(body, list):
        return Fields(values={name: body}, path="answer").items(name)
    answer = Fields.of(value=body, path="answer")
    if not answer.has(name):
        raise Incomplete(f"answer.{name} is missing or unusable")
    return answer.items(name)


def me(body: Any) -> tuple[str, str]:
    """(kind of the token, the workplace) that asks."""
    answer = Fields.of(value=body, path="answer")
    workplace = answer.within("workplace")
    return answer.needed_text("type", limit=ID), (workplace.text("slug", limit=ID) or "") if workplace is not None else ""


def project(found: Fields) -> Project:
    """A project."""
    own = _slug(found, "id")
    return Project(vendor_id=own, name=_slug_or(found, "slug", own))


def config(found: Fields, name_of: Mapping[str, str]) -> Config:
    """A config. ``name_of`` maps the ids of projects to the names that requests use."""
    where = _slug(found, "project")
    return Config(
        project=name_of.get(where, where),
        name=_slug(found, "name"),
        environment=_slug_or(found, "environment", ""),
        root=bool(found.flag("root")),
        locked=bool(found.flag("locked")),
    )


def environment(found: Fields) -> tuple[str, str]:
    """(slug, title) of an environment of a project."""
    return _slug(found, "id"), found.needed_text("name")


def names(body: Any) -> Diff:
    """The names of a config's secrets, as the ``added`` ones of a difference to nothing."""
    answer = Fields.of(value=body, path="answer")
    if not isinstance(answer.values.get("names"), list):
        raise Incomplete("answer.names is missing or unusable")
    return _sides(added=answer.values["names"])


def entry(found: Fields) -> Entry:
    """An entry of a config's log or of the activity log."""
    user = found.within("user")
    text = found.text("text") or ""
    lowered = text.lower()
    rollback = bool(found.flag("rollback"))
    word = "rollback" if rollback else next((word for part, word in WORDS if lowered.startswith(part)), "update")
    return Entry(
        vendor_id=_slug(found, "id"),
        at=found.needed_moment("created_at"),
        word=word,
        rollback=rollback,
        project=_slug_or(found, "project", ""),
        config=_slug_or(found, "config", ""),
        environment=_slug_or(found, "environment", ""),
        email=_email(user),
        name=(user.text("name") or "")[:200] if user is not None else "",
        references=tuple(dict.fromkeys(REFERENCE.findall(text))),
    )


def diff(found: Fields) -> Diff:
    """Names and sides of a log's ``diff``; its values go no further than this."""
    added: list[Any] = []
    removed: list[Any] = []
    updated: list[Any] = []
    given = found.values.get("diff")
    for item in given if isinstance(given, list) else []:
        if not isinstance(item, Mapping):
            added.append(None)
            continue
        new, old = item.get("added") is not None, item.get("removed") is not None
        side = updated if new == old else added if new else removed
        side.append(item.get("name"))
    return _sides(added=added, removed=removed, updated=updated)


def _sides(*, added: Iterable[Any] = (), removed: Iterable[Any] = (), updated: Iterable[Any] = ()) -> Diff:
    kept: dict[str, tuple[str, ...]] = {}
    unnamed = 0
    for side, given in (("added", added), ("removed", removed), ("updated", updated)):
        all_names = list(given) if isinstance(given, list | tuple) else []
        good = {name for name in all_names if isinstance(name, str) and NAME.fullmatch(name)}
        unnamed += sum(1 for name in all_names if not (isinstance(name, str) and NAME.fullmatch(name)))
        kept[side] = tuple(sorted(good))
    if unnamed:
        log.warning("Doppler: %d things stand where the name of a secret should be; they are not kept", unnamed)
    return Diff(**kept, unnamed=unnamed)


def request(found: Fields) -> Request:
    """A change request: never what it would set. The title and the description are read for references only."""
    said = f"{found.text('title') or ''} {found.text('description') or ''}"
    by = found.within("createdBy")
    applied = [unit for unit in found.items("units") if unit.text("status") == "applied"]
    return Request(
        vendor_id=_slug(found, "id"),
        status=_slug_or(found, "status", ""),
        at=found.needed_moment("createdAt"),
        by=(by.text("name") or "")[:200] if by is not None else "",
        reviewers=tuple((item.text("email") or item.text("name") or "")[:200] for item in found.items("assigned")),
        references=tuple(dict.fromkeys(REFERENCE.findall(said))),
        applied=tuple(_applied(unit) for unit in applied),
    )


def _applied(unit: Fields) -> tuple[str, str, str]:
    target = unit.needed("target")
    where = [target.within(name) for name in ("project", "config", "environment")]
    slugs = [(_slug_or(part, "slug", _slug_or(part, "name", "")) if part is not None else "") for part in where]
    done = unit.within("applied")
    entry_of = done.within("configLog") if done is not None else None
    return f"{slugs[0]}/{slugs[1]}", slugs[2], _slug_or(entry_of, "slug", "") if entry_of is not None else ""


def sync(found: Fields, kind: str, integration: str) -> Sync:
    """A sync of an integration, with when it was last done."""
    return Sync(
        vendor_id=_slug(found, "slug"),
        config=f"{_slug(found, 'project')}/{_slug(found, 'config')}",
        kind=kind,
        integration=integration,
        enabled=bool(found.flag("enabled")),
        last_at=found.moment("lastSyncedAt"),
    )


def syncs(body: Any) -> list[Sync]:
    """The syncs of all integrations. Integrations that rotate secrets have none."""
    found: list[Sync] = []
    for item in listed(body, "integrations"):
        kind = _slug(item, "type")
        found += [sync(one, kind, (item.text("name") or "")[:200]) for one in item.items("syncs")]
    return found


def policy(found: Fields) -> Seen:
    """A policy of change requests: who has to look at what."""
    inner = found.within("policy") or found
    rules = [
        {
            "type": rule.text("type") or "",
            "count": rule.number("count") or 0,
            "subjects": sorted(one.text("slug") or "" for one in rule.items("subjects")),
        }
        for rule in inner.items("rules")
    ]
    targets = inner.within("targets")
    return Seen(
        kind="doppler.change_request_policy",
        external_id=_slug(inner, "id"),
        name=inner.needed_text("name"),
        configuration={"rules": rules, "targets": _targets(targets)},
    )


def _targets(found: Fields | None) -> dict[str, Any]:
    """Which projects, environments and configs: names only."""
    if found is None:
        return {}
    projects = found.within("projects")
    each = {
        name: {
            "all": bool(inner.get("all")),
            "environments": _slugs(inner.get("envSlugs")),
            "configs": _slugs(inner.get("configNames")),
        }
        for name, inner in (projects.values if projects is not None else {}).items()
        if isinstance(inner, Mapping) and SLUG.fullmatch(name)
    }
    return {"all": bool(found.flag("allProjects")), "projects": each}


def _slugs(given: Any) -> list[str]:
    return sorted(item for item in given if isinstance(item, str) and SLUG.fullmatch(item)) if isinstance(given, list) else []


def service_token(found: Fields, within: str, environment_here: str) -> Seen:
    """A service token of a config: its name and what it may. Its key is shown once, to its maker, and not read here."""
    kept = {"access": found.text("access"), "expires_at": found.text("expires_at")}
    return Seen(
        kind="doppler.service_token",
        external_id=_slug(found, "slug"),
        name=found.needed_text("name")[:200],
        within=within,
        environment=environment_here,
        configuration={name: value for name, value in kept.items() if value},
    )


def member(found: Fields, thing: Project, people: Mapping[str, str]) -> list[Held]:
    """What a member may do in a project; ``people`` maps ids of users to their addresses. None for one without access."""
    role = found.needed("role").needed_text("identifier", limit=ID)
    if role in NOTHING:
        return []
    account, kind = _slug(found, "slug"), _slug(found, "type")
    where = "" if found.flag("access_all_environments") else ", ".join(_slugs(found.values.get("environments")))
    return [
        Held(
            account_id=account,
            account_name=people.get(account, account),
            account_kind=KINDS.get(kind, "app"),
            thing=f"doppler.project:{thing.name}",
            thing_name=thing.name,
            right=right_of(role),
            through=where,
            vendor_word=role,
        )
    ]


def user(found: Fields, workplace: str) -> Held:
    """What somebody may do in the whole workplace."""
    access, inner = found.needed_text("access", limit=ID), found.needed("user")
    return Held(
        account_id=_slug(found, "id"),
        account_name=_email(inner) or inner.text("name") or "",
        thing=f"doppler.workplace:{workplace}",
        thing_name="Doppler workplace",
        right=right_of(access),
        vendor_word=access,
    )


def right_of(word: str) -> Right:
    """A role as one of our rights; a role of one's own counts as one that may change content."""
    return RIGHTS.get(word, Right.WRITE)


def hook(body: Any) -> Hook:
    """A webhook's payload, Doppler's own or a template's: what names the config, and the names of secrets."""
    answer = Fields.of(value=body, path="")
    inner = answer.needed("config")
    told = answer.within("project")
    slug = _slug_or(inner, "project", "")
    if told is not None:
        slug = _slug_or(told, "slug", _slug_or(told, "id", slug))
    if not slug:
        raise Incomplete("config.project is missing or unusable")
    given = answer.values.get("diff")
    sides = given if isinstance(given, Mapping) else {}
    return Hook(
        project=slug,
        config=_slug(inner, "name"),
        environment=_slug_or(inner, "environment", ""),
        diff=_sides(**{side: sides.get(side) or () for side in ("added", "removed", "updated")}),
    )


def event_of(found: Entry, changed: Diff, environments: Mapping[str, str], path: str) -> VendorEvent:
    """An entry of a config's log as an event: which secrets by name, and on which side."""
    return VendorEvent(
        external_id=f"config-log:{found.vendor_id}",
        at=found.at,
        action=f"secrets.{found.word}",
        actor_id=found.email,
        actor_name=found.email or found.name,
        kind="doppler.config",
        object_id=path,
        object_name=path,
        environment=environment_of(found.environment, environments),
        detail=changed.told() | ({"references": list(found.references)} if found.references else {}),
    )


def activity_of(found: Entry, environments: Mapping[str, str]) -> VendorEvent:
    """An entry of the workplace's activity log as an event: who did something where."""
    path = "/".join(filter(None, (found.project, found.config)))
    return VendorEvent(
        external_id=f"activity:{found.vendor_id}",
        at=found.at,
        action=f"activity.{found.word}",
        actor_id=found.email,
        actor_name=found.email or found.name,
        kind="doppler.activity",
        object_id=path,
        object_name=path or "workplace",
        environment=environment_of(found.environment, environments),
        detail={"references": list(found.references)} if found.references else {},
    )


def applied_of(found: Request, environments: Mapping[str, str]) -> list[VendorEvent]:
    """One event for each config that a change request was applied to: Doppler's own approval of what the log shows."""
    return [
        VendorEvent(
            external_id=f"change-request:{found.vendor_id}:{path}"[:200],
            at=found.at,
            action="change_request.applied",
            actor_id=found.by,
            actor_name=found.by,
            kind="doppler.change_request",
            object_id=path,
            object_name=path,
            environment=environment_of(slug, environments),
            detail={
                "request": found.vendor_id,
                "log": entry_id,
                "reviewers": list(found.reviewers),
                "references": list(found.references),
            },
        )
        for path, slug, entry_id in found.applied
    ]


def _email(found: Fields | None) -> str:
    text = (found.text("email") or "") if found is not None else ""
    return text.lower()[:ID] if "@" in text else ""


def _slug(found: Fields, name: str) -> str:
    """An id or a slug. Whatever is neither is refused without being shown."""
    value = found.needed_text(name, limit=ID)
    if not SLUG.fullmatch(value):
        raise Unreadable(f"{found.path}.{name} is no id")
    return value


def _slug_or(found: Fields, name: str, other: str) -> str:
    value = found.values.get(name)
    return value if isinstance(value, str) and SLUG.fullmatch(value) else other
