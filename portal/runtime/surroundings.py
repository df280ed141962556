"""The environment that all processes of one data folder share.

The supervisor writes it into the folder; `manage.py` reads it from there, so that `manage.py invite` typed by hand meets the
same database.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from portal.runtime.keys import write_private
from portal.runtime.places import ROOT, Places


def write(*, places: Places, env: Mapping[str, str]) -> None:
    """Keep `env` in the data folder, readable by us alone, in a form that a shell can read too."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(env.items())]
    write_private(path=places.environment, text="\n".join(["# Written by ./bin/up at every start.", *lines, ""]))


def read(*, places: Places) -> dict[str, str]:
    """What `write` kept; empty when the folder was never started or is not ours to read."""
    try:
        words = shlex.split(places.environment.read_text(), comments=True)
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def adopt() -> None:
    """Take over what the data folder says (COUNTERSIGN_DATA, else `.data` in the checkout); what is set already wins."""
    data = Path(os.environ.get("COUNTERSIGN_DATA", ROOT / ".data")).resolve()
    for name, value in read(places=Places(data)).items():
        os.environ.setdefault(name, value)
