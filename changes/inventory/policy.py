"""What may enter the inventory, and what differs between two configurations, in words. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from changes.inventory.facts import Seen, VendorEvent

VALUES = frozenset({"value", "values", "computed", "raw", "added", "removed"})
"""Keys under which vendors keep what is secret (Doppler's, above all). A list there is one of names."""
SECRET_WORDS = ("secret", "token", "password", "credential", "doppler.")
IDS, NAMES, WORDS = 200, 300, 200
"""Characters of an id, of a name, and of what an entry of a log says in words."""
LONGEST = 90
"""Signs of one side that a sentence shows."""


class NotTaken(ValueError):
    """A reading or an event that the inventory does not take: it holds a secret's value, or is not what it says it is.

    The message names the place, never what stands there.
    """


def check_seen(*, kinds: Collection[str], within: str | None, seen: Sequence[Seen]) -> None:
    """Raise ``NotTaken`` when one asset is outside what was read, has no id, or holds what must not be kept."""
    for one in seen:
        if one.kind not in kinds:
            raise NotTaken(f"{one.kind} is not among the kinds that were read: {', '.join(sorted(kinds))}")
        if within is not None and one.within != within:
            raise NotTaken(f"{one.kind} {one.external_id} is not within {within}")
        if not one.external_id:
            raise NotTaken(f"a {one.kind} has no id")
        if max(len(one.external_id), len(one.within)) > IDS:
            raise NotTaken(f"an id of a {one.kind} is longer than {IDS} characters")
        check_no_value(kind=one.kind, content=one.configuration)


def fitting(one: Seen) -> Seen:
    """The same with a name that fits: a longer one is cut in sight."""
    return one if len(one.name) <= NAMES else replace(one, name=cut(one.name, NAMES))


def fitting_event(event: VendorEvent) -> VendorEvent:
    """The same with names and words that fit. What is longer is cut in sight; what it is known by is not."""
    words = {name: getattr(event, name) for name in ("action", "actor_id", "actor_name", "object_id", "object_name")}
    long: dict[str, Any] = {name: cut(value, WORDS) for name, value in words.items() if len(value) > WORDS}
    return replace(event, **long) if long else event


def cut(text: str, limit: int) -> str:
    """At most so many characters, the last of them a sign that there were more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def check_event(*, event: VendorEvent) -> None:
    """Raise ``NotTaken`` for an entry without an id, and for one that holds what must not be kept."""
    if not event.external_id:
        raise NotTaken(f"an entry {event.action} has no id")
    if len(event.external_id) > IDS:
        raise NotTaken(f"the id of an entry is longer than {IDS} characters")
    check_no_value(kind=event.kind, content=event.detail)


def check_no_value(*, kind: str, content: Mapping[str, object]) -> None:
    """Raise ``NotTaken`` for values of secrets: texts under telling keys in a secret kind, and variables with their values."""
    secret = any(word in kind for word in SECRET_WORDS)
    for path, key, inside in _entries(content, ""):
        if key == "env" and isinstance(inside, Mapping) and inside:
            raise NotTaken(f"{kind}: {path} maps variables to values; names alone are kept")
        if secret and key in VALUES and _holds_text(inside):
            raise NotTaken(f"{kind}: {path} may be the value of a secret")


def _entries(value: object, path: str) -> Iterator[tuple[str, str, object]]:
    """(path, key, value) of all entries at any depth."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            here = f"{path}.{key}" if path else str(key)
            yield here, str(key).lower(), inside
            yield from _entries(inside, here)
    elif isinstance(value, list | tuple):
        for inside in value:
            yield from _entries(inside, path)


def _holds_text(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_text(inside) for inside in value.values())
    return isinstance(value, str) and value != ""


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """What is different, one sentence each, in the order of the names: ``guest.memory_mb: 512 → 1024``, ``env: with LOG_LEVEL``."""
    found: list[str] = []
    for key in sorted({*before, *after}):
        found += _differing(key, before.get(key), after.get(key))
    return found


def _differing(path: str, before: object, after: object) -> list[str]:
    if before == after:
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        inner = [_differing(f"{path}.{key}", before.get(key), after.get(key)) for key in sorted({*before, *after})]
        return [sentence for sentences in inner for sentence in sentences]
    if _is_names(before) and _is_names(after):
        return _listed(path, before, after)
    return [f"{path}: {_said(before)} → {_said(after)}"]


def _is_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _listed(path: str, before: object, after: object) -> list[str]:
    old, new = _texts(before), _texts(after)
    come, left = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    found = [f"{path}: with {_short(', '.join(come))}"] if come else []
    found += [f"{path}: without {_short(', '.join(left))}"] if left else []
    return found or [f"{path}: another order"]


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _said(value: object) -> str:
    """One side: names and numbers as they are, whatever is nested in short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _short(", ".join(f"{key} {_said(inside)}" for key, inside in sorted(value.items())) or "nothing")
    if isinstance(value, list | tuple):
        return _short("; ".join(_said(item) for item in value) or "nothing")
    return _short(str(value) or "nothing")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
