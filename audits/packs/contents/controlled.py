"""The controls in a pack: for each its rows over the engagement's window up to when the pack was asked for, and what they come to.

They are run once for a pack, before anything is written, and what they found is kept: every attempt writes the same, whatever
happened in the portal meanwhile. Everything that a result says follows from its rows.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from audits.controls.catalogue import Control
from audits.controls.keeping import lines_of
from audits.controls.models import ControlFinding, ControlRun
from audits.controls.result import Result, Row, RowState
from audits.controls.rows import is_withheld
from audits.controls.running import controls_in
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
    return [control for control in controls_in(scope_of(work.engagement)) if not is_withheld(control, from_auditor=True)]


def put_control(work: Work, control: Control) -> Controlled:
    """Its rows and its result, from the run that was kept for the pack. ``ValueError`` for rows that are not those of the run."""
    run = work.run
    if run is None:
        raise ValueError("the controls were not run for this pack")
    result = result_in(run, control)
    folder = f"controls/{plain(control.id)}"
    digest = hashlib.sha256()
    with work.archive.entry(f"{folder}/rows.jsonl") as file:
        for line in lines_of(run, control.id):
            written = f"{line}\n".encode()
            digest.update(written)
            file.write(written)
    if digest.hexdigest() != result.digest:
        raise ValueError(f"the rows of {control.id} that were kept are not those of the run")
    found = Controlled(control, result, _notable(run, control), folder)
    said = {
        "id": control.id,
        "title": control.title,
        "clause": control.clause.value,
        "since": moment(run.since),
        "until": moment(run.until),
        "read_at": moment(run.at),
        "run": run.pk,
        "rules_version": run.rules_version,
        "result": found.said,
    }
    work.archive.put_json(f"{folder}/result.json", said)
    return found


def result_in(run: ControlRun, control: Control) -> Result:
    """What a control came to in a run."""
    kept = run.results[control.id]
    return Result(**{name: kept[name] for name in ("population", "deviations", "unknown", "unread", "digest")})


def _notable(run: ControlRun, control: Control) -> tuple[Row, ...]:
    lines = ControlFinding.objects.filter(run=run, control=control.id).order_by("position").values_list("line", flat=True)
    return tuple(_row(json.loads(line)) for line in islice(lines.iterator(), MOST_SHOWN))


def _row(said: dict[str, Any]) -> Row:
    rest = {name: said[name] for name in ("key", "sentence", "facts", "ref", "repository")}
    return Row(state=RowState(said["state"]), **rest)
