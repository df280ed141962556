"""Doppler's description and examples, read in place beside the checkout and never copied into it."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("COUNTERSIGN_VENDOR_DATA", Path(__file__).parents[5] / "shared/vendors/data")) / "doppler"
ABSENT = "Doppler's description and examples are not here (the vendor data folder is absent)"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)


def samples(pattern):
    """All examples that match, with their names; one without a file where the folder is absent, which is then skipped."""
    found = sorted(FOLDER.glob(pattern)) if FOLDER.is_dir() else []
    return [pytest.param(path, id=path.name) for path in found] or [pytest.param(None, marks=needed)]


def described():
    """Doppler's OpenAPI description with its own defects mended: a scheme without flows, defaults that are texts of numbers, and
    fields that its own examples show as null. The cut that is here lacks three questions, which follow from ``BESIDE``."""
    document = json.loads((FOLDER / "openapi.doppler.cut.json").read_bytes())
    document.pop("security", None)
    for path, (asked, answered) in BESIDE.items():
        inside = {"application/json": {"schema": answered}}
        parameters = [{"name": name, "in": where, "required": where == "path", "schema": kind} for name, where, kind in asked]
        document["paths"][path] = {
            "get": {"parameters": parameters, "responses": {"200": {"description": "200", "content": inside}}}
        }
    return _mended(document)


def _object(**properties):
    return {"type": "object", "properties": properties}


def _array(items):
    return {"type": "array", "items": items}


TEXT, FLAG, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
ROLE = _object(identifier=TEXT)
NAMED = {"name": TEXT, "slug": TEXT}
GROUP = _object(
    **NAMED,
    created_at=TEXT,
    default_project_role=ROLE,
    projects=_array(_object(**NAMED, role=ROLE)),
    members=_array(_object(type=TEXT, slug=TEXT)),
)
BESIDE = {
    "/v3/projects/roles": (
        [],
        _object(roles=_array(_object(name=TEXT, permissions=_array(TEXT), identifier=TEXT, created_at=TEXT, is_custom_role=FLAG))),
    ),
    "/v3/workplace/groups/group/{slug}": ([("slug", "path", TEXT)], _object(group=GROUP)),
    "/v3/workplace/service_accounts/service_account/{service_account}/tokens": (
        [("service_account", "path", TEXT), ("page", "query", NUMBER), ("per_page", "query", NUMBER)],
        _object(api_tokens=_array(_object(**NAMED, created_at=TEXT, last_seen_at=TEXT, expires_at=TEXT)), success=FLAG),
    ),
}
"""Questions and answers as the whole description has them (in @dopplerhq/mcp-server 1.0.5), without its examples."""


def _mended(value, *, told=False):
    """``told``: inside what Doppler answers."""
    if isinstance(value, dict):
        gone = {"security", "examples", "default", "example"}
        kept = {key: _mended(inner, told=told or key == "responses") for key, inner in value.items() if key not in gone}
        if told and kept.get("type") == "string":
            kept["type"] = ["string", "null"]
        return kept
    return [_mended(inner, told=told) for inner in value] if isinstance(value, list) else value
