"""Fly's JSON as plain facts: releases and machines, from GraphQL, the platform's REST and ``flyctl … --json``. Pure.

``Unreadable`` means a field has a type that Fly does not document; ``Incomplete`` means something needed is missing.
Shapes: fly-go's structs and schema (docs/connectors/fly.md).
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from changes.connectors.fields import SMALL, Fields, Incomplete, Unreadable, clean, readable

# flyctl sets running, then complete, interrupted or failed; older releases say pending and succeeded.
STATES = {
    "pending": "pending",
    "running": "running",
    "complete": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
    "interrupted": "failed",
}
COMMIT_TAG = re.compile(r"(?:sha-|git-)?([0-9a-f]{7,40})", re.ASCII)
"""A tag that names a commit: the hash alone, or behind the usual prefixes of image builders."""
COMMIT_LABEL = re.compile(r"[0-9a-f]{7,40}|[0-9a-f]{64}", re.ASCII)
WENT_BACK = re.compile(r"\b(?:roll(?:ed|ing)?[ -]?back|revert(?:ed|ing)?|deploy image of)\b.*?\bv?(\d{1,10})\b", re.IGNORECASE)
ID = 120
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReleaseReported:
    """One release of an app. ``state`` is one of the states of ``changes.delivery.models.Release``."""

    vendor_id: str
    version: int
    state: str
    created_at: datetime
    image: str = ""
    """``registry/repository:tag``, with ``@sha256:…`` where Fly says so."""
    actor: str = ""
    """E-mail address or name of the Fly account; empty when Fly does not say."""
    description: str = ""
    reverted_to: int | None = None
    """The version whose image was released again."""
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MachineReported:
    """What one machine runs. ``commit`` and ``repository`` are what the image's builder wrote on it: a claim."""

    machine_id: str
    image: str = ""
    digest: str = ""
    release_id: str = ""
    release_version: int | None = None
    commit: str = ""
    repository: str = ""
    state: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def releases_of_graphql(body: Any, unusable: list[str] | None = None) -> tuple[list[ReleaseReported], str]:
    """(releases newest first, cursor of the next page or empty) of the answer to ``client.RELEASES``.

    An app that Fly does not know gives ``Incomplete``. Why a release cannot be used goes into ``unusable``, and the others are
    read; without that list it is raised.
    """
    app = Fields.of(value=body, path="answer").needed("data").needed("app")
    listed = app.within("releasesUnprocessed") or app.needed("releases")
    page = listed.within("pageInfo")
    more = page is not None and page.flag("hasNextPage")
    if unusable is None:
        found = [_release(item.values, _SNAKE_OR_CAMEL) for item in listed.items("nodes")]
    else:
        nodes = listed.values["nodes"] if listed.has("nodes") else []
        found = list(readable(nodes, lambda item: _release(item.values, _SNAKE_OR_CAMEL), unusable))
    return found, (page.text("endCursor") or "") if page is not None and more else ""


def releases_of_platform(body: Any) -> list[ReleaseReported]:
    """Releases, newest first, of ``GET /api/v1/apps/{app}/releases``."""
    return [_release(item.values, _SNAKE_OR_CAMEL) for item in Fields.of(value=body, path="answer").items("releases")]


def releases_of_flyctl(body: Any) -> list[ReleaseReported]:
    """Releases, newest first, that ``flyctl releases --json`` printed."""
    return [_release(item.values, _GO) for item in _listed(body)]


def machines(body: Any) -> list[MachineReported]:
    """Machines of ``GET /v1/apps/{app}/machines``, or that ``flyctl machine list --json`` printed."""
    return [_machine(item) for item in _listed(body)]


def images_of_flyctl(body: Any) -> list[MachineReported]:
    """What each machine runs, that ``flyctl image show --json`` printed: no version, labels as JSON in a text."""
    return [_shown_image(item) for item in _listed(body)]


def app_names(body: Any) -> list[str]:
    """Names of the apps of ``GET /v1/apps?org_slug=…``, in alphabetical order."""
    return sorted(item.needed_text("name") for item in Fields.of(value=body, path="answer").items("apps"))


def _listed(body: Any) -> Iterable[Fields]:
    return Fields.of(value={"list": body}, path="answer").items("list")


# Where a release keeps what: the first name that is there counts.
_SNAKE_OR_CAMEL = {
    "id": ("id",),
    "version": ("version",),
    "status": ("status",),
    "description": ("description",),
    "reason": ("reason",),
    "user": ("user",),
    "image": ("imageRef", "image_ref"),
    "reverted_to": ("revertedTo", "reverted_to"),
    "created_at": ("createdAt", "created_at"),
    "updated_at": ("updatedAt", "updated_at"),
}
_GO = {
    "id": ("ID",),
    "version": ("Version",),
    "status": ("Status",),
    "description": ("Description",),
    "reason": ("Reason",),
    "user": ("User",),
    "image": ("ImageRef",),
    "reverted_to": ("RevertedTo",),
    "created_at": ("CreatedAt",),
    "updated_at": ("UpdatedAt",),
}


def _release(values: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> ReleaseReported:
    row = Fields.of(value={ours: _first(values, theirs) for ours, theirs in names.items()}, path="release")
    status = row.needed_text("status", limit=40)
    words = [row.text("description") or "", row.text("reason") or "", _unknown(status)]
    return ReleaseReported(
        vendor_id=row.needed_text("id", limit=ID),
        version=row.needed_number("version", largest=SMALL),
        state=STATES.get(status.lower(), "pending"),
        created_at=row.needed_moment("created_at"),
        image=row.text("image") or "",
        actor=_actor(row.values.get("user")),
        description=" · ".join(word for word in words if word),
        reverted_to=row.number("reverted_to", largest=SMALL),
        updated_at=row.moment("updated_at"),
    )


def _first(values: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _unknown(status: str) -> str:
    """A status that is not in the table is shown, logged, and never counts as a success."""
    if status.lower() in STATES:
        return ""
    log.warning("Fly reports the release status %r, which Countersign does not know", status)
    return f"Fly's status is {status!r}, which Countersign does not know"


def _actor(user: Any) -> str:
    """The account: an object in GraphQL and flyctl, a text in the platform's REST."""
    if isinstance(user, Mapping):
        user = _first(user, ("email", "Email", "name", "Name"))
    if user is not None and not isinstance(user, str):
        raise Unreadable("release.user is not an account")
    return (user or "").replace("\x00", "")[:200]


def _machine(item: Fields) -> MachineReported:
    image = item.within("image_ref") or Fields.of(value={}, path="image_ref")
    config = item.within("config")
    metadata = _texts(config.values.get("metadata") if config else None)
    labels = _texts(image.values.get("labels"))
    version = metadata.get("fly_release_version", "")
    return MachineReported(
        machine_id=item.needed_text("id"),
        image=_reference(image.text("registry"), image.text("repository"), image.text("tag")),
        digest=image.text("digest") or "",
        release_id=metadata.get("fly_release_id", ""),
        release_version=_version(version),
        commit=_commit(labels),
        repository=labels.get("GH_REPO", ""),
        state=item.text("state") or "",
        labels=labels,
    )


def _version(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= len(str(SMALL)) else None


def _shown_image(item: Fields) -> MachineReported:
    labels = _texts(_decoded(item.text("Labels") or ""))
    return MachineReported(
        machine_id=item.needed_text("MachineID"),
        image=_reference(item.text("Registry"), item.text("Repository"), item.text("Tag")),
        digest=item.text("Digest") or "",
        commit=_commit(labels),
        repository=labels.get("GH_REPO", ""),
        labels=labels,
    )


def _decoded(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        raise Unreadable("Labels is not JSON") from None


def _texts(values: Any) -> dict[str, str]:
    """An object of texts; null and missing are empty, other values are left out."""
    if not isinstance(values, Mapping):
        return {}
    return {clean(text=str(name)): clean(text=value) for name, value in values.items() if isinstance(value, str)}


def _commit(labels: Mapping[str, str]) -> str:
    """The commit that flyctl labels an image with when GitHub Actions builds it."""
    claimed = labels.get("GH_SHA", "").lower()
    return claimed if COMMIT_LABEL.fullmatch(claimed) else ""


def _reference(registry: str | None, repository: str | None, tag: str | None) -> str:
    name = "/".join(part for part in (registry, repository) if part)
    return f"{name}:{tag}" if name and tag else name


def commit_in_tag(*, image: str) -> str:
    """The commit, full or short, that an image's tag names; empty when the tag names none."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = COMMIT_TAG.fullmatch(tag)
    return found[1] if found else ""


def went_back_to(*, release: ReleaseReported) -> int | None:
    """The earlier version that a release says it went back to, by Fly's own field or by its description."""
    if release.reverted_to is not None:
        return release.reverted_to
    found = WENT_BACK.search(release.description)
    version = int(found[1]) if found else None
    return version if version is not None and version < release.version else None


__all__ = [
    "Incomplete",
    "MachineReported",
    "ReleaseReported",
    "Unreadable",
    "app_names",
    "commit_in_tag",
    "images_of_flyctl",
    "machines",
    "releases_of_flyctl",
    "releases_of_graphql",
    "releases_of_platform",
    "went_back_to",
]
