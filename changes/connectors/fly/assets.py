"""Fly's JSON as assets of the inventory: the same from the API and from what ``flyctl … --json`` prints. Pure.

Only what a person decided is kept: no states, no times that move. Variables and secrets are names; a secret has the digest
that Fly shows of it. Commands, files and headers may hold secrets and are not kept. ``Unreadable`` and ``Incomplete`` as in
``payloads``. Shapes: Fly's description of the Machines API, and fly-go's structs (docs/connectors/fly.md).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from changes.connectors.fields import Fields, Incomplete, Unreadable, clean_json
from changes.inventory.facts import Seen

ORGANISATION, MEMBER, APP, MACHINE = "fly.organization", "fly.member", "fly.app", "fly.machine"
VOLUME, SNAPSHOT, SECRET, BACKUP = "fly.volume", "fly.volume_snapshot", "fly.secret", "fly.backup"
OF_AN_APP = (MACHINE, VOLUME, SECRET)
Environment = Callable[[str], str]
"""The environment of an app, by its name; empty when none is known."""
NAME = 200
APP_NAME, SLUG = 79, 59
"""A secret is known by its app too, a member by the organisation."""
PORT = ("port", "start_port", "end_port", "handlers", "force_https")
SERVICE = ("protocol", "internal_port", "autostart", "min_machines_running", "force_instance_key")
CHECK = ("type", "port", "path", "method", "protocol", "interval", "timeout", "grace_period", "tls_skip_verify")
GUEST = ("cpu_kind", "cpus", "memory_mb", "gpu_kind", "gpus")
MOUNT = ("path", "name", "size_gb", "encrypted")
LIMITS = ("type", "soft_limit", "hard_limit")


def organisations(body: Any) -> list[Seen]:
    """Organisations of ``client.ORGANISATIONS``, or that ``flyctl orgs list --json`` printed ({slug: name})."""
    whole = Fields.of(value=body, path="answer")
    if "data" in whole.values:
        nodes = whole.needed("data").needed("organizations").items("nodes")
        pairs = [(node.needed_text("slug", limit=NAME), node.text("name") or "") for node in nodes]
    else:
        pairs = [(str(slug), whole.text(slug) or "") for slug in whole.values]
    return [Seen(ORGANISATION, slug, name or slug, configuration={"name": name}) for slug, name in sorted(pairs)]


def members(body: Any) -> tuple[str, list[Seen]]:
    """(slug of the organisation, its members) of ``client.MEMBERS``, or that ``flyctl orgs show --json`` printed."""
    whole = _lower(body)
    found = whole.needed("data").needed("organization") if whole.has("data") else whole
    slug = found.needed_text("slug", limit=SLUG)
    return slug, [_member(slug, edge) for edge in found.needed("members").items("edges")]


def _member(slug: str, edge: Fields) -> Seen:
    node = edge.needed("node")
    mail = node.needed_text("email", limit=NAME - 60).lower()
    return Seen(MEMBER, f"{slug}/{mail}", mail, within=slug, configuration={"role": (edge.text("role") or "").lower()})


def apps(body: Any, *, environment: Environment) -> list[Seen]:
    """Apps of ``GET /v1/apps``, or that ``flyctl apps list --json`` printed. An app's name is its id: Fly lets nobody change it."""
    return [_app(_lower(row), environment) for row in _listed(body, "apps")]


def _app(row: Fields, environment: Environment) -> Seen:
    name = row.needed_text("name", limit=APP_NAME)
    organisation = row.within("organization")
    slug = (organisation.text("slug") or "") if organisation else ""
    return Seen(APP, name, name, environment(name), within=slug, configuration={"organization": slug})


def machines(body: Any, *, app: str, environment: Environment) -> list[Seen]:
    """Machines of ``GET /v1/apps/{app}/machines``, or that ``flyctl machine list --json`` printed."""
    return [_machine(Fields.of(value=row, path="machine"), app, environment(app)) for row in _list(body)]


def _machine(row: Fields, app: str, environment: str) -> Seen:
    image = row.within("image_ref") or Fields.of(value={}, path="image_ref")
    config = row.within("config") or Fields.of(value={}, path="config")
    metadata = config.within("metadata") or Fields.of(value={}, path="metadata")
    known: dict[str, object] = {
        "image": config.text("image") or "",
        "digest": image.text("digest") or "",
        "release": metadata.text("fly_release_version") or "",
        "process": metadata.text("fly_process_group") or "",
        "region": row.text("region") or "",
        "guest": _kept(config.within("guest"), GUEST),
        "env": _names(config.values.get("env"), "config.env"),
        "services": [_service(one) for one in _fields(config, "services")],
        "checks": {name: _kept(one, CHECK) for name, one in _by_name(config, "checks")},
        "mounts": [_kept(one, MOUNT) for one in _fields(config, "mounts")],
        "restart": _kept(config.within("restart"), ("policy", "max_retries")),
        "schedule": config.text("schedule") or "",
        "auto_destroy": bool(config.flag("auto_destroy")),
        "cordoned": bool(row.flag("cordoned")),
    }
    configuration = {name: value for name, value in known.items() if value not in ("", {}, [], False)}
    return Seen(MACHINE, row.needed_text("id", limit=NAME), row.text("name") or "", environment, app, configuration)


def _service(one: Fields) -> dict[str, object]:
    autostop = one.values.get("autostop")
    kept = _kept(one, SERVICE)
    if autostop is not None:
        kept["autostop"] = {True: "stop", False: "off"}.get(autostop, autostop) if isinstance(autostop, bool) else str(autostop)
    kept["ports"] = [_kept(port, PORT) for port in _fields(one, "ports")]
    kept["concurrency"] = _kept(one.within("concurrency"), LIMITS)
    kept["checks"] = [_kept(check, CHECK) for check in _fields(one, "checks")]
    return {name: value for name, value in kept.items() if value not in ({}, [])}


def volumes(body: Any, *, app: str, environment: Environment) -> list[Seen]:
    """Volumes of ``GET /v1/apps/{app}/volumes``, or that ``flyctl volumes list --json`` printed."""
    kept = ("size_gb", "region", "encrypted", "snapshot_retention", "auto_backup_enabled")
    rows = [Fields.of(value=row, path="volume") for row in _list(body)]
    return [
        Seen(VOLUME, row.needed_text("id", limit=NAME), row.text("name") or "", environment(app), app, _kept(row, kept))
        for row in rows
        if row.text("state") not in {"destroyed", "destroying", "pending_destroy"}
    ]


def snapshots(body: Any, *, volume: str, environment: str = "") -> list[Seen]:
    """Snapshots of a volume; one that is still being made has no id yet and is left out."""
    rows = [Fields.of(value=row, path="snapshot") for row in _list(body)]
    kept = ("created_at", "volume_size", "retention_days")
    return [
        Seen(SNAPSHOT, row.needed_text("id", limit=NAME), row.needed_text("id"), environment, volume, _kept(row, kept))
        for row in rows
        if row.text("id")
    ]


def secrets(body: Any, *, app: str, environment: Environment) -> list[Seen]:
    """Names and digests of an app's secrets, from ``GET /v1/apps/{app}/secrets`` or ``flyctl secrets list --json``.

    ``Unreadable`` when there is a value among them: then the question was wrong, and nothing of the answer is kept.
    """
    rows = [Fields.of(value=row, path="secret") for row in _listed(body, "secrets")]
    if any(row.values.get("value") for row in rows):
        raise Unreadable("the answer holds values of secrets, which are never asked for")
    named = [(row.needed_text("name", limit=NAME - 80), row.text("digest") or "") for row in rows]
    return [Seen(SECRET, f"{app}/{name}", name, environment(app), app, {"digest": digest}) for name, digest in named]


def backups(body: Any, *, cluster: str) -> list[Seen]:
    """Backups of a managed database, that ``flyctl mpg backup list --json`` printed."""
    rows = [Fields.of(value=row, path="backup") for row in _list(body)]
    kept = ("type", "status", "start", "stop")
    return [Seen(BACKUP, row.needed_text("id", limit=NAME), row.needed_text("id"), "", cluster, _kept(row, kept)) for row in rows]


def _listed(body: Any, name: str) -> list[Any]:
    """The list under ``name`` as the API gives it, or the list alone as flyctl prints it. No list at all is no empty one."""
    if isinstance(body, Mapping) and name not in body:
        raise Incomplete(f"answer.{name} is missing")
    return _list(body[name] if isinstance(body, Mapping) else body)


def _list(value: Any) -> list[Any]:
    """A list; Go prints null for an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable("the answer is not a list")
    return value


def _fields(row: Fields, name: str) -> list[Fields]:
    return [Fields.of(value=one, path=f"{row.path}.{name}") for one in _list(row.values.get(name))]


def _by_name(row: Fields, name: str) -> Iterator[tuple[str, Fields]]:
    inner = row.within(name)
    for key in sorted(inner.values) if inner else []:
        yield key, Fields.of(value=inner.values[key] if inner else None, path=f"{row.path}.{name}.{key}")


def _names(value: Any, path: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise Unreadable(f"{path} is not an object")
    return sorted(str(clean_json(value=str(name))) for name in value)


def _kept(row: Fields | None, names: tuple[str, ...]) -> dict[str, object]:
    """These fields as they are, where they are there."""
    return {name: clean_json(value=row.values[name]) for name in names if row.has(name)} if row is not None else {}


def _lower(value: Any) -> Fields:
    """An object with Go's names (``ID``, ``Name``) in lower case, at every depth; others are lower case already."""
    return Fields.of(value=_lowered(value), path="answer")


def _lowered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key).lower(): _lowered(inner) for key, inner in value.items()}
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value
