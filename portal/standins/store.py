"""The stand-in's memory: JSON records in one SQLite file, by kind, repository and subject."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, place TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS record_by_subject ON record (kind, place, subject, id);
"""
FIRST_ID = 41_000


class Store:
    """Records are dictionaries; ``id`` is given on ``add`` and is unique over all kinds. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.writes = 0
        """How often something was written: what was read before is still true while it stays the same."""
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)
        if not self._database.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'record'").fetchone():
            self._database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('record', ?)", (FIRST_ID,))

    def add(self, kind: str, *, place: str = "", subject: str = "", body: Row) -> Row:
        """Keeps a new record and returns it with its ``id``."""
        with self._lock:
            self.writes += 1
            made = self._database.execute(
                "INSERT INTO record (kind, place, subject, body) VALUES (?, ?, ?, ?)", (kind, place, subject, json.dumps(body))
            )
            return {**body, "id": made.lastrowid}

    def save(self, row: Row) -> None:
        """Writes a changed record back."""
        with self._lock:
            self.writes += 1
            body = json.dumps({name: value for name, value in row.items() if name != "id"})
            self._database.execute("UPDATE record SET body = ? WHERE id = ?", (body, row["id"]))

    def move(self, row: Row, *, subject: str, places: dict[str, str]) -> None:
        """Gives a record another subject, and everything at a place another place."""
        with self._lock:
            self.writes += 1
            self._database.execute("UPDATE record SET subject = ? WHERE id = ?", (subject, row["id"]))
            for was, now in places.items():
                self._database.execute("UPDATE record SET place = ? WHERE place = ?", (now, was))

    def delete(self, row: Row) -> None:
        """Forgets a record."""
        with self._lock:
            self.writes += 1
            self._database.execute("DELETE FROM record WHERE id = ?", (row["id"],))

    def all(self, kind: str, *, place: str = "", subject: str | None = None) -> list[Row]:
        """The records of a kind at a place, oldest first."""
        query = "SELECT id, body FROM record WHERE kind = ? AND place = ?"
        values: tuple[str, ...] = (kind, place)
        if subject is not None:
            query, values = query + " AND subject = ?", (*values, subject)
        with self._lock:
            found = self._database.execute(query + " ORDER BY id", values).fetchall()
        return [{**json.loads(body), "id": number} for number, body in found]

    def one(self, kind: str, *, place: str = "", subject: str) -> Row | None:
        """The newest record with this subject; None when there is none."""
        with self._lock:
            found = self._database.execute(
                "SELECT id, body FROM record WHERE kind = ? AND place = ? AND subject = ? ORDER BY id DESC LIMIT 1",
                (kind, place, subject),
            ).fetchone()
        return {**json.loads(found[1]), "id": found[0]} if found else None

    def by_id(self, kind: str, number: int, *, place: str = "") -> Row | None:
        """The record with this id, if it is of this kind and place."""
        with self._lock:
            found = self._database.execute(
                "SELECT id, body FROM record WHERE id = ? AND kind = ? AND place = ?", (number, kind, place)
            ).fetchone()
        return {**json.loads(found[1]), "id": found[0]} if found else None

    def keep_newest(self, kind: str, *, count: int) -> None:
        """Forgets the oldest records of a kind."""
        with self._lock:
            self.writes += 1
            self._database.execute(
                "DELETE FROM record WHERE kind = ? AND id <= "
                "(SELECT id FROM record WHERE kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (kind, kind, count),
            )

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._database.close()
