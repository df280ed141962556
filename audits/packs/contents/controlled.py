"""The controls in a pack: for each its rows over the engagement's window up to when the pack was asked for, and what they come to.

Rows are read while the pack is built; their digest is in the result, and everything a result says follows from its rows.
"""

from dataclasses import asdict, dataclass
from typing import Any

from audits.controls.catalogue import CONTROLS, Control
from audits.controls.result import RULES_VERSION, Result, Row, Tally, Window
from audits.controls.rows import in_scope, is_withheld, rows_of
from audits.engagements.queries import scope_of
from audits.packs.contents.work import Work, plain
from audits.populations.facts import moment

MOST_SHOWN = 10_000
"""Rows with something the matter that the workbook lists; the JSON has all."""


@dataclass(frozen=True)
class Controlled:
    """One control with its result, and the rows with something the matter."""

    control: Control
    result: Result
    notable: tuple[Row, ...]
    folder: str

    @property
    def said(self) -> dict[str, Any]:
        """The result as the verifier recomputes it."""
        return {**asdict(self.result), "outcome": self.result.outcome}


def controls_of(work: Work) -> list[Control]:
    """Every control of the audit's scope that has a check, in the order of the catalogue; not those whose rows no auditor sees."""
    scope = scope_of(work.engagement)
    shown = (control for control in CONTROLS.values() if control.check and in_scope(control, scope))
    return [control for control in shown if not is_withheld(control, from_auditor=True)]


def put_control(work: Work, control: Control) -> Controlled:
    """Its rows and its result."""
    window = Window(work.engagement.window_from, min(work.engagement.window_to, work.pack.asked_at))
    scope = scope_of(work.engagement)
    folder = f"controls/{plain(control.id)}"
    tally = Tally()
    notable: list[Row] = []
    with work.archive.entry(f"{folder}/rows.jsonl") as file:
        for row in rows_of(control=control, window=window, scope=scope):
            file.write(f"{tally.add(row).line}\n".encode())
            if not row.passed and len(notable) < MOST_SHOWN:
                notable.append(row)
    found = Controlled(control, tally.result, tuple(notable), folder)
    said = {
        "id": control.id,
        "title": control.title,
        "clause": control.clause.value,
        "since": moment(window.since),
        "until": moment(window.until),
        "rules_version": RULES_VERSION,
        "result": found.said,
    }
    work.archive.put_json(f"{folder}/result.json", said)
    return found
