"""Contrast of every pair of tokens that meets on a page, computed with the formula of WCAG in both themes."""

import re
from pathlib import Path

import pytest
from django.conf import settings

SOURCE = (Path(settings.BASE_DIR) / "assets/ui/tokens.css").read_text()
TOKENS = {
    name: (light, dark) for name, light, dark in re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", SOURCE)
}
GROUNDS = ("surface", "canvas", "hover")
TEXT = [
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3", "accent", "ok", "warn", "bad", "info") for ground in GROUNDS),
    *((tone, f"{tone}-tint") for tone in ("ok", "warn", "bad", "info", "accent")),
    *(("ink-2", f"{tone}-tint") for tone in ("ok", "warn", "bad", "info", "accent", "neutral")),
    *(("ink", f"{tone}-tint") for tone in ("ok", "warn", "bad", "info", "accent", "neutral")),
    ("ink-3", "sunken"),
    ("ink-3", "accent-tint"),
    ("ink-3", "raised"),
    ("on-fill", "accent-fill"),
    ("on-fill", "accent-fill-hover"),
    ("on-fill", "bad-fill"),
    ("hm-low", "hm-1"),
    ("hm-low", "hm-2"),
    ("hm-high", "hm-3"),
    ("hm-high", "hm-4"),
]
SHAPES = [
    *((mark, "surface") for mark in ("ok-mark", "warn-mark", "bad-mark", "info-mark", "line-strong", "s1", "s2", "accent")),
    ("line-strong", "canvas"),
    ("accent", "canvas"),
    ("on-fill", "bad-mark"),
]


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_has_at_least_four_and_a_half_to_one(text, ground, theme):
    assert contrast(TOKENS[text][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_and_borders_have_at_least_three_to_one(shape, ground, theme):
    assert contrast(TOKENS[shape][theme], TOKENS[ground][theme]) >= 3


def test_the_formula_knows_black_on_white():
    assert round(contrast("#000000", "#ffffff"), 2) == 21


def test_the_sheet_answers_forced_colours_and_reduced_motion():
    media = (Path(settings.BASE_DIR) / "assets/ui/media.css").read_text()
    rules = dict(re.findall(r"^@media \(([a-z-]+: [a-z]+)\) \{\n(.*?)^\}", media, re.DOTALL | re.MULTILINE))

    assert "transition: none !important" in rules["prefers-reduced-motion: reduce"]
    for part in ("input", ".badge", ".gs-m", "[aria-current]"):
        assert part in rules["forced-colors: active"]
