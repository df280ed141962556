"""From a file's bytes to rows, and from a row to what it says about a person. Pure. RFC 4180, with semicolons as well."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from portal.access.models import PersonKind
from portal.access.roster.describing import KINDS, Description
from portal.access.roster.provisioning import address
from portal.policy.refusal import Refused
from portal.spreadsheet import is_formula

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 20_000
NEEDED = ("name", "email")
COLUMNS = (*NEEDED, "kind", "team", "employer", "joined_on", "leaves_on")
ALSO = {"e_mail": "email", "mail": "email", "first_day": "joined_on", "last_day": "leaves_on"}
LONGEST = {"name": 120, "team": 120, "employer": 120}


class Unreadable(Exception):
    """The file as a whole cannot be read; the message says where and why, for whoever made it."""


@dataclass(frozen=True)
class Line:
    """One row: the line in which it begins, its cells by column, and how many there are too few or too many."""

    number: int
    cells: dict[str, str]
    count: int


@dataclass(frozen=True)
class Wanted:
    """What a row says: an address and what changes about the person, or what is wrong with it."""

    email: str
    said: dict[str, str]
    problems: tuple[str, ...]


def lines_of(raw: bytes) -> tuple[tuple[str, ...], list[Line]]:
    """The columns and all rows. Raises ``Unreadable``."""
    text = _text(raw)
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    records = list(_records(text, delimiter))
    if not records:
        raise Unreadable("The file is empty.")
    columns = _columns(records[0][1])
    if len(records) - 1 > MOST_ROWS:
        raise Unreadable(f"The file has {len(records) - 1} rows; one import takes {MOST_ROWS}. Cut it into several files.")
    return columns, [
        Line(number, dict(zip(columns, (cell.strip() for cell in cells), strict=False)), len(cells))
        for number, cells in records[1:]
    ]


def _text(raw: bytes) -> str:
    if len(raw) > MOST_BYTES:
        raise Unreadable(f"The file is larger than {MOST_BYTES // 1024 // 1024} MiB.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw[: wrong.start].count(b"\n") + 1
        raise Unreadable(f"Line {line} is not UTF-8. Save the file as “CSV UTF-8” and upload it again.") from wrong
    if "\0" in text:
        raise Unreadable("The file holds zero bytes: it is no text. Save it as “CSV UTF-8”.")
    return text


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as broken:
            raise Unreadable(
                f"The row that begins in line {begins} has broken quoting ({broken}). Nothing of the file was taken: "
                "where a quotation mark is missing, it cannot be told where rows begin."
            ) from broken
        if any(cell.strip() for cell in cells):
            yield begins, cells


def _columns(header: list[str]) -> tuple[str, ...]:
    plain = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in header]
    columns = tuple(ALSO.get(name, name) for name in plain)
    unknown = [name for name, column in zip(header, columns, strict=True) if column not in COLUMNS]
    if unknown:
        raise Unreadable(f"The column “{unknown[0][:60]}” is not known. Known are {', '.join(COLUMNS)}.")
    twice = [column for column in columns if columns.count(column) > 1]
    if twice:
        raise Unreadable(f"The column {twice[0]} stands there twice.")
    missing = [column for column in NEEDED if column not in columns]
    if missing:
        raise Unreadable(f"The column {missing[0]} is missing. The first line names the columns: {', '.join(COLUMNS)}.")
    return columns


def wanted_by(line: Line, *, columns: int, seen: Mapping[str, int]) -> Wanted:
    """What one row says. ``seen`` has the addresses of the rows before, each with its line."""
    cells = line.cells
    problems = [f"{line.count} cells, but {columns} columns"] if line.count != columns else []
    problems += [f"{name}: begins as a formula does (“{cell[:1]}”)" for name, cell in cells.items() if cell and is_formula(cell)]
    problems += [f"{name}: longer than {most} characters" for name, most in LONGEST.items() if len(cells.get(name, "")) > most]
    problems += [f"{name} is missing" for name in NEEDED if not cells.get(name)]
    email = _email(cells.get("email", ""), seen, problems)
    said = {name: cell for name, cell in cells.items() if name != "email"}
    try:
        description_from(said, Description(name="", kind=PersonKind.EMPLOYEE))
    except ValueError as wrong:
        problems.append(str(wrong))
    return Wanted(email, said, tuple(problems))


def _email(cell: str, seen: Mapping[str, int], problems: list[str]) -> str:
    if not cell:
        return ""
    try:
        email = address(cell)
    except Refused as refusal:
        problems.append(refusal.why)
        return ""
    if email in seen:
        problems.append(f"{email} stands in line {seen[email]} already; capital letters make no difference")
    return email


def description_from(said: Mapping[str, str], base: Description) -> Description:
    """``base`` with what the row says; columns that the file lacks stay as they are. Raises ``ValueError`` in words."""
    kind = said.get("kind", "")
    if kind and kind.lower() not in KINDS:
        raise ValueError(f"kind: “{kind[:40]}” is none of {', '.join(PersonKind.values)}")
    new = Description(
        name=said.get("name", base.name),
        kind=KINDS[kind.lower()] if kind else base.kind,
        team=said.get("team", base.team),
        employer=said.get("employer", base.employer),
        joined_on=_day(said["joined_on"], "joined_on") if "joined_on" in said else base.joined_on,
        leaves_on=_day(said["leaves_on"], "leaves_on") if "leaves_on" in said else base.leaves_on,
    )
    if new.joined_on and new.leaves_on and new.leaves_on < new.joined_on:
        raise ValueError("leaves_on lies before joined_on")
    return new


def _day(cell: str, name: str) -> date | None:
    if not cell:
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"{name}: “{cell[:40]}” is no day; write it as 2026-03-31") from None
