"""Parameters as plain JSON values and back, checked against their types. Pure.

Durations are text such as "15 min", "72 h" or "3 d"; tuples are lists; rules are objects by field name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from portal.policy.parameters import Parameters

DURATION = re.compile(r"^\s*(\d{1,6})\s*(s|min|h|d)\s*$")
UNITS = {"d": 86400, "h": 3600, "min": 60, "s": 1}
VERSION = "version"
"""Not a parameter of its own: the number of the policy version."""


class WrongParameter(ValueError):
    """A value that is none for its parameter. The message names the parameter and says what is needed."""


def names() -> tuple[str, ...]:
    """The names of all parameters in their order."""
    return tuple(item.name for item in fields(Parameters) if item.name != VERSION)


def plain(parameters: Parameters) -> dict[str, Any]:
    """All parameters as JSON values."""
    return {name: value_of(getattr(parameters, name)) for name in names()}


def value_of(value: Any) -> Any:
    """One value as JSON."""
    if isinstance(value, timedelta):
        return duration_words(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: value_of(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple | list):
        return [value_of(item) for item in value]
    return value


def duration_words(length: timedelta) -> str:
    """A duration in the largest unit that holds it whole."""
    seconds = round(length.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS.items() if seconds % size == 0 and (seconds or unit == "min"))
    return f"{seconds // size} {unit}"


def parameters_from(values: Mapping[str, Any], *, version: str, base: Parameters) -> Parameters:
    """The parameters of a version: ``values`` by name over ``base``. Raises ``WrongParameter`` for a name or value that is none."""
    unknown = sorted(set(values) - set(names()))
    if unknown:
        raise WrongParameter(f"There is no parameter {unknown[0]!r}.")
    hints = get_type_hints(Parameters)
    made = {name: _read(hints[name], value, name) for name, value in values.items()}
    kept = {name: getattr(base, name) for name in names()}
    return Parameters(**{**kept, **made}, version=version)


def read(name: str, value: Any) -> Any:
    """One JSON value as the parameter ``name`` has it. Raises ``WrongParameter``."""
    if name not in names():
        raise WrongParameter(f"There is no parameter {name!r}.")
    return _read(get_type_hints(Parameters)[name], value, name)


def _read(hint: Any, value: Any, name: str) -> Any:
    origin = get_origin(hint)
    if origin is tuple:
        return _read_tuple(get_args(hint), value, name)
    if origin in (Union, UnionType):
        return _read_optional(hint, value, name)
    if hint is timedelta:
        return _read_duration(value, name)
    if is_dataclass(hint):
        return _read_rule(hint, value, name)
    return _read_simple(hint, value, name)


def _read_optional(hint: Any, value: Any, name: str) -> Any:
    if value is None:
        return None
    inner = next(item for item in get_args(hint) if item is not type(None))
    return _read(inner, value, name)


def _read_tuple(inner: Sequence[Any], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise WrongParameter(f"{name}: a list is needed.")
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_read(inner[0], item, name) for item in value)
    if len(value) != len(inner):
        raise WrongParameter(f"{name}: {len(inner)} values are needed together, and there are {len(value)}.")
    return tuple(_read(hint, item, name) for hint, item in zip(inner, value, strict=True))


def _read_duration(value: Any, name: str) -> timedelta:
    match = DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise WrongParameter(f"{name}: write a length of time such as 15 min, 72 h or 3 d.")
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


def _read_rule(hint: Any, value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        raise WrongParameter(f"{name}: an object is needed.")
    hints = get_type_hints(hint)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise WrongParameter(f"{name}: a rule has no {unknown[0]!r}.")
    try:
        return hint(**{field: _read(hints[field], item, name) for field, item in value.items()})
    except TypeError as problem:
        raise WrongParameter(f"{name}: a rule lacks a value.") from problem


def _read_simple(hint: Any, value: Any, name: str) -> Any:
    words = {bool: "yes or no is needed", int: "a whole number is needed", float: "a number is needed", str: "a text is needed"}
    fits = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    if not fits:
        raise WrongParameter(f"{name}: {words.get(hint, 'another value is needed')}.")
    if hint in (int, float) and value < 0:
        raise WrongParameter(f"{name}: it cannot be less than nothing.")
    return value
