"""Index: Django looks for models here. Each feature's models are imported by name."""

from audits.controls.models import ControlRun
from audits.engagements.models import Admission, Engagement, ReadLog
from audits.populations.models import Population, PopulationRow
from audits.samples.models import Mark, Sample, SampleItem

__all__ = ["Admission", "ControlRun", "Engagement", "Mark", "Population", "PopulationRow", "ReadLog", "Sample", "SampleItem"]
