"""What a source says about who may do what. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """What an account may do to a thing, from least to most. Vendors' own words are kept beside it."""

    READ = "read"
    WRITE = "write"
    """Change content: push to branches, edit development settings."""
    APPROVE = "approve"
    """Give the approval that a rule asks for."""
    DEPLOY = "deploy"
    """Release to production."""
    ADMIN = "admin"
    """Change rules, members or settings."""
    BYPASS = "bypass"
    """Go past a rule that binds others."""


@dataclass(frozen=True)
class Held:
    """One right that one account holds on one thing, as a source showed it.

    ``account_id`` is the vendor's immutable id; ``account_kind`` is person, team, app or token. ``thing`` is ``<kind>:<id>``, for
    example ``github.repository:42`` or ``fly.organization:northwind``; ``through`` names the team or role that gives it.
    ``vendor_word`` is what the vendor calls the right (``maintain``, ``collaborator``).
    """

    account_id: str
    account_name: str
    thing: str
    thing_name: str
    right: Right
    account_kind: str = "person"
    through: str = ""
    vendor_word: str = ""
