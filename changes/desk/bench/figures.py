"""Figures and the table that shows them. Nothing here fails because of a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles


@dataclass(frozen=True)
class Line:
    """One row of the table. ``better`` says which side of ``target`` is good; a line without a target only informs."""

    workload: str
    measured: str
    baseline: str
    value: float | None = None
    unit: str = "x"
    target: float | None = None
    better: str = "less"

    @property
    def reached(self) -> str:
        """yes, or by how much not."""
        if self.value is None or self.target is None:
            return ""
        good = self.value <= self.target if self.better == "less" else self.value >= self.target
        if good:
            return "yes"
        if not self.target:
            return "no"
        away = self.value / self.target if self.better == "less" else self.target / max(self.value, 1e-9)
        return f"no, {away:.2f} times away"

    @property
    def ratio(self) -> str:
        """The value that the target is about."""
        return "" if self.value is None else _number(self.value, self.unit)

    @property
    def wanted(self) -> str:
        """The target in signs."""
        sign = "≤" if self.better == "less" else "≥"
        return "" if self.target is None else f"{sign} {_number(self.target, self.unit)}"


@dataclass
class Table:
    """The lines so far; each is printed as soon as it is known, and all of them at the end."""

    lines: list[Line] = field(default_factory=list)

    def text(self) -> str:
        """The table as GitHub's Markdown."""
        head = ("workload", "measured", "baseline of the same run", "value", "target", "reached")
        rows = [
            head,
            *((line.workload, line.measured, line.baseline, line.ratio, line.wanted, line.reached) for line in self.lines),
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        drawn = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
        return "\n".join([drawn[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *drawn[1:]])


def _number(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
    return f"{shown} {unit}".replace(" x", "x")


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return percentile(values, 50)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def ms(seconds: float) -> str:
    """Seconds as milliseconds in words."""
    return f"{seconds * 1000:.1f} ms"
