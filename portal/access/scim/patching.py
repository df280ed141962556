"""PATCH (RFC 7644, 3.5.2): operations on a document, one after the other, all or none. Pure."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from portal.access.scim.documents import ENTERPRISE, KNOWN, USER, canonical
from portal.access.scim.errors import ScimError

SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST = 100
FIXED = frozenset({"id", "meta", "schemas"})
PATH = re.compile(
    r"^(?:(?P<schema>urn:[\w.:-]+):)?(?P<name>[A-Za-z$][\w$-]*)"
    r"(?:\[\s*(?P<by>[A-Za-z]\w*)\s+eq\s+(?:\"(?P<text>[^\"]*)\"|(?P<flag>true|false))\s*\])?(?:\.(?P<sub>[A-Za-z$][\w$-]*))?$",
    re.IGNORECASE,
)
Document = dict[str, Any]


def patched(document: Mapping[str, Any], request: Mapping[str, Any]) -> Document:
    """The document after all operations. Raises ``ScimError``."""
    if SCHEMA not in (request.get("schemas") or []):
        raise ScimError(400, f"schemas names {SCHEMA}.", "invalidSyntax")
    operations = next((value for name, value in request.items() if name.lower() == "operations"), None)
    if not isinstance(operations, list) or not 0 < len(operations) <= MOST:
        raise ScimError(400, f"Operations is a list of 1 to {MOST} operations.", "invalidSyntax")
    new = copy.deepcopy(dict(document))
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise ScimError(400, "An operation is an object.", "invalidSyntax")
        _apply(new, {str(name).lower(): value for name, value in operation.items()})
    return _with_one_name(document, new)


def _with_one_name(before: Mapping[str, Any], new: Document) -> Document:
    """The portal keeps one name, SCIM has three places for it. Only those that were changed count."""
    name, old = new.get("name"), before.get("name")
    if name != old and new.get("displayName") == before.get("displayName"):
        new.pop("displayName", None)
    if isinstance(name, dict) and isinstance(old, dict) and name != old and name.get("formatted") == old.get("formatted"):
        name.pop("formatted", None)
    return new


def _apply(document: Document, operation: Mapping[str, Any]) -> None:
    kind, path, value = str(operation.get("op", "")).lower(), operation.get("path"), operation.get("value")
    if kind not in ("add", "replace", "remove"):
        raise ScimError(400, "op is add, replace or remove.", "invalidSyntax")
    if path is None and kind == "remove":
        raise ScimError(400, "remove needs a path.", "noTarget")
    if path is None:
        if not isinstance(value, Mapping):
            raise ScimError(400, "Without a path, value is an object.", "invalidValue")
        for name, inner in value.items():
            _at(document, str(name), kind, inner)
        return
    _at(document, str(path), kind, value)


def _at(document: Document, path: str, kind: str, value: Any) -> None:
    """One operation at one path: a name, ``name.sub``, ``list[sub eq "x"].sub``, each after a schema's URN if need be."""
    if path.lower() in (ENTERPRISE.lower(), USER.lower()):
        _merge(document if path.lower() == USER.lower() else document.setdefault(ENTERPRISE, {}), kind, value)
        return
    found = PATH.match(path)
    if found is None:
        raise ScimError(400, f"The path {path[:100]} cannot be read.", "invalidPath")
    name = KNOWN.get(found["name"].lower(), found["name"])
    if name in FIXED:
        raise ScimError(400, f"{name} cannot be changed.", "mutability")
    holder = document.setdefault(ENTERPRISE, {}) if (found["schema"] or "").lower() == ENTERPRISE.lower() else document
    sub = KNOWN.get(found["sub"].lower(), found["sub"]) if found["sub"] else ""
    if found["by"]:
        wanted: Any = found["text"] if found["flag"] is None else found["flag"].lower() == "true"
        _in_list(holder, name, (KNOWN.get(found["by"].lower(), found["by"]), wanted), sub, kind, value)
    elif sub:
        inner = holder.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ScimError(400, f"{name} has no parts.", "invalidPath")
        _put(inner, sub, kind, value)
    else:
        _put(holder, name, kind, value)


def _merge(holder: Document, kind: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise ScimError(400, "The value of a schema is an object.", "invalidValue")
    for name, inner in canonical(value).items():
        _put(holder, name, kind, inner)


def _put(holder: Document, name: str, kind: str, value: Any) -> None:
    value = canonical(value)
    if kind == "remove":
        holder.pop(name, None)
    elif kind == "add" and isinstance(holder.get(name), list):
        more = value if isinstance(value, list) else [value]
        # There is one primary element at most (RFC 7643, 2.4): a new one takes the place of the old.
        before = [{**one, "primary": False} for one in holder[name]] if _has_primary(more) else holder[name]
        holder[name] = [*before, *more]
    elif isinstance(holder.get(name), dict) and isinstance(value, dict):
        holder[name] = {**holder[name], **value}
    else:
        holder[name] = value


def _has_primary(values: list[Any]) -> bool:
    return any(isinstance(one, Mapping) and one.get("primary") is True for one in values)


def _in_list(holder: Document, name: str, by: tuple[str, Any], sub: str, kind: str, value: Any) -> None:
    """The elements of a list in which one part has a value. ``add`` makes the element when it is missing."""
    rows = holder.setdefault(name, [])
    if not isinstance(rows, list):
        raise ScimError(400, f"{name} is no list.", "invalidPath")
    matching = [row for row in rows if isinstance(row, dict) and row.get(by[0]) == by[1]]
    if not matching and kind == "add":
        matching = [{by[0]: by[1]}]
        rows.extend(matching)
    if not matching:
        raise ScimError(400, f"No element of {name} has {by[0]} {by[1]}.", "noTarget")
    if kind == "remove" and not sub:
        holder[name] = [row for row in rows if row not in matching]
        return
    for row in matching:
        if sub:
            _put(row, sub, kind, value)
        elif isinstance(value, Mapping):
            row.update(canonical(value))
        else:
            raise ScimError(400, f"The value of an element of {name} is an object.", "invalidValue")
