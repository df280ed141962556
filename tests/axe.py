"""axe-core, the accessibility checker: fetched once with npm into .data, checked by its digest, never committed."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest
from django.conf import settings

VERSION = "4.14.1"
DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
KEPT = Path(settings.BASE_DIR) / ".data" / f"axe-core-{VERSION}.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules whose answer depends on the theme; all others look at the elements, which are the same in both."""
RUN = """
only => axe.run(document, {runOnly: only, resultTypes: ['violations']}).then(result => result.violations.map(rule =>
  `${rule.id} (${rule.impact}): ` + rule.nodes.slice(0, 4).map(node =>
    `${node.target.join(' ')} ${(node.any[0] || node.all[0] || node.none[0] || {}).message || ''}`).join('; ')))
"""


def violations(page, *, colours_only=False):
    """What axe finds on the page as it stands, in words; an empty list when all is well."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(source())
    only = {"type": "rule", "values": COLOURS} if colours_only else {"type": "tag", "values": TAGS}
    return page.evaluate(RUN, only)


@lru_cache(maxsize=1)
def source():
    if not KEPT.exists():
        _fetch()
    text = KEPT.read_bytes()
    assert hashlib.sha256(text).hexdigest() == DIGEST, f"{KEPT} is not axe-core {VERSION}; delete it"
    return text.decode()


def _fetch():
    if not shutil.which("npm"):
        pytest.skip("NO NPM: axe-core cannot be fetched, ACCESSIBILITY IS NOT TESTED. apt-get install npm")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"axe-core@{VERSION}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            pytest.skip(f"NO AXE-CORE: npm could not fetch it, ACCESSIBILITY IS NOT TESTED. {done.stderr[-300:]}")
        with tarfile.open(Path(folder) / f"axe-core-{VERSION}.tgz") as archive:
            member = archive.extractfile("package/axe.min.js")
            assert member is not None
            KEPT.parent.mkdir(exist_ok=True)
            half = KEPT.with_name(f"{KEPT.name}.{Path(folder).name}")
            half.write_bytes(member.read())
    half.replace(KEPT)
