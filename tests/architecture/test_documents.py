"""The papers: every link leads somewhere, every picture is shown, every command and every setting that they name exists."""

import re

import pytest
from django.core.management import get_commands

from tests.architecture.test_house import ROOT, sources

PAPERS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "SECURITY.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"https?:|mailto:")
SETTING = re.compile(r"`(COUNTERSIGN_[A-Z0-9_]*[A-Z0-9])\b")
COMMAND = re.compile(r"manage\.py (?!against this portal)([a-z_]+)")
OF_SCRIPTS = {
    "COUNTERSIGN_COMMIT",
    "COUNTERSIGN_REPOSITORY",
    "COUNTERSIGN_TOKEN",
    "COUNTERSIGN_URL",
    "COUNTERSIGN_OWNER_PASSWORD",
    "COUNTERSIGN_APP_PASSWORD",
}
"""Read by scripts that stand in the papers themselves, and by compose.yaml."""


def named(paper):
    return str(paper.relative_to(ROOT))


def anchors(text):
    """What can be linked to: headings as they are shown on the web, and ids."""
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads} | set(
        re.findall(r'id="([^"]+)"', text)
    )


def broken(paper):
    """Each link of a paper that leads nowhere."""
    for link in LINK.findall(paper.read_text()):
        if ELSEWHERE.match(link):
            continue
        name, _, anchor = link.partition("#")
        target = paper.parent / name if name else paper
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            yield link


@pytest.mark.parametrize("paper", PAPERS, ids=named)
def test_every_link_leads_somewhere(paper):
    assert list(broken(paper)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    paper = tmp_path / "paper.md"
    paper.write_text("# One head\n[a](#one-head) [b](#another) [c](none.md) [d](https://example.com/x)")

    assert list(broken(paper)) == ["#another", "none.md"]


def test_every_picture_is_shown():
    shown = {(paper.parent / link).resolve() for paper in PAPERS for link in LINK.findall(paper.read_text())}

    assert [path.name for path in (ROOT / "docs" / "images").iterdir() if path.resolve() not in shown] == []


def test_every_command_exists():
    commands = {name for paper in PAPERS if paper.name != "changelog.md" for name in COMMAND.findall(paper.read_text())}

    assert len(commands) > 10
    assert commands - get_commands().keys() == set()


def test_every_setting_is_read_somewhere():
    papers = [paper for paper in PAPERS if paper.name not in ("changelog.md", "upgrading.md")]
    settings = {name for paper in papers for name in SETTING.findall(paper.read_text())} - OF_SCRIPTS
    code = "\n".join(path.read_text() for path in [*sources(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "bin").iterdir()])
    prefixes = re.findall(r"COUNTERSIGN_[A-Z_]+_(?=\")", code)

    assert len(settings) > 20
    assert [name for name in sorted(settings) if name not in code and not name.startswith(tuple(prefixes))] == []
