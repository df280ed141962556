"""Checks of versions: nothing runs that is known to be unsafe (``portal.runtime.minimums``)."""

import platform
from collections.abc import Iterator
from importlib import import_module, metadata

import pycurl
from django.conf import settings

from portal.runtime import minimums
from portal.runtime.doctor.database import one
from portal.runtime.doctor.finding import Finding, bad, good, note
from portal.runtime.minimums import Floor

PATIENCE = 2
"""Seconds that a broker gets to say its version."""


def python() -> Iterator[Finding]:
    yield from judged("Python", platform.python_version(), minimums.PYTHON)
    yield from judged("libcurl", pycurl.version_info()[1], minimums.LIBCURL)


def packages() -> Iterator[Finding]:
    """The distributions that are installed, whoever asked for them."""
    below = list(minimums.packages_below(installed=installed))
    for name, version, floor in below:
        yield from judged(name, version, floor)
    if not below:
        yield good(f"none of {len(minimums.PACKAGES)} packages is older than its floor")


def postgres() -> Iterator[Finding]:
    """The minor version; whether the major one is new enough says ``database.version``."""
    version = str(one("SHOW server_version")).partition(" ")[0]
    floor = minimums.POSTGRES.get((*minimums.numbers(version), 0)[0])
    if floor:
        yield from judged("PostgreSQL", version, floor)


def broker() -> Iterator[Finding]:
    """Valkey or Redis says what it is; RabbitMQ is not asked."""
    name, version = told()
    if not name:
        yield note("the broker's version is not known", mend="Look whether its vendor still mends it.")
        return
    floor = minimums.server_floor(name=name, version=version)
    yield from [good(f"{name} {version}")] if floor is None else judged(name, version, floor, missed=True)


def installed(name: str) -> str | None:
    """The version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def told() -> tuple[str, str]:
    """Name and version of the broker; two empty texts when it does not say."""
    address = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)
    if not address.startswith(("redis://", "rediss://", "unix://")):
        return "", ""
    redis = import_module("redis")  # loaded for this question only: every process loads this module
    try:
        with redis.Redis.from_url(address, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as line:
            said = line.info("server")
    except (redis.RedisError, OSError, ValueError):
        return "", ""
    found = {name: str(said[f"{name}_version"]) for name in ("valkey", "redis") if f"{name}_version" in said}
    return next(iter(found.items()), ("", ""))


def judged(name: str, version: str, floor: Floor, *, missed: bool = False) -> list[Finding]:
    if missed or minimums.is_below(version=version, floor=floor):
        return [bad(f"{name} {version} is unsafe: {floor.why}", mend=f"Install {name} {floor.version} or newer.")]
    return [good(f"{name} {version}")]
