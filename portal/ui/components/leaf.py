"""Leaves: icon, key cap, avatar, bar, spark line, copy button, diff count, digest. Each is one finished string.

Nothing here writes a style attribute: the content security policy forbids it, SVG geometry attributes are fine.
Cached leaves escape always: text that is marked safe equals text that is not, so both must give the same string.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import lucide
from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

SHAPES = re.compile(r"<svg[^>]*>\s*(.*?)\s*</svg>", re.DOTALL)
BETWEEN_TAGS = re.compile(r"(?<=>)\s+(?=<)|\s+(?=/>)")
USUAL = 16
AVATAR_SIZES = (20, 24, 32)
AVATAR_HUES = 6


@register.simple_tag
@lru_cache(maxsize=1024)
def icon(name: str, size: int = 16, cls: str = "") -> SafeString:
    """A lucide icon as inline SVG, hidden from screen readers: the word beside it speaks. Unknown names raise.

    How lines are drawn, and the usual size, stand in the style sheet (``.icon``), since a page has many icons. Size 0: as large
    as icons are in that place (in a badge 14 px).
    """
    width = format_html(' width="{0}" height="{0}"', int(size)) if int(size) not in (0, USUAL) else ""
    looks = format_html('<svg class="{}"{} viewBox="0 0 24 24" aria-hidden="true">', f"icon {cls}".strip(), width)
    return SafeString(f"{looks}{_shapes(str(name))}</svg>")


@lru_cache(maxsize=512)
def _shapes(name: str) -> str:
    found = SHAPES.search(lucide._render_icon(name, 24))
    if found is None:
        raise ValueError(f"the icon {name!r} is not drawn as expected")
    return BETWEEN_TAGS.sub("", found[1])


@register.simple_tag
@lru_cache(maxsize=64)
def brand(size: int = 24) -> SafeString:
    """The mark: two full gates and a countersign."""
    return format_html(
        '<svg width="{0}" height="{0}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        '<rect class="brand-bar" x="2" y="4" width="4.2" height="16" rx="1.6"/>'
        '<rect class="brand-bar" x="8.4" y="4" width="4.2" height="16" rx="1.6"/>'
        '<path class="brand-sign" d="M15.4 13.8l2.6 3.2 4.6-8.4"/></svg>',
        size,
    )


@register.simple_tag
@lru_cache(maxsize=256)
def kbd(keys: str) -> SafeString:
    """Key caps for "Ctrl K" or "g i": one cap a key."""
    return format_html_join(" ", "<kbd>{}</kbd>", ((escape(key),) for key in str(keys).split()))


@register.simple_tag
@lru_cache(maxsize=4096)
def avatar(name: str, size: int = 24) -> SafeString:
    """Initials in a circle, hidden from screen readers: the name stands beside it. Sizes 20, 24, 32."""
    if size not in AVATAR_SIZES:
        raise ValueError(f"an avatar is {AVATAR_SIZES} px wide, not {size}")
    hue = crc32(str(name).encode()) % AVATAR_HUES
    return format_html('<span class="avatar av-{} av-s{}" aria-hidden="true">{}</span>', hue, size, escape(initials(name)))


def initials(name: str) -> str:
    """First letters of the first and the last word: what an avatar shows."""
    parts = [part for part in str(name).split() if part[0].isalnum()]
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper() if parts else "?"


@register.simple_tag
def bar(value: float, total: float, label: str, tone: str = "accent") -> SafeString:
    """A progress bar. ``label`` says what is counted; the picture's name adds "3 of 6"."""
    percent = 0.0 if not total else round(100 * min(value, total) / total, 1)
    return format_html(
        '<svg class="bar" data-tone="{}" role="img" aria-label="{}: {} of {}" viewBox="0 0 100 6" preserveAspectRatio="none">'
        '<rect class="bar-bg" width="100" height="6"/><rect class="bar-fg" width="{}" height="6"/></svg>',
        tone,
        label,
        value,
        total,
        percent,
    )


@register.simple_tag
def spark(values: Sequence[float], label: str) -> SafeString:
    """A small line from oldest to newest. ``label`` states the finding. Empty when there are fewer than two values."""
    if len(values) < 2:
        return SafeString("")
    width, height, pad = 96, 28, 3
    low, high = min(values), max(values)
    step = (width - 2 * pad) / (len(values) - 1)
    scale = (height - 2 * pad) / ((high - low) or 1)
    points = [(round(pad + index * step, 1), round(height - pad - (value - low) * scale, 1)) for index, value in enumerate(values)]
    return format_html(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 96 28" width="96" height="28">'
        '<polyline class="c-line" points="{}"/><circle class="c-dot" cx="{}" cy="{}" r="3"/></svg>',
        label,
        " ".join(f"{x},{y}" for x, y in points),
        *points[-1],
    )


@register.simple_tag
def copy(text: str, label: str = "") -> SafeString:
    """A small button that copies ``text``; its name is ``label``, or "Copy" with the text."""
    return format_html(
        '<button class="copybtn noprint" type="button" data-copy="{}" aria-label="{}">{}</button>',
        text,
        label or f"Copy {text}",
        icon("copy", 14),
    )


@register.simple_tag
def diffstat(added: int, removed: int) -> SafeString:
    """Lines added and removed, with words for screen readers."""
    return format_html(
        '<span class="diffstat"><span class="text-ok">+{0}<span class="sr-only"> lines added</span></span>'
        '<span class="text-bad">−{1}<span class="sr-only"> lines removed</span></span></span>',
        added,
        removed,
    )


@register.simple_tag(name="hash")
def digest(value: str, length: int = 12, label: str = "digest") -> SafeString:
    """A digest or commit, shortened, with its whole value in the title and on the copy button. Empty stays empty."""
    text = str(value or "")
    if not text:
        return SafeString("")
    prefix, _, body = text.rpartition(":")
    shown = f"{prefix}:{body[:length]}" if prefix else body[:length]
    return format_html('<span class="hash"><code title="{}">{}</code>{}</span>', text, shown, copy(text, f"Copy {label} {shown}"))


def attributes(pairs: dict[str, str]) -> SafeString:
    """`` name="value"`` for each pair whose value is not empty."""
    return SafeString("".join(f' {name}="{escape(value)}"' for name, value in pairs.items() if value))
