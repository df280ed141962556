"""Pictures of numbers, drawn as SVG: columns (a histogram too), a line, and tiles. Pure.

Each has a title that states the finding and a description for those who cannot see it, one idea, zero at the bottom, and a table of
the same numbers beside it (``figures``). Colours come from classes, so that both themes and paper have their own; series differ in
lightness as well as in hue, and what is bad differs in shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 460, 190
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 16, 24
EMPTY = SafeString("")
APART = 48
"""Units that the words of two marks need between their middles."""


@dataclass(frozen=True)
class Column:
    """One column: its label below, the lower part, the part on top of it, and what a pointer is told."""

    label: str
    value: float
    top: float = 0
    note: str = ""


@dataclass(frozen=True)
class Mark:
    """A vertical line across columns: at which place (columns from the left, with a fraction), and its word."""

    place: float
    word: str


def columns(items: Sequence[Column], *, name: str, title: str, desc: str, marks: Sequence[Mark] = ()) -> SafeString:
    """Columns from zero, a second part on top, and lines across them. ``name`` makes the ids of a page unique."""
    most = _ceiling(max((item.value + item.top for item in items), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(items), 1)
    drawn = format_html_join("", "{}", ((_column(item, number, step, most),) for number, item in enumerate(items)))
    every = max(1, -(-len(items) // 6))
    words = ((LEFT + (n + 0.5) * step, item.label) for n, item in enumerate(items) if n % every == 0)
    labels = _texts([(x, HEIGHT - 6, "middle", word) for x, word in words])
    return _svg(name, title, desc, SafeString(_grid(most) + drawn + labels + _marks(marks, step)))


def _column(item: Column, number: int, step: float, most: float) -> SafeString:
    x, wide = LEFT + number * step + step * 0.15, step * 0.7
    tall, more = _tall(item.value, most), _tall(item.top, most)
    base = HEIGHT - BOTTOM
    parts = [_rect("c-bar", x, base - tall, wide, tall)] if tall else []
    parts += [_rect("c-bar2", x, base - tall - more, wide, more)] if more else []
    note = format_html("<title>{}</title>", item.note) if item.note else EMPTY
    return format_html("<g>{}{}</g>", note, SafeString("".join(parts)))


def _marks(marks: Sequence[Mark], step: float) -> SafeString:
    """Lines with their words above; those that stand too close for two words share one text."""
    places = [(_round(LEFT + mark.place * step), mark.word) for mark in marks]
    lines = format_html_join(
        "", '<line class="c-mark" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>', ((x, TOP, HEIGHT - BOTTOM) for x, _ in places)
    )
    told: list[tuple[float, str]] = []
    for x, word in sorted(places, key=lambda place: place[0]):
        if told and x - told[-1][0] < APART:
            told[-1] = (told[-1][0], f"{told[-1][1]}, {word}")
        else:
            told.append((x, word))
    return SafeString(lines + _texts([(x, TOP - 5, "end" if x > WIDTH - APART else "middle", word) for x, word in told]))


def line(
    values: Sequence[tuple[str, float | None]], *, name: str, title: str, desc: str, limit: tuple[float, str] | None
) -> SafeString:
    """One line from zero; places without a value are left out of it. ``limit`` is a dashed line with its word."""
    known = [(number, value) for number, (_, value) in enumerate(values) if value is not None]
    most = _ceiling(max([value for _, value in known] + ([limit[0]] if limit else []), default=0))
    step = (WIDTH - LEFT - RIGHT - 30) / max(len(values) - 1, 1)
    points = [(_round(LEFT + number * step), _round(HEIGHT - BOTTOM - _tall(value, most))) for number, value in known]
    drawn = format_html('<polyline class="c-line" points="{}"/>', " ".join(f"{x:g},{y:g}" for x, y in points))
    if points:
        x, y = points[-1]
        drawn += format_html('<circle class="c-dot" cx="{}" cy="{}" r="3"/>', x, y)
        drawn += _texts([(x + 6, y + 4, "start", f"{known[-1][1]:g}")])
    every = max(1, -(-len(values) // 5))
    labels = _texts([(LEFT + n * step, HEIGHT - 6, "middle", word) for n, (word, _) in enumerate(values) if n % every == 0])
    return _svg(name, title, desc, SafeString(_grid(most) + _limit(limit, most) + drawn + labels))


def _limit(limit: tuple[float, str] | None, most: float) -> SafeString:
    if limit is None:
        return EMPTY
    y = _round(HEIGHT - BOTTOM - _tall(limit[0], most))
    drawn = format_html('<line class="c-limit" x1="{}" x2="{}" y1="{}" y2="{}"/>', LEFT, WIDTH - RIGHT, y, y)
    return SafeString(drawn + _texts([(WIDTH - RIGHT, y - 4, "end", limit[1])]))


@dataclass(frozen=True)
class Tile:
    """One week of a control: ``ok``, ``bad``, ``idle`` (nothing to look at) or ``none`` (nobody looked), and what it is."""

    look: str
    note: str


TILE, HIGH = 8, 18


def tiles(items: Sequence[Tile], *, slots: int, label: str) -> SafeString:
    """Weeks from left to right, the newest at the right end of ``slots``.

    What held is short, what did not is tall and crossed, what had nothing to do is a line: no colour is needed to tell them apart.
    """
    first = slots - len(items)
    drawn = format_html_join("", "{}", ((_tile(item, number * (TILE + 1)),) for number, item in enumerate(items, first)))
    return format_html(
        '<svg class="tiles" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>', slots * (TILE + 1), HIGH, label, drawn
    )


def _tile(item: Tile, x: int) -> SafeString:
    note = format_html("<title>{}</title>", item.note)
    if item.look == "bad":
        cross = format_html('<path class="t-cross" d="M{0} 6l4 6m0-6l-4 6"/>', x + 2)
        return format_html("<g>{}{}{}</g>", note, _rect("t-bad", x, 0, TILE, HIGH), cross)
    if item.look == "ok":
        return format_html("<g>{}{}</g>", note, _rect("t-ok", x, 5, TILE, 8))
    return format_html(
        "<g>{}{}</g>", note, _rect("t-idle", x + (1 if item.look == "idle" else 3), 8, 6 if item.look == "idle" else 2, 2)
    )


def figures(head: Sequence[str], rows: Sequence[Sequence[object]], *, label: str) -> SafeString:
    """The same numbers as a table."""
    top = format_html_join("", '<th scope="col">{}</th>', ((word,) for word in head))
    body = format_html_join("", "<tr>{}</tr>", ((_cells(row),) for row in rows))
    return format_html(
        '<table class="table"><caption class="sr-only">{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        label,
        top,
        body,
    )


def _cells(row: Sequence[object]) -> SafeString:
    first = format_html('<th scope="row">{}</th>', row[0])
    return SafeString(first + format_html_join("", "<td>{}</td>", ((cell,) for cell in row[1:])))


def _svg(name: str, title: str, desc: str, content: SafeString) -> SafeString:
    return format_html(
        '<svg class="chart" viewBox="0 0 {0} {1}" role="img" aria-labelledby="{2}-t {2}-d"><title id="{2}-t">{3}</title>'
        '<desc id="{2}-d">{4}</desc>{5}</svg>',
        WIDTH,
        HEIGHT,
        name,
        title,
        desc,
        content,
    )


def _grid(most: float) -> SafeString:
    """Zero, half and full, with their numbers."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _round(HEIGHT - BOTTOM - _tall(most * share, most))
        parts.append(format_html('<line class="c-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>', LEFT, WIDTH - RIGHT, y, y))
        parts.append(_texts([(LEFT - 6, y + 4, "end", f"{most * share:g}")]))
    return SafeString("".join(parts))


def _texts(places: Sequence[tuple[float, float, str, str]]) -> SafeString:
    rounded = ((_round(x), _round(y), anchor, word) for x, y, anchor, word in places)
    return format_html_join("", '<text x="{}" y="{}" text-anchor="{}">{}</text>', rounded)


def _rect(cls: str, x: float, y: float, wide: float, tall: float) -> SafeString:
    shape = (_round(x), _round(y), _round(wide), _round(tall))
    return format_html('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', cls, *shape)


def _tall(value: float, most: float) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / most if most else 0


def _round(number: float) -> float:
    return round(number, 1)


def _ceiling(value: float) -> float:
    """A round number that is not below ``value``: 1, 2, 4, 5, 8 or 10 times a power of ten."""
    if value <= 0:
        return 1
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(step * power for step in (1, 2, 4, 5, 8, 10, 20) if step * power >= value)
