"""The doorbell: says that something changed, never what. Pages then ask for it with their reader's own rights.

A topic is a family, as in ``inbox``, or a family and an id, as in ``change-1042``. Whoever changes a fact rings in the same
transaction; it sounds right after the commit (``portal.bell``), so a rollback rings nothing and ten rings are one.
"""

import re

from portal.access.permissions import P
from portal.bell import after_commit

CHANNEL = "live"
SHAPE = re.compile(r"(?P<family>[a-z][a-z_]{1,30})(?:-(?P<id>[A-Za-z0-9]{1,40}))?")

FAMILIES: dict[str, P] = {
    "inbox": P.OWN_ACCOUNT,
    "calendar": P.CHANGE_SEE,
    "change": P.CHANGE_SEE,
    "changes": P.CHANGE_SEE,
    "decisions": P.MEETING_SEE,
    "deploys": P.RELEASE_SEE,
    "exception": P.EXCEPTION_SEE,
    "exceptions": P.EXCEPTION_SEE,
    "integration": P.SOURCE_SEE,
    "integrations": P.SOURCE_SEE,
    "inventory": P.INVENTORY_SEE,
    "ledger": P.LEDGER_SEE,
    "meeting": P.MEETING_SEE,
    "meetings": P.MEETING_SEE,
    "people": P.PERSON_SEE,
    "policy": P.POLICY_SEE,
    "training": P.POLICY_SEE,
}
"""Which permission one needs to hear a family's bell."""


class UnknownTopic(ValueError):
    """The text is no topic, or its family is not in the table."""


def ring(topic: str) -> None:
    """Ring once this transaction commits. Raises ``UnknownTopic`` for a misspelt one, so that no bell is mute."""
    permission_of(topic)
    after_commit(CHANNEL, topic)


def permission_of(topic: str) -> P:
    """What one needs to hear this topic."""
    match = SHAPE.fullmatch(topic)
    if match is None or match["family"] not in FAMILIES:
        raise UnknownTopic(f"{topic[:60]!r} is not a topic")
    return FAMILIES[match["family"]]


def family(name: str, permission: P) -> None:
    """Add a family of topics. A feature does this where it is set up; another permission for the same name raises."""
    if FAMILIES.setdefault(name, permission) != permission:
        raise ValueError(f"the topics {name!r} need {FAMILIES[name]} already")
