"""The kinds of notices: what each is called, how it is told by default, and whether it may disturb at night. Pure."""

from dataclasses import dataclass
from typing import Literal

Mail = Literal["now", "digest", "off"]


@dataclass(frozen=True)
class Kind:
    """One kind. ``mail`` and ``slack`` are the ways of somebody who has chosen nothing."""

    code: str
    label: str
    sentence: str
    mail: Mail
    slack: bool
    disturbs: bool = False


_ALL = (
    Kind("mention", "Mentions", "Somebody wrote to you in a comment.", "now", True),
    Kind("comment", "Comments", "A comment on a change that you follow.", "digest", False),
    Kind(
        "decision", "Decisions", "An approval, a request for changes, or the end of an approval, on a change of yours.", "now", True
    ),
    Kind("progress", "Progress", "A change that you follow was merged, released or rolled back.", "digest", False),
    Kind("emergency", "Emergencies", "Somebody declared an emergency and you may give the +1.", "now", True, disturbs=True),
    Kind("exception", "Exceptions", "An exception that you answer for.", "now", True),
    Kind("meeting", "Meetings", "What you have not read before a meeting, and invitations to it.", "now", True),
    Kind("training", "Training", "A course on the policy that you are to take, or that somebody is late with.", "now", True),
    Kind("access", "Access reviews", "Rights that you are to review, and reviews that are late.", "now", True),
    Kind("audit", "Audits", "A request or a finding of an audit that names you, or an answer to yours.", "now", True),
    Kind("task", "Tasks", "A follow-up, a condition or a delegation that names you.", "now", True),
)
KINDS: dict[str, Kind] = {kind.code: kind for kind in _ALL}
