"""Index: Celery looks for tasks here. Each feature's tasks are imported by name."""

from changes.completeness.tasks import watch_jobs
from changes.connectors.tasks import (
    compare_drift,
    drain_inbox,
    fetch,
    forget_answers,
    let_bodies_go,
    mirror_repositories,
    poll_sources,
    read_access,
    read_again,
    say_checkpoint,
    settle,
    sweep_inbox,
)
from changes.emergencies.tasks import keep_clocks
from changes.entitlements.tasks import keep_access
from changes.exceptions.tasks import find_missed_meetings, open_again
from changes.gates.tasks import judge_freezes, judge_overdue, seal_gate_answers
from changes.meetings.tasks import close_votes, keep_meetings
from changes.talk.tasks import invite, send_digests, tell
from changes.training.tasks import remind

__all__ = [
    "close_votes",
    "compare_drift",
    "drain_inbox",
    "fetch",
    "find_missed_meetings",
    "forget_answers",
    "invite",
    "judge_freezes",
    "judge_overdue",
    "keep_access",
    "keep_clocks",
    "keep_meetings",
    "let_bodies_go",
    "mirror_repositories",
    "open_again",
    "poll_sources",
    "read_access",
    "read_again",
    "remind",
    "say_checkpoint",
    "seal_gate_answers",
    "send_digests",
    "settle",
    "sweep_inbox",
    "tell",
    "watch_jobs",
]
