"""The pictures: geometry that can be checked by hand, words for those who cannot see them, and nothing that needs a style."""

import re

import pytest

from portal.ui.components import charts
from portal.ui.components.charts import Column, Mark, Tile


def rects(drawing, cls):
    found = re.findall(rf'<rect class="{cls}" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawing)
    return [tuple(map(float, shape)) for shape in found]


def test_columns_begin_at_zero_and_what_is_on_top_stands_on_the_lower_part():
    drawn = charts.columns([Column("a", 10, note="A & B"), Column("b", 5, 5), Column("c", 0)], name="n", title="T <1", desc="D")

    base, tall = charts.HEIGHT - charts.BOTTOM, charts.HEIGHT - charts.TOP - charts.BOTTOM
    (first, second), (top,) = rects(drawn, "c-bar"), rects(drawn, "c-bar2")
    assert (first[1], first[3]) == (base - tall, tall)
    assert (second[1], second[3]) == (base - tall / 2, tall / 2)
    assert (top[0], top[1], top[3]) == (second[0], base - tall, tall / 2)
    assert 'role="img" aria-labelledby="n-t n-d"' in drawn
    assert '<title id="n-t">T &lt;1</title><desc id="n-d">D</desc>' in drawn
    assert "<title>A &amp; B</title>" in drawn
    assert "style=" not in drawn


def test_marks_stand_where_their_value_is():
    drawn = charts.columns([Column(word, 1) for word in "abcd"], name="n", title="t", desc="d", marks=[Mark(1.5, "median")])

    middle = charts.LEFT + 1.5 * (charts.WIDTH - charts.LEFT - charts.RIGHT) / 4
    assert f'<line class="c-mark" x1="{middle:.1f}" x2="{middle:.1f}"' in drawn
    assert ">median</text>" in drawn


def test_marks_that_stand_close_share_their_words():
    near = [Mark(3.9, "p90"), Mark(3.7, "median"), Mark(0.5, "least")]
    drawn = charts.columns([Column(word, 1) for word in "abcd"], name="n", title="t", desc="d", marks=near)

    assert drawn.count('class="c-mark"') == 3
    assert 'text-anchor="end">median, p90</text>' in drawn
    assert 'text-anchor="middle">least</text>' in drawn


@pytest.mark.parametrize(
    ("most", "ceiling"), [(0, 1), (0.3, 0.4), (1, 1), (3, 4), (9, 10), (13, 20), (41, 50), (100, 100), (101, 200)]
)
def test_the_scale_ends_at_a_round_number(most, ceiling):
    drawn = charts.columns([Column("a", most)], name="n", title="t", desc="d")

    assert f">{ceiling:g}</text>" in drawn


def test_a_line_leaves_out_what_is_unknown_and_names_its_limit():
    drawn = charts.line([("a", 10.0), ("b", None), ("c", 0.0)], name="n", title="t", desc="d", limit=(5.0, "whole period"))

    assert len(re.search(r'<polyline class="c-line" points="([^"]*)"', drawn)[1].split()) == 2
    assert drawn.count("c-dot") == 1
    assert "c-limit" in drawn
    assert ">whole period</text>" in drawn
    nothing = charts.line([("a", None)], name="n", title="t", desc="d", limit=None)
    assert ("c-dot" in nothing, "c-limit" in nothing) == (False, False)


def test_tiles_differ_in_shape_and_the_newest_stands_at_the_right():
    drawn = charts.tiles([Tile("ok", "held"), Tile("bad", "2 of 3"), Tile("idle", "-"), Tile("none", "-")], slots=26, label="C-03")

    (bad,), (held,), lines = rects(drawn, "t-bad"), rects(drawn, "t-ok"), rects(drawn, "t-idle")
    assert (bad[3], held[3]) == (18, 8)
    assert drawn.count("t-cross") == 1
    assert [line[2] for line in lines] == [6, 2]
    assert bad[0] == held[0] + 9
    assert lines[1][0] > 25 * 9
    assert 'role="img" aria-label="C-03"' in drawn
    assert "<title>2 of 3</title>" in drawn


def test_the_table_has_heads_for_rows_and_columns():
    table = charts.figures(("Week", "Deploys"), [("2 Nov", 3)], label="Deploys by week")

    assert '<caption class="sr-only">Deploys by week</caption>' in table
    assert '<th scope="col">Deploys</th>' in table
    assert '<th scope="row">2 Nov</th><td>3</td>' in table
