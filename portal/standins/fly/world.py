"""What the Fly stand-in holds: apps, releases, machines. Everything is tables; an image is a name with labels."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from portal.standins.clock import Clock
from portal.standins.faults import Faults
from portal.standins.store import Row, Store
from portal.standins.times import stamp

STATUSES = {"pending", "running", "complete", "failed", "interrupted"}
ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class FlyError(Exception):
    """A refusal in Fly's form."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


class FlyWorld:
    """One Fly. Acts take keywords only; ``at`` is when it happened, by default now."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory / "fly.sqlite3")
        self.faults = Faults()
        self.clock = Clock()

    def moment(self, at: datetime | None) -> str:
        """``at`` (or this moment) as Fly writes it."""
        return stamp(at or self.clock.now())

    def app(self, name: str) -> Row:
        """An app. Raises 404."""
        row = self.store.one("app", subject=name)
        if row is None:
            raise FlyError(404, f"app not found: {name}")
        return row

    def apps(self, org: str = "*") -> list[Row]:
        """The apps of an organisation, or all."""
        return [row for row in self.store.all("app") if org in {"*", row["org"]}]

    def releases(self, app: str) -> list[Row]:
        """Its releases, newest first."""
        return list(reversed(self.store.all("release", subject=app)))

    def create_app(self, *, name: str, org: str, machines: int = 2, at: datetime | None = None) -> Row:
        """Makes an app without a release, or returns the one that is there."""
        found = self.store.one("app", subject=name)
        if found:
            return found
        row = self.store.add("app", subject=name, body={"name": name, "org": org, "created_at": self.moment(at)})
        for number in range(machines):
            seed = hashlib.sha256(f"{name}/{number}".encode()).hexdigest()
            body = {"machine": seed[:14], "name": f"calm-field-{row['id']}-{number}", "number": number, "release": None}
            self.store.add("machine", subject=name, body=body)
        return row

    def release(
        self,
        *,
        app: str,
        by: str,
        sha: str = "",
        repository: str = "",
        image: str = "",
        status: str = "complete",
        description: str = "Release",
        machines: int | None = None,
        labels: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> Row:
        """Releases an app: ``sha`` labels the image as a build in GitHub Actions does; ``image`` names the tag itself.

        ``machines``: how many of them run it (default all; none when it failed).
        """
        if status not in STATUSES:
            raise FlyError(422, f"unknown status {status!r}")
        created = self.moment(at)
        tag = image or sha or f"deployment-{_ulid(app, created)}"
        stamped = {"GH_SHA": sha, "GH_REPO": repository, "GH_ACTION_NAME": "__superfly_flyctl-actions", "GH_EVENT_NAME": "push"}
        body = {
            "tag": tag,
            "digest": "sha256:" + hashlib.sha256(f"{app}:{tag}".encode()).hexdigest(),
            "labels": dict(labels) if labels is not None else stamped if sha else {},
        }
        return self._released(app, body, by=by, status=status, description=description, machines=machines, at=created)

    def rollback(self, *, app: str, version: int, by: str, status: str = "complete", at: datetime | None = None) -> Row:
        """Releases the image of an earlier version again. Raises 404 for a version that never was."""
        old = next((row for row in self.releases(app) if row["version"] == version), None)
        if old is None:
            raise FlyError(404, f"no version {version} of {app}")
        body = {name: old[name] for name in ("tag", "digest", "labels")} | {"reverted_to": version}
        return self._released(
            app, body, by=by, status=status, description=f"Deploy image of v{version}", machines=None, at=self.moment(at)
        )

    def finish(self, *, app: str, version: int, status: str, at: datetime | None = None) -> Row:
        """Ends a running release."""
        row = next((row for row in self.releases(app) if row["version"] == version), None)
        if row is None:
            raise FlyError(404, f"no version {version} of {app}")
        row |= {"status": status, "updated_at": self.moment(at)}
        self.store.save(row)
        if status == "complete":
            self._run(app, row, None)
        return row

    def _released(self, app: str, body: Row, *, by: str, status: str, description: str, machines: int | None, at: str) -> Row:
        self.app(app)
        version = 1 + max((row["version"] for row in self.releases(app)), default=0)
        fields: Row = {
            **body,
            "release_id": f"rel_{app.replace('-', '')[:8]}{version}",
            "version": version,
            "status": status,
            "description": description,
            "user": by,
            "created_at": at,
            "updated_at": at,
        }
        row = self.store.add("release", subject=app, body={"reverted_to": None, **fields})
        if status == "complete" or machines:
            self._run(app, row, machines)
        return row

    def _run(self, app: str, release: Row, machines: int | None) -> None:
        for machine in self.store.all("machine", subject=app)[:machines]:
            machine |= {"release": release["id"], "updated_at": release["created_at"]}
            self.store.save(machine)

    def set_secrets(self, *, app: str, names: list[str], at: datetime | None = None) -> None:
        """Which secrets an app has: names only, there is no value anywhere."""
        self.app(app)
        for row in self.store.all("secret", subject=app):
            self.store.delete(row)
        for name in names:
            self.store.add("secret", subject=app, body={"name": name, "created_at": self.moment(at)})

    def set_volume(self, *, app: str, name: str, size_gb: int = 1, at: datetime | None = None) -> Row:
        """Gives an app a volume, or another size to the one of that name."""
        self.app(app)
        found = next((row for row in self.store.all("volume", subject=app) if row["name"] == name), None)
        if found is not None:
            found |= {"size_gb": size_gb}
            self.store.save(found)
            return found
        key = hashlib.sha256(f"{app}/{name}".encode()).hexdigest()[:16]
        body = {"volume": f"vol_{key}", "name": name, "size_gb": size_gb, "created_at": self.moment(at)}
        return self.store.add("volume", subject=app, body=body)

    def configure(self, *, app: str, config: Mapping[str, Any], machines: int | None = None) -> None:
        """Parts of the configuration of its machines, as a deploy or a person at the command line sets them."""
        self.app(app)
        for machine in self.store.all("machine", subject=app)[:machines]:
            machine |= {"config": {**machine.get("config", {}), **config}}
            self.store.save(machine)


def _ulid(app: str, at: str) -> str:
    """26 letters that look like Fly's own, the same for the same release."""
    number = int(hashlib.sha256(f"{app}{at}".encode()).hexdigest(), 16)
    return "01" + "".join(ULID[(number >> (5 * place)) & 31] for place in range(24))


def image_name(app: str, tag: str) -> str:
    """The full name of an image in Fly's registry."""
    return f"registry.fly.io/{app}:{tag}"


def org_title(slug: str) -> str:
    """An organisation's name from its slug."""
    return slug.replace("-", " ").title()
