"""Which lines and branches the processes of a run have seen, by slipcover.

Its own plugin asks of every module that is loaded, Django's too, whether its path is one of a thousand patterns, and rewrites
all tests on the way. Here it rewrites the files that count and nothing else. ``tests/branches.py`` judges what was seen.
"""

import json
import os
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

from slipcover import ImportManager, Slipcover

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "COUNTERSIGN_TESTS_BRANCHES"
"""In the environment of a run that measures: where each process leaves what it has seen."""
NOT_CODE = [r"#\s*pragma: no cover", "if TYPE_CHECKING:", r"^\s*\.\.\.$"]
PARTS = ("executed_lines", "missing_lines", "executed_branches", "missing_branches")
_RUNNING = []


@cache
def enforced():
    """The files that count, relative to the project: patterns in pyproject.toml."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["branches"]["enforced"]
    return frozenset(
        path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern) if path.suffix == ".py"
    )


class Enforced:
    """What slipcover asks before it rewrites a file."""

    def __init__(self):
        self.files = {str(ROOT / name) for name in enforced()}

    def matches(self, filename):
        return str(filename) in self.files


def begin():
    """In each process that runs tests, before anything of the portal is loaded."""
    if os.environ.get(FOLDER) and "PYTEST_XDIST_WORKER" in os.environ and not _RUNNING:
        _RUNNING.append(Slipcover(branch=True, exclude_lines=NOT_CODE))
        ImportManager(_RUNNING[0], Enforced()).__enter__()


def leave():
    """What this process has seen, for ``found`` in the one that started it."""
    if _RUNNING:
        file = Path(os.environ[FOLDER], f"{os.environ['PYTEST_XDIST_WORKER']}.json")
        file.write_text(json.dumps(_RUNNING[0].get_coverage()["files"]))


def found(folder):
    """File -> its figures over all processes: what one has run is run."""
    together = defaultdict(lambda: {part: set() for part in PARTS})
    for file in sorted(Path(folder).glob("*.json")):
        for name, figures in json.loads(file.read_text()).items():
            for part in PARTS:
                together[name][part] |= {tuple(each) if isinstance(each, list) else each for each in figures[part]}
    for figures in together.values():
        figures["missing_lines"] -= figures["executed_lines"]
        figures["missing_branches"] -= figures["executed_branches"]
    return {name: {part: sorted(figures[part]) for part in PARTS} for name, figures in together.items()}
