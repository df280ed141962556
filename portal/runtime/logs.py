"""One log file per program, appended to by the program itself, shortened by the supervisor."""

import os
import shutil
from pathlib import Path
from typing import IO

BIGGEST = 10 * 1024 * 1024
KEPT = 3


def open_log(*, folder: Path, name: str) -> IO[bytes]:
    """The file that a program writes to. Append mode makes it safe to shorten under its hands."""
    path = folder / f"{name}.log"
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def rotate(*, folder: Path) -> None:
    """Move every log over 10 MB to `.1` (`.1` to `.2`, `.2` to `.3`) and start it afresh.

    Copied and cut, because the writer keeps its file open; lines of that instant may be lost. Evidence is never in a log.
    """
    for path in folder.glob("*.log"):
        if path.stat().st_size > BIGGEST:
            for number in range(KEPT, 1, -1):
                older = path.with_suffix(f".log.{number - 1}")
                if older.exists():
                    older.replace(path.with_suffix(f".log.{number}"))
            shutil.copyfile(path, path.with_suffix(".log.1"))
            path.with_suffix(".log.1").chmod(0o600)
            os.truncate(path, 0)


def tail(*, folder: Path, name: str, lines: int = 15) -> str:
    """The last lines of a log, for a message to a person."""
    try:
        with (folder / f"{name}.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    | {line}" for line in text.splitlines()[-lines:])
