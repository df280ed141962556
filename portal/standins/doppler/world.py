"""What the Doppler stand-in holds, values and all, and the acts of people there. Each act writes the logs and sends the webhook."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from portal.standins.clock import Clock
from portal.standins.doppler.hooks import Hooks
from portal.standins.doppler.people import DopplerError, People, short, uuid
from portal.standins.faults import Faults
from portal.standins.store import Row, Store

WORKPLACE = {"id": "fcd76", "slug": "fcd76", "name": "Northwind Labs"}
ENVIRONMENTS = {"dev": "Development", "stg": "Staging", "prd": "Production"}


class DopplerWorld(People):
    """One workplace. Acts take keywords only; ``by`` is an e-mail address, ``at`` when it happened, by default now."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory / "doppler.sqlite3")
        self.faults = Faults()
        self.clock = Clock()
        self.hooks = Hooks(self.store, self.faults)

    def add_project(self, *, name: str, by: str, at: datetime | None = None) -> Row:
        """A project with its three environments and a root config in each."""
        row = self.store.add("project", subject=name, body={"name": name, "created_at": self.moment(at)})
        for slug in ENVIRONMENTS:
            body = {
                "project": name,
                "name": slug,
                "environment": slug,
                "root": True,
                "locked": False,
                "created_at": self.moment(at),
            }
            self.store.add("config", place=name, subject=slug, body=body | {"secrets": {}})
        self._activity(by, at, f"Created project {name}", name)
        return row

    def config(self, project: str, name: str) -> Row:
        """A config. Raises 404."""
        row = self.store.one("config", place=project, subject=name)
        if row is None:
            raise DopplerError(404, f"Could not find requested config '{name}'")
        return row

    def set_secrets(
        self,
        *,
        project: str,
        config: str,
        values: Mapping[str, str | None],
        by: str,
        text: str = "",
        rollback: bool = False,
        at: datetime | None = None,
    ) -> Row:
        """Sets secrets (None takes one away): an entry of the config's log with the values, one of the activity log, a webhook."""
        row = self.config(project, config)
        before: dict[str, str] = dict(row["secrets"])
        diff = [_side(name, before.get(name), value) for name, value in values.items()]
        row["secrets"] = {**before, **{name: value for name, value in values.items() if value is not None}}
        for name in (name for name, value in values.items() if value is None):
            row["secrets"].pop(name, None)
        self.store.save(row)
        made = {"diff": diff, "text": text or "Secrets were modified", "rollback": rollback, "by": by, "at": self.moment(at)}
        number = len(self.store.all("log", place=f"{project}/{config}"))
        entry = self.store.add(
            "log",
            place=f"{project}/{config}",
            body=made | {"vendor_id": short("log", project, config, str(number)), "environment": row["environment"]},
        )
        self._activity(by, at, f"Modified secrets of {config} in {project}", project, config, row["environment"])
        self.hooks.send(_hook(project, row, before, values))
        return entry

    def add_service_token(self, *, project: str, config: str, name: str, access: str = "read", at: datetime | None = None) -> Row:
        """A service token of a config; its key is never shown by a list."""
        self.config(project, config)
        body = {"vendor_id": uuid("token", project, config, name), "name": name, "access": access, "created_at": self.moment(at)}
        return self.store.add("service_token", place=f"{project}/{config}", subject=name, body=body)

    def add_sync(self, *, project: str, config: str, type: str = "flyio", name: str = "Fly", at: datetime | None = None) -> Row:
        """Doppler carries a config to somewhere else, last at ``at``."""
        self.config(project, config)
        body = {"vendor_id": uuid("sync", project, config, type), "project": project, "config": config, "type": type, "name": name}
        return self.store.add("sync", subject=f"{project}/{config}", body=body | {"last": self.moment(at)})

    def request_change(
        self,
        *,
        project: str,
        config: str,
        values: Mapping[str, str | None],
        title: str,
        by: str,
        reviewers: tuple[str, ...] = (),
        at: datetime | None = None,
    ) -> Row:
        """Somebody asks for secrets to be set, and others look at it."""
        row = self.config(project, config)
        number = len(self.store.all("request"))
        body = {"vendor_id": uuid("request", str(number)), "project": project, "config": config, "environment": row["environment"]}
        body |= {
            "values": dict(values),
            "title": title,
            "by": by,
            "reviewers": list(reviewers),
            "created_at": self.moment(at),
            "log": "",
        }
        return self.store.add("request", subject=body["vendor_id"], body=body)

    def apply_request(self, *, request: str, by: str, at: datetime | None = None) -> Row:
        """What was asked for and approved is done. Raises 404."""
        row = self.store.one("request", subject=request)
        if row is None:
            raise DopplerError(404, "no such change request")
        entry = self.set_secrets(project=row["project"], config=row["config"], values=row["values"], by=by, at=at)
        self.store.save({**row, "log": entry["vendor_id"]})
        return entry

    def set_policy(self, *, name: str, reviewers: int, project: str) -> Row:
        """Change requests of a project need so many reviewers."""
        return self.store.add(
            "policy", subject=name, body={"vendor_id": uuid("policy", name), "name": name, "count": reviewers, "project": project}
        )

    def permit(self, *, without: tuple[str, ...] = (), status: int = 403) -> None:
        """What the token may not read, by the beginning of the path, and what it is answered then."""
        for row in self.store.all("permission"):
            self.store.delete(row)
        self.store.add("permission", subject="token", body={"without": list(without), "status": status})

    def send_hooks_to(self, url: str, *, secret: str, template: bool = False) -> None:
        """Webhooks go there from now on; ``hold:`` keeps them. ``template`` puts values into the body too."""
        self.hooks.configure(url=url, secret=secret, template=template)

    def _activity(self, by: str, at: datetime | None, text: str, project: str, config: str = "", environment: str = "") -> None:
        number = len(self.store.all("activity"))
        body = {"vendor_id": short("activity", str(number)), "text": text, "by": by, "at": self.moment(at), "project": project}
        self.store.add("activity", body=body | {"config": config or None, "environment": environment or None})


def _side(name: str, before: str | None, after: str | None) -> Row:
    """One line of a diff, with the values as Doppler shows them."""
    return {"name": name, **({"added": after} if after is not None else {}), **({"removed": before} if before is not None else {})}


def _hook(project: str, config: Row, before: Mapping[str, str], values: Mapping[str, str | None]) -> Row:
    gone = {name for name, value in values.items() if value is None}
    return {
        "type": "config.secrets.update",
        "config": {name: config[name] for name in ("name", "root", "locked", "environment", "project", "created_at")},
        "project": {"id": project, "slug": project, "name": project, "description": "", "created_at": config["created_at"]},
        "workplace": {"id": WORKPLACE["id"], "name": WORKPLACE["name"], "billing_email": "billing@northwind.example"},
        "diff": {
            "added": sorted(values.keys() - before.keys() - gone),
            "removed": sorted(gone),
            "updated": sorted((values.keys() & before.keys()) - gone),
        },
        "values": {name: value for name, value in values.items() if value is not None},
    }
