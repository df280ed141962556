"""The sheet of an item: its attributes A, B, … with state, sentence, source, time, raw record and digest. Pure reading."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from audits.populations.facts import Row
from audits.samples.attributes import Attribute, Now, attributes_of_row
from audits.samples.change_sheets import attributes_of_change
from portal.ledger.canonical import digest_of_text
from portal.policy.in_force import parameters_at

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Sheet = dict[str, Any]


def sheets_of(kind: str, rows: Iterable[Row], *, at: datetime) -> Iterator[Sheet]:
    """One sheet a row of a population, as of now."""
    now = Now(at, parameters_at(at).access_removed_within)
    for row in rows:
        found = attributes_of_change(row, at=at) if kind == "changes" else attributes_of_row(kind, row, now=now)
        yield {"key": row["key"], "kind": kind, "attributes": [_kept(*pair) for pair in zip(LETTERS, found, strict=False)]}


def letters_of(sheet: Mapping[str, Any]) -> list[str]:
    """The letters of a sheet's attributes."""
    return [str(attribute["letter"]) for attribute in sheet["attributes"]]


def _kept(letter: str, attribute: Attribute) -> dict[str, Any]:
    return {
        "letter": letter,
        "name": attribute.name,
        "state": attribute.state,
        "sentence": attribute.sentence,
        "source": attribute.source,
        "at": attribute.at,
        "raw": attribute.raw,
        "digest": digest_of_text(attribute.raw),
        "answers": [{**answer.as_json(), "digest": digest_of_text(answer.text)} for answer in attribute.answers],
    }
