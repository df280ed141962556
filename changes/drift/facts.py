"""What a comparison found. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from portal.policy.clauses import Clause


class Rule(StrEnum):
    """What is compared. The value is stored."""

    IMAGE = "image"
    ENV = "env"
    SERVICES = "services"
    CHECKS = "checks"
    MOUNTS = "mounts"
    SIZE = "size"
    SECRETS = "secrets"
    PARITY = "parity"
    SEPARATION = "separation"

    @property
    def label(self) -> str:
        """The name that people read."""
        return LABELS[self]

    @property
    def clause(self) -> Clause:
        """The clause that it proves."""
        return CLAUSES.get(self, Clause.INFRASTRUCTURE_AS_CODE)


LABELS = {
    Rule.IMAGE: "Image",
    Rule.ENV: "Names of variables",
    Rule.SERVICES: "Services and ports",
    Rule.CHECKS: "Health checks",
    Rule.MOUNTS: "Volumes",
    Rule.SIZE: "Size of machines",
    Rule.SECRETS: "Names of secrets",
    Rule.PARITY: "Staging and production",
    Rule.SEPARATION: "Separation of environments",
}
CLAUSES = {
    Rule.SECRETS: Clause.SECRETS_FROM_DOPPLER,
    Rule.PARITY: Clause.STAGING_MIRRORS,
    Rule.SEPARATION: Clause.ENVIRONMENTS_APART,
}
AGAINST_GIT = (Rule.IMAGE, Rule.ENV, Rule.SERVICES, Rule.CHECKS, Rule.MOUNTS, Rule.SIZE)


@dataclass(frozen=True)
class Place:
    """What a rule looked at: an app, a pair of apps, an organisation. One open case for each rule and place."""

    rule: Rule
    source: str
    subject: str
    environment: str = ""

    @property
    def key(self) -> str:
        """By which a case is found again."""
        return f"{self.rule}:{self.source}:{self.subject}"


@dataclass(frozen=True)
class Found:
    """A difference: where, what in words (never a value of a variable), and what it was compared with (a file at a commit)."""

    place: Place
    words: tuple[str, ...]
    basis: str = ""
