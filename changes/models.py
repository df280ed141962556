"""Index: Django looks for models here. Each feature's models are imported by name."""

from changes.connectors.models import Delivery, HookSecret, Posting, Reading, Settling, Source, StoredAnswer
from changes.delivery.models import (
    BranchCommit,
    BranchRules,
    Check,
    DeploymentStatus,
    PullRequest,
    Push,
    Release,
    Repository,
    Review,
    RuleEvent,
)
from changes.exceptions.models import Acceptance, ExceptionRecord, ExceptionStep, NoiseRule
from changes.gates.models import Verdict
from changes.proposals.models import (
    Approval,
    ApprovalLapse,
    Change,
    ClassChoice,
    Draft,
    LinkedPullRequest,
    ReviewAfter,
    Revision,
    SignOff,
)

__all__ = [
    "Acceptance",
    "Approval",
    "ApprovalLapse",
    "BranchCommit",
    "BranchRules",
    "Change",
    "Check",
    "ClassChoice",
    "Delivery",
    "DeploymentStatus",
    "Draft",
    "ExceptionRecord",
    "ExceptionStep",
    "HookSecret",
    "LinkedPullRequest",
    "NoiseRule",
    "Posting",
    "PullRequest",
    "Push",
    "Reading",
    "Release",
    "Repository",
    "Review",
    "ReviewAfter",
    "Revision",
    "RuleEvent",
    "Settling",
    "SignOff",
    "Source",
    "StoredAnswer",
    "Verdict",
]
