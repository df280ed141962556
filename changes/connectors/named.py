"""How one delivery is named, and what its sender is told."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Named:
    """``answer`` is the body of a 200 for vendors that want one; with ``kept`` False nothing is stored."""

    delivery_id: str
    event: str
    answer: bytes | None = None
    kept: bool = True
    body: bytes | None = field(default=None, repr=False)
    """What is stored instead of the body that arrived, for vendors whose deliveries may carry what nobody may keep."""
