"""The gate strip, the portal's own mark, and the list of gates.

Twelve cells in policy order. Height and mark carry the state, not only colour: full bar met, full bar with a cross
failed, low bar waiting, dash not needed, dotted outline not connected, line not looked at.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

GATES = (
    "Proposal",
    "Decision",
    "Pull request",
    "Review",
    "CI",
    "Rollback plan",
    "Staging",
    "Approval",
    "Merge",
    "Release",
    "Slack log",
    "Review after",
)
"""Short names of the twelve gates, in the order of the strip."""

LETTERS = {"m": "met", "f": "failed", "w": "waiting", "c": "not connected", "-": "not looked at"}
STATES = frozenset(LETTERS) | {"n"}
"""The letters; n is not needed. Top and height of each cell stand in the style sheet (``.gc-m``)."""
WIDTH, GAP, HEIGHT = 8, 3, 16


@register.simple_tag
@lru_cache(maxsize=8192)
def gate_strip(gates: str) -> SafeString:
    """The strip for ``Change.gates``: one letter a gate (m met, w waiting, f failed, n not needed, c not connected, -)."""
    letters = str(gates)
    if unknown := set(letters) - STATES:
        raise KeyError(f"no state of a gate: {sorted(unknown)}")
    places = [index * (WIDTH + GAP) for index in range(len(letters))]
    bars = format_html_join("", '<rect class="gc-{}"{}/>', zip(letters, map(_at, places), strict=True))
    failed = [place for place, letter in zip(places, letters, strict=True) if letter == "f"]
    crosses = format_html_join("", '<path class="gs-x" d="M{} 5.5l4 5m0-5l-4 5"/>', ((place + 2,) for place in failed))
    width = places[-1] + WIDTH if places else 0
    opening = format_html(
        '<svg class="gatestrip" role="img" aria-label="{}" viewBox="0 0 {} {}"', gate_words(letters), width, HEIGHT
    )
    size = "" if len(letters) == len(GATES) else format_html(' width="{}"', width)
    return format_html("{}{}>{}{}</svg>", opening, size, bars, crosses)


def _at(place: int) -> SafeString:
    return SafeString(f' x="{place}"' if place else "")


@lru_cache(maxsize=8192)
def gate_words(gates: str) -> str:
    """What the strip shows, as a sentence: "7 of 11 gates met, 2 waiting, 1 not connected"."""
    count = Counter(str(gates))
    needed = len(str(gates)) - count["n"]
    parts = [f"{count[letter]} {word}" for letter, word in LETTERS.items() if letter != "m" and count[letter]]
    return ", ".join([f"{count['m']} of {needed} gates met", *parts])


@register.inclusion_tag("components/gate_list.html")
def gate_list(gates: Iterable[Any], label: str = "Gates", level: int = 3) -> dict[str, Any]:
    """Gates one below the other. Each has ``name``, ``state``, ``reason``, ``clause`` and may have ``who`` (who can resolve
    it), ``next_step``, ``at``, ``unconfirmed``, ``evidence`` (pairs of text and address) and ``explain`` with ``code``: ``rule``,
    ``looked_at``, ``parameters`` (each ``words`` and ``value``), ``policy_version`` and ``next``, which open under "Why?"."""
    return {"gates": list(gates), "label": label, "level": level}


@register.simple_tag
@lru_cache(maxsize=1)
def gate_legend() -> SafeString:
    """What position and shape in the strip mean, for lists and for the help page."""
    return render_to_string("components/gate_legend.html", {"gates": list(enumerate(GATES, start=1))})
