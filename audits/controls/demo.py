"""The controls at the demo company: run once more when its week is over, since the first run found nobody there."""

from datetime import datetime

from audits.controls.result import Window
from audits.controls.running import USUAL, run_controls
from changes.desk.demo_chapters import chapter


@chapter
def controls(at: datetime) -> None:
    """A run over what is there now."""
    run_controls(window=Window(at - USUAL, at), by=None, at=at)
