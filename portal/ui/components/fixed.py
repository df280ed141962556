"""Parts of the frame that are the same on every page and for everybody: drawn once by each process."""

from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=64)
def fixed(name: str) -> SafeString:
    """The template ``name``, which sees nothing of the page: neither the reader, nor the time, nor a token."""
    return render_to_string(name)
