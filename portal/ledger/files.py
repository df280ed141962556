"""Files that are whole or not there, also when the machine stops in between."""

import os
from pathlib import Path


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace the file in one step: written beside, synced, renamed. ``mode`` holds from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    _write(beside, text, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    beside.rename(path)
    _sync_folder(path.parent)


def create(path: Path, text: str, *, mode: int) -> None:
    """Write a file that must not be there yet. Raises ``FileExistsError``."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(path, text, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    _sync_folder(path.parent)


def append_line(path: Path, text: str) -> None:
    """Add to the end, and come back when it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, text, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def tail(path: Path, count: int) -> str:
    """The last ``count`` bytes as text; empty when there is no file."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - count))
        return file.read().decode(errors="replace")


def _write(path: Path, text: str, flags: int, mode: int) -> None:
    with os.fdopen(os.open(path, flags, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
