"""The verifier as one file: its parts, one behind the other, without the lines by which they import each other. Pure."""

import re
from functools import cache
from pathlib import Path

from audits.packs import tools

PARTS = ("reading", "ledgered", "stamped", "evidence", "main")
IMPORT = re.compile(r"^from audits\.packs\.tools\.\w+ import (?:\([^)]*\)|[^\n]*)\n", re.MULTILINE)


@cache
def verifier() -> str:
    """The text of ``verify.py``, as it lies in every pack: needs Python and ``cryptography`` only."""
    folder = Path(tools.__file__).parent
    parts = [IMPORT.sub("", (folder / f"{name}.py").read_text()) for name in PARTS]
    return "#!/usr/bin/env python3\n" + "\n\n".join(parts)
