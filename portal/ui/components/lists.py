"""Lists: timeline, pipeline, tabs, pager, facts."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.ui.components.leaf import icon

register = template.Library()


@register.inclusion_tag("components/timeline.html", takes_context=True)
def timeline(context: Context, entries: Iterable[Any]) -> dict[str, Any]:
    """What happened, newest first. Each entry has ``at``, ``who``, ``text``, ``icon`` and may have ``id`` (its anchor, to which
    its time links), ``tone``, ``sub`` (a second line), ``body`` (safe HTML in a box), ``href`` with ``link`` (its words),
    ``unconfirmed``."""
    return {"entries": list(entries), "now": context.get("now"), "zone": context.get("zone", "UTC")}


@register.inclusion_tag("components/pipeline.html", takes_context=True)
def pipeline(context: Context, stages: Iterable[Any]) -> dict[str, Any]:
    """Environments from left to right. Each has ``name``, ``state`` (a gate state), ``tone``, ``label`` (release), ``note``,
    and may have ``at``, ``href``, ``unconfirmed``."""
    return {"stages": list(stages), "now": context.get("now"), "zone": context.get("zone", "UTC")}


@register.simple_tag
def tabs(items: Sequence[tuple[str, str]], current: str, label: str = "Views") -> SafeString:
    """Links that look like tabs: (address, words); ``current`` is the address of the open one."""
    here = SafeString(' aria-current="page"')
    links = format_html_join("", '<a href="{}"{}>{}</a>', ((href, here if href == current else "", words) for href, words in items))
    return format_html('<nav class="tabs" aria-label="{}">{}</nav>', label, links)


@register.simple_tag
def pager(words: str = "", newer: str = "", older: str = "", target: str = "", numbered: bool = False) -> SafeString:
    """Keyset paging: ``newer`` and ``older`` are addresses or empty, ``words`` say what is shown ("50 of 1000+").

    ``numbered`` is for lists whose order is not always from the newest: then the links say Previous and Next.
    With ``target`` (a selector) the links swap that element and push the address; without script they are plain links.
    """
    before, after = ("Previous", "Next") if numbered else ("Newer", "Older")
    return format_html(
        '<nav class="pager noprint" aria-label="Pages"><span>{}</span>{}{}</nav>',
        words,
        _step(newer, before, "arrow-left", target),
        _step(older, after, "arrow-right", target),
    )


def _step(href: str, words: str, icon_name: str, target: str) -> SafeString:
    if not href:
        return SafeString("")
    swap = SafeString("")
    if target:
        show = "innerHTML show:window:top"
        swap = format_html(' hx-get="{}" hx-target="{}" hx-swap="{}" hx-push-url="true"', href, target, show)
    return format_html('<a class="btn btn-sm" href="{}"{}>{}{}</a>', href, swap, icon(icon_name, 15), words)


@register.simple_tag
def facts(pairs: Iterable[tuple[str, Any]], cls: str = "") -> SafeString:
    """A list of names and values; pairs with an empty value are left out."""
    lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", ((name, value) for name, value in pairs if value not in (None, "", ())))
    return format_html('<dl class="{}">{}</dl>', f"dl {cls}".strip(), lines)


@register.filter
def splitlist(text: str) -> list[str]:
    """ "a,b" as a list, for examples in templates."""
    return str(text).split(",")
