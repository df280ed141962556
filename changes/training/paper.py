"""The text that a person signs. Pure: the same facts make the same text for ever."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Paper:
    """What goes into a signature. Times are UTC."""

    name: str
    email: str
    policy: int
    policy_digest: str
    course: int
    course_title: str
    course_digest: str
    attempt: int
    correct: int
    drawn: int
    passed_at: datetime
    statement: str
    typed_name: str
    authenticated_at: datetime
    at: datetime

    def text(self) -> str:
        """The certificate in plain words. Its SHA-256 (UTF-8) is the digest of the signature."""
        return "\n".join(
            [
                "Acknowledgement of the change management policy",
                "",
                f"Person: {self.name} <{self.email}>",
                f"Policy: version {self.policy}, sha256 {self.policy_digest}",
                f"Course: {self.course} {self.course_title}, sha256 {self.course_digest}",
                f"Quiz: attempt {self.attempt}, {self.correct} of {self.drawn} right, handed in {_moment(self.passed_at)}",
                f"Statement: {' '.join(self.statement.split())}",
                f"Signed as: {self.typed_name}",
                f"Signed in afresh: {_moment(self.authenticated_at)}",
                f"Signed: {_moment(self.at)}",
                "",
            ]
        )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
