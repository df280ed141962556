"""The facts of a frozen verdict, back from their JSON: so that today's rules can be asked about them. Pure.

What a later release of the portal added to the facts takes its default; what it dropped is left aside.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from changes.gates.facts import ChangeFacts


class OldFacts(Exception):
    """The kept facts lack something without which today's rules cannot be asked. The message says what."""


def facts_from_json(values: Mapping[str, Any]) -> ChangeFacts:
    """The facts that ``verdict.facts_json`` made ``values`` of. Raises ``OldFacts``."""
    found = _load(ChangeFacts, values)
    if not isinstance(found, ChangeFacts):
        raise OldFacts("there are no facts")
    return found


def _load(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _load(next(item for item in get_args(kind) if item is not type(None)), value)
    if origin in (tuple, frozenset):
        return origin(_load(get_args(kind)[0], item) for item in value)
    if is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, value)
    return datetime.fromisoformat(value) if kind is datetime else value


def _object(kind: type, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise OldFacts(f"{kind.__name__} is no object")
    given = {name: _load(hint, value[name]) for name, hint in _hints(kind).items() if name in value}
    lacking = sorted(set(_needed(kind)) - set(given))
    if lacking:
        raise OldFacts(f"{kind.__name__} has no {', '.join(lacking)}")
    return kind(**given)


@lru_cache(maxsize=64)
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


@lru_cache(maxsize=64)
def _needed(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING)
