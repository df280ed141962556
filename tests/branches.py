"""Every branch of what decides, acts or proves is run by some test.

Slipcover rewrites these files as they are loaded, which costs little where tracing costs half as much again. Its plugin collects
over all workers; here is which files count, and the verdict at the end of the run.
"""

import json
import os
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("portal", "changes", "audits")
NOT_CODE = (r"#\s*pragma: no cover", "if TYPE_CHECKING:", r"^\s*\.\.\.$")


def enforced():
    """The files that count, relative to the project: patterns in pyproject.toml."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["branches"]["enforced"]
    return {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern) if path.suffix == ".py"}


def measuring():
    """What makes slipcover's plugin measure them, for the environment of pytest."""
    every = {path.relative_to(ROOT).as_posix() for app in APPS for path in ROOT.glob(f"{app}/**/*.py")}
    return {
        "SLIPCOVER_ENABLED": "1",
        "SLIPCOVER_BRANCH": "1",
        "SLIPCOVER_SOURCE": ",".join(APPS),
        "SLIPCOVER_OMIT": ",".join(sorted(every - enforced())),
        "SLIPCOVER_EXCLUDE_LINES": "\n".join(NOT_CODE),
    }


def missed(measured, files):
    """What no test ran, as (file, lines, branches), and how many lines and branches there are.

    A file without figures is missed as a whole.
    """
    found, lines, branches = [], 0, 0
    for name in sorted(files):
        figures = measured.get(name)
        if figures is None:
            found.append((name, ["all"], []))
            continue
        lines += len(figures["executed_lines"]) + len(figures["missing_lines"])
        branches += len(figures["executed_branches"]) + len(figures["missing_branches"])
        if figures["missing_lines"] or figures["missing_branches"]:
            found.append((name, figures["missing_lines"], figures["missing_branches"]))
    return found, lines, branches


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """In the process that collected: the run fails when a branch was missed."""
    folder = os.environ.get("SLIPCOVER_COVERAGE_DIR")
    if not os.environ.get("SLIPCOVER_ENABLED") or hasattr(session.config, "workerinput"):
        return
    file = Path(folder or "/nonexistent", "merged.json")
    measured = json.loads(file.read_text())["files"] if file.exists() else {}
    session.config.branches = missed(measured, enforced())
    if session.config.branches[0] and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter, config):
    """Say which, above the closing line."""
    found, lines, branches = getattr(config, "branches", ([], 0, 0))
    if not lines and not found:
        return
    terminalreporter.section("branches")
    for name, no_lines, no_branches in found:
        ways = ", ".join(f"{begin}->{end or 'exit'}" for begin, end in no_branches)
        terminalreporter.write_line(
            f"{name}: lines {', '.join(map(str, no_lines)) or 'all run'}; branches never taken: {ways or 'none'}"
        )
    verdict = f"FAIL: {len(found)} files have branches that no test runs" if found else "every one is run"
    terminalreporter.write_line(f"{lines} lines and {branches} branches in {len(enforced())} files: {verdict}")
