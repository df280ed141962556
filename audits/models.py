"""Index: Django looks for models here. Each feature's models are imported by name."""

from audits.controls.models import ControlFinding, ControlRows, ControlRun
from audits.engagements.models import Admission, AdmissionProposal, Engagement, ReadLog
from audits.findings.models import Finding, FindingStep
from audits.jobs.models import Job, JobCancel
from audits.packs.models import Pack, PackCancel, PackPiece
from audits.populations.models import Population, PopulationRow, SecondReading
from audits.requests.models import Request, RequestMessage
from audits.samples.models import Mark, Sample, SampleItem

__all__ = [
    "Admission",
    "AdmissionProposal",
    "ControlFinding",
    "ControlRows",
    "ControlRun",
    "Engagement",
    "Finding",
    "FindingStep",
    "Job",
    "JobCancel",
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
    "SecondReading",
]
