"""A small line of numbers over time, drawn as SVG: the finding stands in its label, the numbers beside it."""

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

WIDTH, HEIGHT, EDGE = 96, 28, 3


@register.simple_tag
def spark(values: Sequence[float], label: str) -> SafeString:
    """``values`` from left to right, zero at the bottom. ``label`` says in words what they show; nothing is drawn of one."""
    points = _points(values)
    if len(points) < 2:
        return SafeString("")
    drawn = " ".join(f"{x:g},{y:g}" for x, y in points)
    x, y = points[-1]
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><polyline class="c-line" points="{}"/>'
        '<circle class="c-dot" cx="{}" cy="{}" r="3"/></svg>',
        WIDTH,
        HEIGHT,
        label,
        drawn,
        f"{x:g}",
        f"{y:g}",
    )


def _points(values: Sequence[float]) -> list[tuple[float, float]]:
    most = max([*values, 1])
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    tall = HEIGHT - 2 * EDGE
    return [(round(EDGE + number * step, 1), round(HEIGHT - EDGE - value / most * tall, 1)) for number, value in enumerate(values)]
