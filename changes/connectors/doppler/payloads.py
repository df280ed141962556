"""Doppler's JSON as plain facts, without a single value of a secret. Pure.

Doppler shows values in a log's ``diff``, in a change request's ``updates`` and wherever a webhook's own template puts them;
``html`` and ``text`` are written by Doppler around what people typed. Those are read in ``logs``; here stands everything
else, key by key.

Shapes: Doppler's OpenAPI description and its examples (docs/connectors/doppler.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.inventory.facts import Seen

ID = 120
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,89}", re.ASCII)
"""A config is known by its project and its name together, of which the inventory holds two hundred characters."""
DEFAULTS = {"prd": "production", "prod": "production", "production": "production", "stg": "staging", "staging": "staging"}
DEFAULTS |= dict.fromkeys(("dev", "development"), "development")
"""Environments by Doppler's own slugs; the administrator's settings win."""


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
class Sync:
    """A config that Doppler carries to somewhere else. ``kind`` is Doppler's word for where, such as ``flyio``."""

    vendor_id: str
    config: str
    kind: str
    integration: str
    enabled: bool
    last_at: datetime | None


def environment_of(slug: str, environments: Mapping[str, str]) -> str:
    """Which environment a slug is, by the settings, else by Doppler's own slugs; empty when it is none of them."""
    return environments.get(slug, DEFAULTS.get(slug, ""))


def entries(body: Any, name: str) -> list[Any]:
    """What stands in a list, named or bare, whatever it is."""
    rows = body if isinstance(body, list) else Fields.of(value=body, path="answer").values.get(name)
    if not isinstance(rows, list):
        raise Incomplete(f"answer.{name} is missing or unusable")
    return rows


def listed(body: Any, name: str) -> tuple[Fields, ...]:
    """The objects of a list, named or bare."""
    return Fields(values={name: entries(body, name)}, path="answer").items(name)


def me(body: Any) -> tuple[str, str]:
    """(kind of the token, the workplace) that asks."""
    answer = Fields.of(value=body, path="answer")
    workplace = answer.within("workplace")
    return answer.needed_text("type", limit=ID), (workplace.text("slug", limit=ID) or "") if workplace is not None else ""


def project(found: Fields) -> Project:
    """A project."""
    own = slug(found, "id")
    return Project(vendor_id=own, name=slug_or(found, "slug", own))


def config(found: Fields, name_of: Mapping[str, str]) -> Config:
    """A config. ``name_of`` maps the ids of projects to the names that requests use."""
    where = slug(found, "project")
    return Config(
        project=name_of.get(where, where),
        name=slug(found, "name"),
        environment=slug_or(found, "environment", ""),
        root=bool(found.flag("root")),
        locked=bool(found.flag("locked")),
    )


def environment(found: Fields) -> tuple[str, str]:
    """(slug, title) of an environment of a project."""
    return slug(found, "id"), found.needed_text("name")


def sync(found: Fields, kind: str, integration: str) -> Sync:
    """A sync of an integration, with when it was last done."""
    return Sync(
        vendor_id=slug(found, "slug"),
        config=f"{slug(found, 'project')}/{slug(found, 'config')}",
        kind=kind,
        integration=integration,
        enabled=bool(found.flag("enabled")),
        last_at=found.moment("lastSyncedAt"),
    )


def syncs(body: Any) -> list[Sync]:
    """The syncs of all integrations. Integrations that rotate secrets have none."""
    found: list[Sync] = []
    for item in listed(body, "integrations"):
        kind = slug(item, "type")
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
        external_id=slug(inner, "id"),
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
            "environments": slugs(inner.get("envSlugs")),
            "configs": slugs(inner.get("configNames")),
        }
        for name, inner in (projects.values if projects is not None else {}).items()
        if isinstance(inner, Mapping) and SLUG.fullmatch(name)
    }
    return {"all": bool(found.flag("allProjects")), "projects": each}


def slugs(given: Any) -> list[str]:
    """Those of a list that are slugs, in alphabetical order."""
    return sorted(item for item in given if isinstance(item, str) and SLUG.fullmatch(item)) if isinstance(given, list) else []


def email_of(found: Fields | None) -> str:
    """The address of an account, in small letters; empty when there is none."""
    text = (found.text("email") or "") if found is not None else ""
    return text.lower()[:ID] if "@" in text else ""


def slug(found: Fields, name: str) -> str:
    """An id or a slug. Whatever is neither is refused without being shown."""
    value = found.needed_text(name, limit=ID)
    if not SLUG.fullmatch(value):
        raise Unreadable(f"{found.path}.{name} is no id")
    return value


def slug_or(found: Fields, name: str, other: str) -> str:
    """The same, or ``other`` where none stands."""
    value = found.values.get(name)
    return value if isinstance(value, str) and SLUG.fullmatch(value) else other
