"""What the portal is made of, as a software bill of materials: CycloneDX 1.6 in JSON (ECMA-424).

Read from what is installed, beginning with ``requirements.txt`` and following what each distribution needs here; so it says what
runs, not what was asked for. Files of others that lie in our own tree are named too. The same installation gives the same bill.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

SPACE = uuid.UUID("6f2c8f5e-6d3b-5d8e-9a53-0c2f1f6b7a11")
"""Names the serial numbers of our bills (RFC 9562, version 5)."""
LONGEST_LICENCE = 120


@dataclass(frozen=True)
class Part:
    """One piece of foreign software: ``purl`` is its package URL."""

    name: str
    version: str
    purl: str
    licence: str
    needs: tuple[str, ...] = field(default=())
    """Package URLs."""


IN_OUR_TREE = (
    Part("idiomorph", "0.8.0", "pkg:npm/idiomorph@0.8.0", "0BSD"),
    Part("inter", "", "pkg:github/rsms/inter", "OFL-1.1"),
)
"""portal/static/portal: idiomorph.min.js, and inter.woff2, which is a part of that font and says no version."""


class NotInstalled(Exception):
    """A distribution that is needed is not there. The message names it."""


def parts(*, requirements: Iterable[str], find: Callable[[str], metadata.Distribution] = metadata.distribution) -> list[Part]:
    """Every distribution that the lines of a requirements file lead to, by name. Raises ``NotInstalled``."""
    found: dict[str, metadata.Distribution] = {}
    needs: dict[str, set[str]] = {}
    waiting = [(wish, frozenset(wish.extras)) for wish in _wishes(requirements, frozenset())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wish, extras = waiting.pop()
        name = canonicalize_name(wish.name)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = _distribution(name, find)
        inner = list(_wishes(found[name].requires or (), extras))
        needs.setdefault(name, set()).update(canonicalize_name(each.name) for each in inner)
        waiting += [(each, frozenset(each.extras)) for each in inner]
    addresses = {name: _purl(name, one.version) for name, one in found.items()}
    return [
        Part(name, one.version, addresses[name], licence_of(one.metadata), tuple(sorted(addresses[each] for each in needs[name])))
        for name, one in sorted(found.items())
    ]


def bill(*, parts: Iterable[Part], version: str, at: datetime) -> dict[str, Any]:
    """The bill. ``version`` is the portal's own."""
    every = list(parts)
    components = [_component(part) for part in every]
    content = json.dumps([version, components], sort_keys=True)
    ours = f"pkg:generic/countersign@{version}"
    direct = sorted(part.purl for part in every)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(SPACE, content)}",
        "version": 1,
        "metadata": {
            "timestamp": at.isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "countersign sbom", "version": version}]},
            "component": {"type": "application", "bom-ref": ours, "name": "countersign", "version": version, "purl": ours},
        },
        "components": components,
        "dependencies": [
            {"ref": ours, "dependsOn": direct},
            *({"ref": part.purl, "dependsOn": list(part.needs)} for part in every),
        ],
    }


def licence_of(said: Any) -> str:
    """What the distribution says of its licence: the SPDX expression, else the classifiers, else its own short words."""
    if said.get("License-Expression"):
        return str(said["License-Expression"])
    classified = [text.rpartition(" :: ")[2] for text in said.get_all("Classifier") or () if text.startswith("License :: ")]
    words = str(said.get("License") or "").strip().partition("\n")[0]
    return ("; ".join(classified) or words)[:LONGEST_LICENCE]


def _wishes(lines: Iterable[str], extras: frozenset[str]) -> Iterator[Requirement]:
    for line in lines:
        text = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if not text:
            continue
        try:
            wish = Requirement(text)
        except InvalidRequirement as wrong:
            raise NotInstalled(f"{text!r} is no requirement: {wrong}") from wrong
        if wish.marker is None or any(wish.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
            yield wish


def _distribution(name: str, find: Callable[[str], metadata.Distribution]) -> metadata.Distribution:
    try:
        return find(name)
    except metadata.PackageNotFoundError as missing:
        raise NotInstalled(f"{name} is needed and not installed.") from missing


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _component(part: Part) -> Mapping[str, Any]:
    said: dict[str, Any] = {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        **({"version": part.version} if part.version else {}),
        "scope": "required",
        "purl": part.purl,
    }
    if part.licence:
        said["licenses"] = [{"license": {"name": part.licence}}]
    return said
