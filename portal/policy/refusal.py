"""A refusal names its clause, says why, and says what to do."""

from portal.policy.clauses import Clause


class Refused(Exception):
    """Raised by an action that the policy forbids. Shown to the person as it is; nothing was changed.

    ``clause`` is the rule, ``why`` one sentence, ``instead`` what the person can do (may be empty).
    """

    def __init__(self, clause: Clause, why: str, instead: str = "") -> None:
        self.clause = clause
        self.why = why
        self.instead = instead
        super().__init__(f"{clause}: {why}")

    @property
    def words(self) -> str:
        """Why, and what to do: what a form shows beside a field."""
        return f"{self.why} {self.instead}".strip()


class Stale(Exception):
    """Somebody was faster: what the person saw has changed meanwhile. Answered with 409 and what changed."""

    @property
    def words(self) -> str:
        """The same, for a form that shows it beside a field."""
        return str(self)
