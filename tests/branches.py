"""Every branch of what decides, acts or proves is run by some test: the verdict at the end of a run that measures."""

import os

import pytest

from tests import measuring
from tests.measuring import enforced

__all__ = ["enforced", "missed"]


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
    """A process that ran tests leaves what it saw; the one that collected it judges, and fails the run when a branch was missed."""
    measuring.leave()
    folder = os.environ.get(measuring.FOLDER)
    if folder and not hasattr(session.config, "workerinput"):
        session.config.branches = missed(measuring.found(folder), enforced())
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
