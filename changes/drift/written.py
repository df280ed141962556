"""What a fly.toml asks for, and what a machine runs, in the same words, so that they can be compared. Pure.

``fly.toml``: Fly's reference of the file. ``machine``: the configuration as the inventory keeps it (names of variables only).
What flyctl adds by itself is left out: variables ``FLY_…`` and ``PRIMARY_REGION``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Table = Mapping[str, Any]
OWN = re.compile(r"FLY_.*|PRIMARY_REGION")
MEGABYTES = re.compile(r"(\d+)\s*(mb|gb|m|g)?", re.IGNORECASE)
PRESET = re.compile(r"(shared-cpu|performance)-(\d+)x")
KINDS = {"shared-cpu": ("shared", 256), "performance": ("performance", 2048)}
"""(kind of processor, megabytes for each) of Fly's named sizes."""


@dataclass(frozen=True)
class Shape:
    """One side. ``None`` means that this side does not say."""

    env: frozenset[str]
    services: frozenset[str]
    checks: frozenset[str]
    mounts: frozenset[str]
    image: str | None
    size: str | None


def of_toml(toml: Table, *, process: str) -> Shape:
    """What the file asks for, for machines of one process group."""
    services = [_http_service(one) for one in _for_group([toml.get("http_service")], process)]
    services += _for_group(_list(toml.get("services")), process)
    checks = {_check(one, with_port=True) for one in _for_group(list(_table(toml.get("checks")).values()), process)}
    for one in services:
        checks |= {_check(check) for check in _checks_of(one)}
    mounts = _for_group(_list(toml.get("mounts") or toml.get("mount")), process)
    sizes = [_size_of_vm(one) for one in _for_group(_list(toml.get("vm")), process)]
    return Shape(
        env=frozenset(name for name in map(str, _table(toml.get("env"))) if not OWN.fullmatch(name)),
        services=frozenset(map(_service, services)),
        checks=frozenset(checks),
        mounts=frozenset(_mount(one.get("source"), one.get("destination")) for one in mounts),
        image=str(_table(toml.get("build")).get("image") or "") or None,
        size=sizes[0] if sizes else None,
    )


def of_machine(machine: Table) -> Shape:
    """What runs."""
    services = _list(machine.get("services"))
    checks = {_check(one, with_port=True) for one in _table(machine.get("checks")).values()}
    for one in services:
        checks |= {_check(check) for check in _list(one.get("checks"))}
    guest = _table(machine.get("guest"))
    return Shape(
        env=frozenset(name for name in machine.get("env", ()) if not OWN.fullmatch(name)),
        services=frozenset(map(_service, services)),
        checks=frozenset(checks),
        mounts=frozenset(_mount(one.get("name"), one.get("path")) for one in _list(machine.get("mounts"))),
        image=str(machine.get("image") or "") or None,
        size=_size(guest.get("cpu_kind"), guest.get("cpus"), guest.get("memory_mb")) if guest else None,
    )


def _http_service(one: Table) -> Table:
    """Fly's short form: HTTP on 80, TLS and HTTP on 443."""
    forced = bool(one.get("force_https"))
    ports = [{"port": 80, "handlers": ["http"], "force_https": forced}, {"port": 443, "handlers": ["tls", "http"]}]
    return {**one, "protocol": "tcp", "ports": ports}


def _for_group(entries: Iterable[Any], process: str) -> list[Table]:
    """Entries for this process group: without names they are for every group."""
    tables = [_table(one) for one in entries if one]
    return [one for one in tables if not one.get("processes") or process in one["processes"]]


def _service(one: Table) -> str:
    ports = sorted(_port(port) for port in _list(one.get("ports")))
    return f"{one.get('protocol') or 'tcp'} {one.get('internal_port')} on {', '.join(ports) or 'no port'}"


def _port(one: Table) -> str:
    number = one.get("port") or f"{one.get('start_port')}-{one.get('end_port')}"
    handlers = "+".join(sorted(map(str, one.get("handlers") or ())))
    return f"{number}{f' {handlers}' if handlers else ''}{' https forced' if one.get('force_https') else ''}"


def _checks_of(service: Table) -> list[Table]:
    """Checks of a service in the file: the list of today, and the two of older files."""
    http = [{"type": "http", **_table(one)} for one in [*_list(service.get("checks")), *_list(service.get("http_checks"))]]
    return [*http, *({"type": "tcp"} for _ in _list(service.get("tcp_checks")))]


def _check(one: Table, *, with_port: bool = False) -> str:
    kind = str(one.get("type") or "http").lower()
    words = [kind, str(one.get("port")) if with_port and one.get("port") else ""]
    words += [str(one.get("method") or "get").upper(), str(one.get("path") or "/")] if kind == "http" else []
    return " ".join(word for word in words if word)


def _mount(name: Any, path: Any) -> str:
    return f"{name or 'a volume'} at {path}"


def _size_of_vm(one: Table) -> str:
    kind, cpus, memory = one.get("cpu_kind"), one.get("cpus"), _megabytes(one.get("memory") or one.get("memory_mb"))
    preset = PRESET.fullmatch(str(one.get("size") or one.get("preset") or ""))
    if preset:
        named, each = KINDS[preset[1]]
        kind, cpus, memory = kind or named, cpus or int(preset[2]), memory or each * int(preset[2])
    return _size(kind or "shared", cpus or 1, memory or 256)


def _size(kind: Any, cpus: Any, memory: Any) -> str:
    return f"{kind} {cpus} × {memory} MB"


def _megabytes(value: Any) -> int | None:
    found = MEGABYTES.fullmatch(str(value or "").strip())
    if found is None:
        return None
    return int(found[1]) * (1024 if (found[2] or "").lower().startswith("g") else 1)


def _table(value: Any) -> Table:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Table]:
    """Tables of a list; TOML writes a single one without it."""
    if isinstance(value, Mapping):
        return [value]
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []
