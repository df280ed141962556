"""The rules: machines against fly.toml, staging against production, environments against each other. Pure.

What counts as scale (P-10: "in all but scale") is ``SCALE``: it may differ between staging and production.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from changes.drift import written
from changes.drift.facts import Found, Place, Rule
from changes.drift.written import Shape

SCALE = ("guest", "region", "count", "concurrency", "min_machines_running", "autostop", "autostart")
"""Size, place and number of machines, and how many of them run by themselves."""
PARTS = {Rule.ENV: "env", Rule.SERVICES: "services", Rule.CHECKS: "checks", Rule.MOUNTS: "mounts"}
Machine = Mapping[str, Any]


def against_git(
    *, source: str, app: str, environment: str, toml: Mapping[str, Any], machines: Sequence[Machine], basis: str
) -> list[Found]:
    """Where the machines of an app are not what its file asks for; at most one for each rule."""
    told: dict[Rule, Counter[str]] = defaultdict(Counter)
    for machine in machines:
        process = str(machine.get("process") or "app")
        asked, runs = written.of_toml(toml, process=process), written.of_machine(machine)
        for rule, words in _differing(app, asked, runs):
            told[rule][words] += 1
    return [
        Found(Place(rule, source, app, environment), tuple(_counted(counted, len(machines))), basis)
        for rule, counted in told.items()
    ]


def _differing(app: str, asked: Shape, runs: Shape) -> Iterable[tuple[Rule, str]]:
    for rule, name in PARTS.items():
        for words in _sides(getattr(asked, name), getattr(runs, name), "Git", "Fly"):
            yield rule, words
    if not _is_image_of(app, asked.image, runs.image):
        wanted = asked.image or f"an image that was built for {app}"
        yield Rule.IMAGE, f"Git asks for {wanted}; Fly runs {runs.image or 'an unknown image'}"
    if asked.size is not None and runs.size is not None and asked.size != runs.size:
        yield Rule.SIZE, f"Git asks for {asked.size}; Fly runs {runs.size}"


def _is_image_of(app: str, asked: str | None, runs: str | None) -> bool:
    """A file that names no image has it built, and flyctl pushes what it builds under the app's own name."""
    wanted = asked or f"registry.fly.io/{app}"
    image = (runs or "").partition("@")[0]
    return image == wanted or (":" not in wanted.rpartition("/")[2] and image.startswith(f"{wanted}:"))


def _sides(left: frozenset[str], right: frozenset[str], here: str, there: str) -> list[str]:
    only = [(here, sorted(left - right)), (there, sorted(right - left))]
    return [f"Only in {name}: {'; '.join(items)}" for name, items in only if items]


def _counted(counted: Counter[str], total: int) -> list[str]:
    """Each sentence once, with the number of machines where it is not all."""
    return [words if count == total else f"{words} ({count} of {total} machines)" for words, count in sorted(counted.items())]


def from_doppler(*, place: Place, fly: frozenset[str], doppler: frozenset[str], config: str) -> Found | None:
    """Names of secrets that an app has at Fly beside those of the configuration they come from (P-13).

    Only in Fly: set by hand. Only in Doppler: not synced. What Doppler adds by itself (``DOPPLER_…``) is left out.
    """
    left, right = (frozenset(name for name in names if not name.startswith("DOPPLER_")) for names in (fly, doppler))
    words = _sides(left, right, "Fly", "Doppler")
    return Found(place, tuple(words), f"{config} of Doppler") if words else None


def parity(
    *,
    source: str,
    staging: str,
    production: str,
    machines: Mapping[str, Sequence[Machine]],
    secrets: Mapping[str, frozenset[str]],
) -> Found | None:
    """What differs between the two apps in anything but scale: variables, secrets (names), services, checks, volumes."""
    left, right = _whole(machines.get(staging, ())), _whole(machines.get(production, ()))
    words: list[str] = []
    for rule, name in PARTS.items():
        words += [f"{rule.label}. {one}" for one in _sides(left[name], right[name], "staging", "production")]
    names = _sides(secrets.get(staging, frozenset()), secrets.get(production, frozenset()), "staging", "production")
    words += [f"Names of secrets. {one}" for one in names]
    place = Place(Rule.PARITY, source, f"{staging} and {production}")
    return Found(place, tuple(words)) if words else None


def _whole(machines: Sequence[Machine]) -> dict[str, frozenset[str]]:
    """All that the machines of an app have together: their number and size are scale."""
    shapes = [written.of_machine(machine) for machine in machines]
    return {name: frozenset[str]().union(*(getattr(shape, name) for shape in shapes)) for name in PARTS.values()}


def separation(*, source: str, things: Iterable[tuple[str, str, str]]) -> list[Found]:
    """Things that are in two environments: ``things`` are (what in words, its name, environment), for example the organisation
    of each app, each configuration, each token."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for what, name, environment in things:
        if environment:
            seen[what, name].add(environment)
    return [
        Found(
            Place(Rule.SEPARATION, source, f"{what} {name}"),
            (f"The {what} {name} is in {' and in '.join(sorted(environments))}",),
        )
        for (what, name), environments in sorted(seen.items())
        if len(environments) > 1
    ]
