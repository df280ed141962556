"""How many approvals a change needs, as data of a policy version. Pure.

Everything needs one by somebody who took no part in it (P-03). A rule that fits may ask for more; the highest number counts,
and every rule that asks for it is named as a reason. Gate 8 and the state of a change read this one table.
"""

from collections.abc import Iterable
from dataclasses import dataclass

PRODUCTION = "production"


@dataclass(frozen=True)
class ApprovalRule:
    """``needed`` approvals for a change that is all that is named; an empty field stands for any.

    ``why`` is the reason in words, to follow "2 are needed for": "a large change".
    """

    needed: int
    why: str = ""
    kind: str = ""
    size: str = ""
    environment: str = ""
    """What the approval is for: production, staging or development."""
    risk: str = ""

    def fits(self, *, kind: str, size: str, environment: str, risk: str) -> bool:
        """Whether the rule speaks about such a change."""
        named = ((self.kind, kind), (self.size, size), (self.environment, environment), (self.risk, risk))
        return all(not wanted or wanted == found for wanted, found in named)


@dataclass(frozen=True)
class Need:
    """How many approvals a change needs, and the reasons for more than one."""

    count: int
    reasons: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Why there are more than one, as the end of a sentence; empty when one is enough."""
        return f"{self.count} are needed for {' and '.join(self.reasons)}" if self.count > 1 and self.reasons else ""


APPROVAL_RULES: tuple[ApprovalRule, ...] = (
    ApprovalRule(1),
    ApprovalRule(2, "a change of DNS or access", kind="access", environment=PRODUCTION),
    ApprovalRule(2, "a change of high risk", risk="high", environment=PRODUCTION),
)
"""The interpretation in force. Size is free to be named too; a large change is decided by the meeting besides (P-01)."""


def need_of(
    rules: Iterable[ApprovalRule], *, kind: str, size: str, risk: str, environment: str = PRODUCTION, emergency: bool = False
) -> Need:
    """What the table asks of such a change; at least one. An emergency needs one +1, whatever it is (P-22)."""
    fitting = [rule for rule in rules if rule.fits(kind=kind, size=size, environment=environment, risk=risk)]
    count = 1 if emergency else max([1, *(rule.needed for rule in fitting)])
    asking = dict.fromkeys(rule.why for rule in fitting if rule.why and rule.needed == count)
    return Need(count, tuple(asking) if count > 1 else ())
