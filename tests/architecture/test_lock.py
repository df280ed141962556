"""What may be installed is written down by digest, for every list and every machine, and is what these tests ran with."""

import re
from importlib import metadata

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from portal.runtime import bill
from tests import lock
from tests.architecture.test_house import ROOT

ENTRY = re.compile(r"^([a-z0-9-]+)==([\w.]+)(?: ; ([^\n]+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE)


def entries(name):
    """Package → (version, marker, number of digests). Nothing else stands in the file but what pip checks."""
    text = "".join(line for line in (ROOT / name).read_text().splitlines(keepends=True) if not line.startswith("#"))
    assert ENTRY.sub("", text) == ""
    return {match[1]: (match[2], match[3], match[4].count("--hash")) for match in ENTRY.finditer(text)}


def wishes(source):
    lines = (line.partition(" #")[0].strip() for line in (ROOT / source).read_text().splitlines() if not line.startswith("#"))
    return [Requirement(line) for line in lines if line]


@pytest.mark.parametrize("name", lock.LOCKS)
def test_the_lock_has_what_its_lists_pin_in_the_same_version(name):
    locked = entries(name)

    for source in lock.LOCKS[name]:
        for wish in wishes(source):
            version, marker, _ = locked[canonicalize_name(wish.name)]
            assert f"=={version}" == str(wish.specifier), f"{wish.name}: run ./bin/lock"
            assert marker is None
    assert entries("requirements.lock").items() <= entries("requirements-optional.lock").items()


def test_the_lock_is_what_is_installed_here_and_nothing_is_missing_in_it():
    """These tests run with these versions; with a package missing pip would refuse the whole list."""
    needed = {part.name: part.version for part in bill.parts(requirements=(ROOT / "requirements.txt").read_text().splitlines())}
    locked = {name: one[0] for name, one in entries("requirements.lock").items() if not one[1] or Marker(one[1]).evaluate()}

    assert locked == needed
    assert metadata.version("django") == locked["django"]


def test_installing_asks_for_digests_and_builds_nothing():
    for path in ("bin/venv.sh", "Dockerfile"):
        assert "--require-hashes --only-binary :all: -r" in (ROOT / path).read_text(), path
    for name in lock.LOCKS:
        assert "://" not in (ROOT / name).read_text()


def wheel(name, digest):
    return {"name": name, "hashes": {"sha256": digest}}


def test_only_wheels_of_supported_machines_are_kept_and_each_machine_has_one():
    native = [
        wheel(f"x-1.0-cp311-abi3-{platform}.whl", digest)
        for platform, digest in (("manylinux_2_28_x86_64", "a"), ("manylinux2014_aarch64", "b"), ("macosx_11_0_arm64", "c"))
    ]
    others = [wheel("x-1.0-cp311-cp311-win_amd64.whl", "d"), wheel("x-1.0-cp39-cp39-manylinux_2_28_x86_64.whl", "e")]
    package = {"name": "x", "version": "1.0", "wheels": [*native, *others], "sdist": {"hashes": {"sha256": "f"}}}

    assert re.findall(r"sha256:(\w)", lock.pinned(package)) == ["a", "b", "c"]
    assert lock.pinned({**package, "marker": "sys_platform == 'win32'"}) == ""
    with pytest.raises(lock.NoWheel, match=r"x==1.0 has no wheel for macOS arm64 and Python 3\.11"):
        lock.pinned({**package, "wheels": native[:2]})
    assert "python_full_version < '3.11.3'" in lock.pinned({**package, "marker": "python_full_version < '3.11.3'"})
    assert list(lock.kept("# x\na==1 ; b \\\n    --hash=sha256:0\n")) == ["a==1"]
