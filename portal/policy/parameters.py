"""What the policy leaves open, as data: the parameters of one policy version. Pure.

Durations are ``timedelta``; "working days" are Monday to Friday in UTC.
"""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Parameters:
    """The interpretation in force. Changed only by a decision in a meeting (P-25)."""

    version: str = "1"
    large_changed_lines: int = 800
    large_paths: tuple[str, ...] = ("migrations/", "access/", "zero-trust/", "dns/")
    emergency_label: str = "emergency"
    emergency_title_prefix: str = "EMERGENCY"
    retrospective_within_working_days: int = 2
    review_within_working_days: int = 5
    log_within: timedelta = timedelta(minutes=15)
    staging_soak: timedelta = timedelta(0)
    sign_off_needed: bool = True
    approvals_needed: int = 1
    ai_co_authors: tuple[str, ...] = field(default=())


DEFAULT = Parameters()
