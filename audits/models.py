"""Index: Django looks for models here. Each feature's models are imported by name."""

<<<<<<< HEAD
from audits.controls.models import ControlRun
from audits.engagements.models import Admission, Engagement, ReadLog
from audits.packs.models import Pack, PackCancel, PackPiece
=======
from audits.controls.models import ControlFinding, ControlRun
from audits.engagements.models import Engagement, ReadLog
>>>>>>> controls
from audits.populations.models import Population, PopulationRow
from audits.samples.models import Mark, Sample, SampleItem

__all__ = [
<<<<<<< HEAD
    "Admission",
    "ControlRun",
    "Engagement",
    "Mark",
    "Pack",
    "PackCancel",
    "PackPiece",
=======
    "ControlFinding",
    "ControlRun",
    "Engagement",
    "Mark",
>>>>>>> controls
    "Population",
    "PopulationRow",
    "ReadLog",
    "Sample",
    "SampleItem",
]
