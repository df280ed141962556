"""Other people's text on our pages: markdown made safe, hidden characters made visible, plurals."""

import re
from datetime import timedelta
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from portal.ui.markdown import render
from portal.ui.text import visible

register = template.Library()
PLACE = re.compile(r"\((/[a-z0-9/-]*/)\)")
MINUTE = 60
"""Seconds."""


@register.filter
def shown(text: Any) -> SafeString:
    """Text in which control and direction characters are visible, isolated from the text around it. Escaped."""
    return SafeString(visible(str(text if text is not None else "")))


@register.filter
def led(text: Any) -> SafeString:
    """The same, with an address of ours in brackets, as in "Training (/training/)", as a link: a refusal leads on."""
    return SafeString(PLACE.sub(r'(<a href="\1">\1</a>)', shown(text)))


@register.filter
def markdown(text: Any) -> SafeString:
    """Markdown as safe HTML: no HTML of its own, no pictures, no attributes that htmx reads. Put it into ``untrusted``."""
    return render(str(text or ""))


@register.filter
def count(number: int, noun: str) -> str:
    """ "1 change", "2 changes": ``{{ 2|count:"change" }}``; an irregular plural stands behind a bar: ``"entry|entries"``."""
    one, _, many = str(noun).partition("|")
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", " ")


@register.filter
def percent(share: float) -> str:
    """A share from 0 to 1 as "12 %", with a decimal below ten."""
    size = share * 100
    return f"{size:.1f} %" if 0 < size < 10 else f"{size:.0f} %"


@register.filter
def duration(length: timedelta) -> str:
    """ "40 s", "12 min", "3 h 20 min", "2 d 4 h": the two largest units."""
    left = round(length.total_seconds())
    if left < MINUTE:
        return f"{left} s"
    parts = []
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", MINUTE)):
        if left >= seconds:
            parts.append(f"{left // seconds} {unit}")
            left %= seconds
    return " ".join(parts[:2])


@register.filter
def minutes(count: int) -> str:
    """Whole minutes in words: "0 min", "12 min", "29 d 23 h"."""
    return duration(timedelta(minutes=count)) if count else "0 min"


@register.filter
def attr_text(text: Any) -> SafeString:
    """Text for an attribute such as a title: escaped, hidden characters removed."""
    return SafeString(escape("".join(char for char in str(text) if char.isprintable())))
