"""Floors of versions: what is installed and pinned keeps them, what is older is named with its reason."""

import hashlib
import json
import re
import uuid
from datetime import UTC, datetime
from importlib import metadata
from io import StringIO

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.core.management import CommandError, call_command
from packaging.utils import canonicalize_name

from portal.runtime import bill, minimums
from portal.runtime.doctor import versions
from portal.runtime.doctor.finding import Level
from portal.runtime.minimums import PACKAGES, Floor, is_below, packages_below, server_floor
from tests.architecture.test_house import ROOT

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def pinned():
    """Distribution → version, of requirements.txt."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def complaints(check):
    return [finding.text for finding in check() if finding.level is Level.BAD]


@pytest.mark.parametrize(
    ("version", "floor", "below"),
    [
        ("5.2.10", "5.2.11", True),
        ("5.2.11", "5.2.11", False),
        ("5.3", "5.2.11", False),
        ("5.2", "5.2.0", False),
        ("5.2.0", "5.2", False),
        ("9.1.2.post2", "9.1.2", False),
        ("2026.10.19", "2026.9", False),
        ("no version", "0.1", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version, floor, below):
    assert is_below(version=version, floor=Floor(floor, "x")) is below


def test_what_is_pinned_and_what_is_installed_keeps_the_floors():
    assert list(packages_below(installed=versions.installed)) == []
    assert list(packages_below(installed=pinned().get)) == []
    assert complaints(versions.python) + complaints(versions.packages) == []


def test_every_floor_concerns_something_that_is_here_and_names_its_advisory():
    for name, floor in PACKAGES.items():
        assert versions.installed(name) is not None, name
        assert re.search(r"CVE-\d{4}-\d{4,}", floor.why), name


@pytest.mark.django_db
def test_what_is_older_than_its_floor_is_bad_with_the_reason(monkeypatch):
    high = Floor("99.0", "it does this and that")
    monkeypatch.setattr(minimums, "PACKAGES", {"django": high})
    monkeypatch.setattr(minimums, "PYTHON", high)
    monkeypatch.setattr(minimums, "POSTGRES", dict.fromkeys(range(10, 30), high))
    monkeypatch.setattr(versions, "told", lambda: ("valkey", "8.0.5"))

    checks = (versions.packages, versions.python, versions.postgres, versions.broker)
    [django], [python], [server], [broker] = map(complaints, checks)

    for said in (django, python, server):
        assert "is unsafe: it does this and that" in said
    assert broker.startswith("valkey 8.0.5 is unsafe: who may speak to it can run code")


@pytest.mark.django_db
def test_our_own_server_keeps_its_floor():
    assert [finding.level for finding in versions.postgres()] == [Level.GOOD]


@pytest.mark.parametrize(
    ("name", "version", "good"),
    [
        ("valkey", "8.0.10", True),
        ("valkey", "8.0.9", False),
        ("valkey", "8.1.8", False),  # newer than 8.0.10, and another line
        ("valkey", "8.1.9", True),
        ("valkey", "9.1.2", True),
        ("valkey", "9.2.0", True),
        ("valkey", "7.2.13", False),
        ("redis", "7.4.9", False),
        ("redis", "7.2.16", True),
        ("redis", "8.0.5", False),  # a line that nobody mends any more
        ("redis", "8.10.1", True),
        ("redis", "6.2.24", False),
        ("dragonfly", "1.0", True),
    ],
)
def test_a_broker_is_judged_by_its_name_and_version(name, version, good):
    assert (server_floor(name=name, version=version) is None) is good


def test_a_broker_that_does_not_say_its_version_is_a_note(settings):
    for address in ("amqp://localhost", "memory://", "redis://127.0.0.1:1/0"):
        settings.CELERY_BROKER_URL = address
        assert [finding.level for finding in versions.broker()] == [Level.NOTE]


# The bill of materials


def test_the_bill_names_what_is_installed_and_is_one_by_the_standard(tmp_path):
    said = StringIO()
    call_command("sbom", stdout=said)
    made = json.loads(said.getvalue())

    named = {part["name"]: part for part in made["components"]}
    assert set(pinned()) <= named.keys()
    assert {"kombu", "cryptography", "idiomorph", "inter"} <= named.keys()
    assert named["django"]["purl"] == f"pkg:pypi/django@{metadata.version('django')}"
    assert [name for name in named if name in {"pytest", "ruff", "mypy"}] == []
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(said.getvalue()) is None
    references = {part["bom-ref"] for part in made["components"]} | {made["metadata"]["component"]["bom-ref"]}
    assert {one for line in made["dependencies"] for one in [line["ref"], *line["dependsOn"]]} == references
    assert [name for name, part in named.items() if not part.get("licenses")] == []

    call_command("sbom", "--output", str(tmp_path / "bom.json"), stderr=StringIO())
    again = json.loads((tmp_path / "bom.json").read_text())
    assert (again["serialNumber"], again["components"]) == (made["serialNumber"], made["components"])
    assert uuid.UUID(made["serialNumber"].removeprefix("urn:uuid:")).version == 5


def test_a_bill_that_is_none_by_the_standard_is_refused():
    made = bill.bill(parts=bill.IN_OUR_TREE, version="1", at=AT)
    made["components"][0]["type"] = "thing"

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is not None


def test_what_is_needed_and_not_there_is_said(tmp_path, settings):
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError, match=r"requirements\.txt"):
        call_command("sbom")
    for line, words in (("no-such-thing==1.0  # x", "no-such-thing is needed"), ("==", "is no requirement")):
        (tmp_path / "requirements.txt").write_text(line)
        with pytest.raises(CommandError, match=words):
            call_command("sbom")


def test_files_of_others_in_our_tree_are_those_that_the_bill_names():
    folder = ROOT / "portal" / "static" / "portal"
    script = hashlib.sha256((folder / "idiomorph.min.js").read_bytes()).hexdigest()

    assert (bill.IN_OUR_TREE[0].version, script[:16]) == ("0.8.0", "4cbd535caf7663a5")
    assert {path.stem.partition(".")[0] for path in folder.glob("*.LICENSE.txt")} == {part.name for part in bill.IN_OUR_TREE}


def test_a_licence_is_told_by_expression_classifier_or_words():
    class Said(dict):
        def get_all(self, name):
            return self.get(name)

    assert bill.licence_of(Said({"License-Expression": "MIT"})) == "MIT"
    assert bill.licence_of(Said({"Classifier": ["License :: OSI Approved :: BSD License", "Topic :: x"]})) == "BSD License"
    assert bill.licence_of(Said({"License": "Apache\nwith a long text"})) == "Apache"
    assert bill.licence_of(Said()) == ""
