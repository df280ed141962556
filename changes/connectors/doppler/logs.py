"""Doppler's logs, change requests and webhooks as plain facts: where it shows values, and where all of them are left behind. Pure.

Of a ``diff`` names and sides are kept, of texts and titles references ``CHG-…`` alone, of ``updates`` nothing. A name is what
Doppler allows as one; anything else that stands where a name should be is counted, not kept.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changes.connectors.doppler.payloads import email_of, slug, slug_or
from changes.connectors.fields import Fields, Incomplete

NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,254}", re.ASCII)
"""What Doppler allows as the name of a secret."""
REFERENCE = re.compile(r"\bCHG-[1-9][0-9]{0,9}\b", re.ASCII)
WORDS = (("roll", "rollback"), ("creat", "create"), ("add", "create"), ("delet", "delete"), ("remov", "delete"), ("lock", "lock"))
"""How a log's text begins to say what was done; anything else counts as an edit."""
log = logging.getLogger(__name__)


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
class Hook:
    """What a webhook says: which config to read again."""

    project: str
    config: str
    environment: str
    diff: Diff


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
        vendor_id=slug(found, "id"),
        at=found.needed_moment("created_at"),
        word=word,
        rollback=rollback,
        project=slug_or(found, "project", ""),
        config=slug_or(found, "config", ""),
        environment=slug_or(found, "environment", ""),
        email=email_of(user),
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
        vendor_id=slug(found, "id"),
        status=slug_or(found, "status", ""),
        at=found.needed_moment("createdAt"),
        by=(by.text("name") or "")[:200] if by is not None else "",
        reviewers=tuple((item.text("email") or item.text("name") or "")[:200] for item in found.items("assigned")),
        references=tuple(dict.fromkeys(REFERENCE.findall(said))),
        applied=tuple(_applied(unit) for unit in applied),
    )


def _applied(unit: Fields) -> tuple[str, str, str]:
    target = unit.needed("target")
    where = [target.within(name) for name in ("project", "config", "environment")]
    slugs = [(slug_or(part, "slug", slug_or(part, "name", "")) if part is not None else "") for part in where]
    done = unit.within("applied")
    entry_of = done.within("configLog") if done is not None else None
    return f"{slugs[0]}/{slugs[1]}", slugs[2], slug_or(entry_of, "slug", "") if entry_of is not None else ""


def hook(body: Any) -> Hook:
    """A webhook's payload, Doppler's own or a template's: what names the config, and the names of secrets."""
    answer = Fields.of(value=body, path="")
    inner = answer.needed("config")
    told = answer.within("project")
    where = slug_or(inner, "project", "")
    if told is not None:
        where = slug_or(told, "slug", slug_or(told, "id", where))
    if not where:
        raise Incomplete("config.project is missing or unusable")
    given = answer.values.get("diff")
    sides = given if isinstance(given, Mapping) else {}
    return Hook(
        project=where,
        config=slug(inner, "name"),
        environment=slug_or(inner, "environment", ""),
        diff=_sides(**{side: sides.get(side) or () for side in ("added", "removed", "updated")}),
    )
