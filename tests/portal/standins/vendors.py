"""GitHub's official contracts, read in place from the vendors' folder beside the checkout."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DATA = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "data"


def official(name: str) -> dict[str, Any]:
    """A contract by its path below the vendors' data; skips the test with the reason where the folder is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the vendors' contracts are not beside this checkout: {name} is missing")
    return json.loads(path.read_text())


def wrong_webhooks(sent: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """What GitHub's contract has against webhooks, each an event and a payload; skips the test where the contract is absent."""
    spec = official("github/openapi.github-webhooks.cut.json")
    registry: Registry[Any] = Registry().with_resource("urn:webhooks", Resource(contents=spec, specification=DRAFT202012))
    wrong = []
    for event, payload in sent:
        name = "-".join(filter(None, [event, payload.get("action")])).replace("_", "-")
        schema = spec["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        validator = Draft202012Validator({"$ref": "urn:webhooks" + schema}, registry=registry)
        wrong += [f"{name}: {error.message}" for error in validator.iter_errors(payload)]
    return wrong
