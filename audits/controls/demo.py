"""The controls at the demo company: run once more when its week is over, since the first run found nobody there."""

from datetime import datetime

from audits.controls.daily import run_daily, run_for_engagements
from changes.desk.demo_chapters import chapter


@chapter
def controls(at: datetime) -> None:
    """A run over what is there now, with the weeks that are over, and one for each open engagement."""
    run_daily(at=at)
    run_for_engagements(at=at)
