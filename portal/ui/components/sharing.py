"""Drawings that a long list repeats stand once in it: fifty badges of three states are three icons."""

import re
from collections import Counter

from django import template
from django.utils.safestring import SafeString

register = template.Library()

DRAWING = re.compile(
    r'(?P<look><svg class="(?:icon|gatestrip)\b[^>]*?) viewBox="(?P<box>[\d ]+)"(?P<more>[^>]*>)(?P<shapes>.*?)</svg>', re.DOTALL
)
"""What our own leaves make: the opening tag with the look and the words, and the shapes in their box."""
Drawing = tuple[str, str]
"""Box and shapes."""


@register.simple_block_tag(end_name="endsharing")
def sharing(content: str, name: str) -> SafeString:
    """Around a list: what is drawn more than once moves into one hidden sheet in front of it, and is pointed at.

    ``name`` begins the ids of the drawings; give each list of a page its own. Size, tone and words stay where they were.
    """
    times = Counter(_drawing(found) for found in DRAWING.finditer(content))
    ids = {drawing: f"{name}{number}" for number, drawing in enumerate(each for each, many in times.items() if many > 1)}
    if not ids:
        return SafeString(content)

    def pointed(found: re.Match[str]) -> str:
        drawn = ids.get(_drawing(found))
        return f'{found["look"]}{found["more"]}<use href="#{drawn}"/></svg>' if drawn else found[0]

    sheet = "".join(f'<symbol id="{drawn}" viewBox="{box}">{shapes}</symbol>' for (box, shapes), drawn in ids.items())
    return SafeString(f'<svg class="drawings" aria-hidden="true">{sheet}</svg>{DRAWING.sub(pointed, content)}')


def _drawing(found: re.Match[str]) -> Drawing:
    return found["box"], found["shapes"]
