"""The oldest versions that may run, each with what is known to be wrong before it. Pure.

`manage.py doctor` refuses what is older, and a test holds what we pin to it.

Only what concerns this portal: a weakness in something that we do not use is no reason. Raise a floor when an advisory does concern
us; docs/security.md says within how many days. Sources: the projects' own advisories, by their CVE numbers.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Version = tuple[int, ...]


@dataclass(frozen=True)
class Floor:
    """The first good version, and what the ones before it do."""

    version: str
    why: str


def numbers(version: str) -> Version:
    """The leading numbers: "9.1.2.post2" is (9, 1, 2). What is no version at all is older than every floor."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


PYTHON = Floor("3.11.4", "urllib.parse lets a blank prefix past checks of hosts (CVE-2023-24329)")
PACKAGES: Mapping[str, Floor] = {
    "django": Floor(
        "5.2.18", "a header of anybody takes quadratic time (CVE-2026-84429); below 5.2.11 aliases inject SQL (CVE-2026-1287)"
    ),
    "django-allauth": Floor("65.19.4", "accents in a name let more failed sign-ins through than the limit says (CVE-2026-97764)"),
    "social-auth-app-django": Floor("5.6.0", "accounts are associated by e-mail without the step for it (CVE-2025-61783)"),
    "cryptography": Floor("44.0.1", "its OpenSSL does not notice an unauthenticated server with raw keys (CVE-2024-12797)"),
    "pyjwt": Floor("2.13.0", "a public key is taken for a secret, and tokens are forged with it (CVE-2026-48526)"),
    "urllib3": Floor("2.6.3", "a small answer that redirects decompresses without bound (CVE-2026-21441)"),
    "requests": Floor("2.32.4", "credentials of .netrc go to another host (CVE-2024-47081)"),
    "h11": Floor("0.16.0", "malformed chunks let requests be smuggled (CVE-2025-43859)"),
    "idna": Floor("3.15", "a crafted host name takes quadratic time (CVE-2026-45409; CVE-2024-3651 was mended by half)"),
    "markdown-it-py": Floor("2.2.0", "crafted markdown ends the process (CVE-2023-26303)"),
    "orjson": Floor("3.11.6", "deep nesting ends the process, also when it is written (CVE-2025-67221)"),
    "pydantic": Floor("2.4.0", "a crafted address takes for ever (CVE-2024-3772)"),
    "celery": Floor("5.2.2", "what a result says is run as a command (CVE-2021-23727)"),
    "reportlab": Floor("3.6.13", "a colour in a text is run as code (CVE-2023-33733)"),
    "pillow": Floor("11.3.0", "a picture writes beyond its buffer (CVE-2025-48379)"),
    "uvicorn": Floor("0.11.7", "a header can be split, and a log line forged (CVE-2020-7695, CVE-2020-7694)"),
}
"""Distribution, in lower case → its floor. Also those that only come along with ours."""
POSTGRES: Mapping[int, Floor] = {
    major: Floor(
        version, "a statement can make the server write beyond its buffer, and pg_dump likewise (CVE-2026-6473, CVE-2026-6477)"
    )
    for major, version in ((15, "15.18"), (16, "16.14"), (17, "17.10"), (18, "18.4"))
}
"""Major version → its floor. Older majors are refused altogether."""
_VALKEY = "who may speak to it can run code in it (CVE-2026-56684, CVE-2026-63639)"
_REDIS = "anybody who reaches its TLS port can run code in it (CVE-2026-81934)"
_LINES = {
    "valkey": (_VALKEY, ("7.2.14", "8.0.10", "8.1.9", "9.0.5", "9.1.1")),
    "redis": (_REDIS, ("7.2.16", "7.4.11", "8.2.9", "8.4.6", "8.6.6", "8.8.2", "8.10.1")),
}
VALKEY: Mapping[tuple[str, int, int], Floor] = {
    (name, numbers(floor)[0], numbers(floor)[1]): Floor(floor, why) for name, (why, floors) in _LINES.items() for floor in floors
}
"""Name, major and minor version → its floor: each line is mended by itself. A line between two of these is not mended at all; newer
lines than the last are good."""
OLDEST_MAJOR = {"valkey": 7, "redis": 7}
LIBCURL = Floor("8.4.0", "a long host name overflows the heap behind a SOCKS proxy (CVE-2023-38545)")


def is_below(*, version: str, floor: Floor) -> bool:
    """Whether a version is older than its floor; "5.2" is as old as "5.2.0"."""
    ours, least = numbers(version), numbers(floor.version)
    longest = max(len(ours), len(least))
    return ours + (0,) * (longest - len(ours)) < least + (0,) * (longest - len(least))


def packages_below(*, installed: Callable[[str], str | None]) -> Iterator[tuple[str, str, Floor]]:
    """(name, version, floor) of what is installed and too old. ``installed`` gives None for what is not there."""
    for name, floor in PACKAGES.items():
        version = installed(name)
        if version is not None and is_below(version=version, floor=floor):
            yield name, version, floor


def server_floor(*, name: str, version: str) -> Floor | None:
    """The floor that a broker of this name and version misses; None when it is good, or of a kind that we do not know."""
    if name not in OLDEST_MAJOR:
        return None
    ours = (*numbers(version), 0, 0)
    if ours[0] < OLDEST_MAJOR[name]:
        return Floor(f"{OLDEST_MAJOR[name]}.0", "nobody mends it any more")
    lines = sorted(line for line in VALKEY if line[0] == name and line[1:] >= ours[:2])
    floor = VALKEY[lines[0]] if lines else None
    return floor if floor and is_below(version=version, floor=floor) else None
