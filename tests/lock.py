"""Writes down which files may be installed: each by its SHA-256, for every kind of machine that we support.

uv resolves the lists once for all platforms and tells the digest of every file that the registry has of a version. Of those we
keep the wheels that a supported machine could take and nothing else: what is built from source when it is installed would run
its author's code, and a digest of a file that nobody takes is a door more.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from packaging.markers import Marker, default_environment
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
NEWEST_GLIBC = 41
"""Debian 13; a wheel for an older one fits too."""


def linux(machine: str) -> list[str]:
    """Names of platforms that a Linux of this machine takes wheels for, newest first (PEP 600)."""
    old = ["manylinux2014", "manylinux2010", "manylinux1"]
    return [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, 4, -1)] + [f"{name}_{machine}" for name in old]


MACHINES: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "Linux x86_64": (linux("x86_64"), {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"}),
    "Linux aarch64": (linux("aarch64"), {"sys_platform": "linux", "platform_machine": "aarch64", "platform_system": "Linux"}),
    "macOS arm64": (
        list(mac_platforms((15, 0), "arm64")),
        {"sys_platform": "darwin", "platform_machine": "arm64", "platform_system": "Darwin"},
    ),
}
LOCKS: Mapping[str, Sequence[str]] = {
    "requirements.lock": ["requirements.txt"],
    "requirements-optional.lock": ["requirements.txt", "requirements-optional.txt"],
}
HEAD = """\
# Written by ./bin/lock from {sources}: every file that pip may install, by its SHA-256 (pip's --require-hashes).
# Wheels for {machines}; CPython {first} to {last}. The reasons stand in {sources}.
"""


class NoWheel(SystemExit):
    """A machine that we support would have to build a package from source."""


@cache
def tags(machine: str, python: tuple[int, int]) -> frozenset[Tag]:
    """What a wheel may be called to be taken there."""
    platforms = list(MACHINES[machine][0])
    ours = cpython_tags(python, [f"cp{python[0]}{python[1]}"], platforms)
    return frozenset([*ours, *compatible_tags(python, f"cp{python[0]}{python[1]}", platforms)])


def wanted(marker: str, machine: str, python: tuple[int, int]) -> bool:
    """Whether a package with this marker is needed there."""
    version = f"{python[0]}.{python[1]}"
    here = {**default_environment(), **MACHINES[machine][1], "python_version": version}
    # The oldest patch too: some markers name one.
    return not marker or any(Marker(marker).evaluate({**here, "python_full_version": f"{version}.{patch}"}) for patch in (0, 99))


def pinned(package: Mapping[str, Any]) -> str:
    """One package with the digests of its wheels; empty when no supported machine needs it. Raises ``NoWheel``."""
    name, marker = f"{package['name']}=={package['version']}", package.get("marker", "")
    fitting: set[str] = set()
    needed = [(machine, python) for machine in MACHINES for python in PYTHONS if wanted(marker, machine, python)]
    for machine, python in needed:
        found = {wheel["hashes"]["sha256"] for wheel in package.get("wheels", ()) if fits(wheel, tags(machine, python))}
        if not found:
            raise NoWheel(f"{name} has no wheel for {machine} and Python {python[0]}.{python[1]}.")
        fitting |= found
    lines = [name + (f" ; {marker}" if marker else ""), *(f"    --hash=sha256:{digest}" for digest in sorted(fitting))]
    return " \\\n".join(lines) if needed else ""


def fits(wheel: Mapping[str, Any], there: frozenset[Tag]) -> bool:
    """Whether the wheel is one that is taken there."""
    name = wheel.get("name") or wheel["url"].rpartition("/")[2]
    return not parse_wheel_filename(name.replace("%2B", "+"))[3].isdisjoint(there)


def written(packages: Iterable[Mapping[str, Any]], sources: Sequence[str]) -> str:
    """The lock's text."""
    head = HEAD.format(
        sources=" and ".join(sources),
        machines=", ".join(MACHINES),
        first=".".join(map(str, PYTHONS[0])),
        last=".".join(map(str, PYTHONS[-1])),
    )
    return head + "".join(f"{text}\n" for text in map(pinned, packages) if text)


def kept(lock: str) -> Iterator[str]:
    """What a lock says, as constraints: name and version without digests."""
    return (line.split(" ")[0] for line in lock.splitlines() if line[:1].isalnum())


def resolved(uv: Path, sources: Sequence[str], held: Sequence[str], work: Path) -> Sequence[Mapping[str, Any]]:
    """What uv finds for the lists. ``held``: versions that stay unless a list says another."""
    lines = [line for name in sources for line in (ROOT / name).read_text().splitlines()]
    asked = {line.partition("==")[0].partition("[")[0].lower() for line in lines}
    (work / "held.txt").write_text("\n".join(pin for pin in held if pin.partition("==")[0] not in asked))
    made = work / "pylock.toml"
    words = ["pip", "compile", "--quiet", "--universal", "--no-header", "--python-version", "3.11", "--format", "pylock.toml"]
    lists = [str(ROOT / name) for name in sources]
    subprocess.run([uv, *words, "-c", work / "held.txt", *lists, "-o", made], check=True, stdout=subprocess.DEVNULL)
    found: Sequence[Mapping[str, Any]] = tomllib.loads(made.read_text())["packages"]
    return found


def main() -> int:
    """Both locks: what everybody installs, and the same with what is switched on by settings."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
        subprocess.run([work / "venv/bin/pip", "install", "-qq", "--disable-pip-version-check", UV], check=True)
        held: list[str] = []
        for lock, sources in LOCKS.items():
            before = ROOT / lock
            held += kept(before.read_text()) if before.exists() and "--upgrade" not in sys.argv else []
            text = written(resolved(work / "venv/bin/uv", sources, held, work), sources)
            before.write_text(text)
            held = list(kept(text))  # what both lists need has one version
            print(f"{lock}: {len(held)} packages, {text.count('sha256')} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
