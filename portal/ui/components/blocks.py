"""Wrappers with content: card, verdict, banner, fold, empty state, table, dialog, page head."""

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.ui.components.leaf import attributes, icon
from portal.ui.components.status import state_icon

register = template.Library()

TONE_ICONS = {
    "ok": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-x",
    "info": "info",
    "neutral": "info",
    "accent": "info",
}
VERDICT_STATES = {"ok": "met", "warn": "waiting", "bad": "failed", "info": "running", "neutral": "not_started"}


@register.simple_block_tag(end_name="endcard")
def card(
    content: str,
    title: str = "",
    icon_name: str = "",
    extra: str = "",
    id: str = "",
    cls: str = "",
    level: int = 2,
    flush: bool = False,
) -> SafeString:
    """A section with a heading.

    ``flush`` lets rows and tables touch the edges; ``extra`` stands at the right of the heading; ``cls="flow"`` lets a
    long card break over pages in print.
    """
    head = SafeString("")
    if title:
        drawn = icon(icon_name, 16) if icon_name else ""
        aside = format_html('<span class="card-x">{}</span>', extra) if extra else ""
        head = format_html('<header class="card-h">{0}<h{1} class="card-t">{2}</h{1}>{3}</header>', drawn, level, title, aside)
    body = content if flush else format_html('<div class="card-b">{}</div>', content)
    return format_html('<section class="{}"{}>{}{}</section>', f"card {cls}".strip(), attributes({"id": id}), head, body)


@register.simple_block_tag(end_name="endverdict")
def verdict(content: str, tone: str, words: str, live: bool = True) -> SafeString:
    """The answer in words first; the content is the sentence below it. ``live`` lets screen readers hear a change."""
    return format_html(
        '<div class="verdict" data-tone="{}"{}>{}<b>{}</b><p>{}</p></div>',
        tone,
        SafeString(' role="status" aria-atomic="true"' if live else ""),
        state_icon(VERDICT_STATES[tone], 20),
        words,
        content,
    )


@register.simple_block_tag(end_name="endbanner")
def banner(content: str, tone: str = "info", icon_name: str = "", cls: str = "") -> SafeString:
    """A message that stays on the page. Errors and warnings come here, never only into a toast."""
    return format_html(
        '<div class="{}" data-tone="{}">{}<div>{}</div></div>',
        f"banner {cls}".strip(),
        tone,
        icon(icon_name or TONE_ICONS.get(tone, "info"), 18, "" if tone in {"neutral", "accent"} else f"text-{tone}"),
        content,
    )


@register.simple_block_tag(end_name="endfold")
def fold(content: str, title: str, id: str, icon_name: str = "", state: str = "", open: bool = False) -> SafeString:
    """A section that opens. Its id keeps it open when a live region is refreshed. ``state`` puts a gate state in front."""
    mark = state_icon(state) if state else icon(icon_name, 16) if icon_name else ""
    return format_html(
        '<details class="fold" id="{}"{}><summary>{}{}<span class="chev">{}</span></summary>{}</details>',
        id,
        SafeString(" open" if open else ""),
        mark,
        title,
        icon("chevron-down", 16),
        content,
    )


@register.simple_block_tag(end_name="endempty")
def empty(content: str, title: str, icon_name: str = "inbox") -> SafeString:
    """Says what will appear here; the content gives the one next step."""
    return format_html('<div class="empty">{}<p class="empty-t">{}</p>{}</div>', icon(icon_name, 28), title, content)


@register.simple_block_tag(end_name="endtablewrap")
def tablewrap(content: str, label: str, cls: str = "") -> SafeString:
    """Lets a wide table scroll by itself, by keyboard too."""
    return format_html(
        '<div class="{}" role="region" aria-label="{}" tabindex="0">{}</div>', f"tablewrap {cls}".strip(), label, content
    )


@register.simple_block_tag(end_name="enddialog")
def dialog(content: str, id: str, title: str) -> SafeString:
    """A dialog; any button with ``data-open="<id>"`` opens it."""
    return format_html(
        '<dialog class="sheet" id="{0}" aria-labelledby="{0}-title"><div class="card-h"><h2 class="card-t" id="{0}-title">{1}</h2>'
        '<button class="btn btn-sm card-x" type="button" data-close>Close</button></div><div class="sheet-b">{2}</div></dialog>',
        id,
        title,
        content,
    )


@register.simple_block_tag(end_name="enduntrusted")
def untrusted(content: str, cls: str = "prose") -> SafeString:
    """Wraps markup made from other people's text: htmx does not look inside, whatever got through."""
    return format_html('<div class="{}" hx-disable data-hx-disable>{}</div>', cls, content)


@register.simple_tag
def live_region(topic: str, url: str) -> SafeString:
    """Attributes of an element whose content is fetched anew from ``url`` when the doorbell ``topic`` rings (or every 20 s
    while the stream is down). It must hold no form fields that people type in."""
    return format_html(
        ' hx-get="{}" hx-trigger="live:{} from:body, portal:tick from:body" hx-swap="morph:innerHTML" hx-sync="this:replace"',
        url,
        topic,
    )


@register.simple_tag(takes_context=True)
def print_footer(context: Context, record: str, digest: str = "") -> SafeString:
    """The last lines of a printed record: what it is, when and by whom it was printed, and its digest. Only on paper."""
    printed = context["now"].strftime("%-d %b %Y %H:%M")
    reader = getattr(context.get("user"), "name", "") or "somebody who is not signed in"
    tail = format_html(" Digest {}.", digest) if digest else ""
    return format_html('<footer class="printonly text-sm">{}, printed {} UTC by {}.{}</footer>', record, printed, reader, tail)
