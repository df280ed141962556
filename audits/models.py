"""Index: Django looks for models here. Each feature's models are imported by name."""

from audits.controls.models import ControlFinding, ControlRun
from audits.engagements.models import Admission, Engagement, ReadLog
from audits.findings.models import Finding, FindingStep
from audits.packs.models import Pack, PackCancel, PackPiece
from audits.populations.models import Population, PopulationRow
from audits.requests.models import Request, RequestMessage
from audits.samples.models import Mark, Sample, SampleItem

__all__ = [
    "Admission",
    "ControlFinding",
    "ControlRun",
    "Engagement",
    "Finding",
    "FindingStep",
    "Mark",
    "Pack",
    "PackCancel",
    "PackPiece",
    "Population",
    "PopulationRow",
    "ReadLog",
    "Request",
    "RequestMessage",
    "Sample",
    "SampleItem",
]
