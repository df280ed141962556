"""States in words, with an icon and a tone. Colour is always the third cue."""

from functools import lru_cache

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from portal.ui.components.leaf import icon

register = template.Library()

Look = tuple[str, str, str]
"""Tone (ok, warn, bad, info, accent, neutral), icon, word."""

STATES: dict[str, Look] = {
    "met": ("ok", "circle-check", "Met"),
    "waiting": ("warn", "clock", "Waiting"),
    "failed": ("bad", "circle-x", "Failed"),
    "not_needed": ("neutral", "circle-slash", "Not needed"),
    "not_connected": ("neutral", "unplug", "Not connected"),
    "not_started": ("neutral", "circle-dashed", "Not started"),
    "running": ("info", "circle-dot-dashed", "Running"),
}
BADGES: dict[str, Look] = {
    **STATES,
    "draft": ("neutral", "pencil", "Draft"),
    "proposed": ("info", "eye", "In review"),
    "approved": ("accent", "stamp", "Approved"),
    "merged": ("accent", "git-merge", "Merged to production"),
    "released": ("ok", "rocket", "In production"),
    "rolled_back": ("bad", "undo-2", "Rolled back"),
    "closed": ("neutral", "circle-check", "Closed"),
    "withdrawn": ("neutral", "circle-slash", "Withdrawn"),
    "standard": ("neutral", "git-pull-request", "Standard"),
    "emergency": ("bad", "siren", "Emergency"),
    "normal": ("neutral", "minus", "Normal"),
    "large": ("accent", "blocks", "Large"),
    "application": ("neutral", "app-window", "Application"),
    "infrastructure": ("neutral", "server", "Infrastructure"),
    "database": ("neutral", "database", "Database"),
    "secrets": ("neutral", "key-round", "Secrets"),
    "access": ("neutral", "shield", "DNS and access"),
    "policy": ("neutral", "scroll-text", "Policy"),
    "ready": ("ok", "circle-check", "Ready"),
    "blocked": ("warn", "clock", "Blocked"),
    "overdue": ("bad", "circle-alert", "Overdue"),
    "due": ("warn", "clock", "Due soon"),
    "open": ("warn", "circle-alert", "Open"),
    "answered": ("info", "message-square-text", "Answered"),
    "responded": ("info", "message-square-text", "Management responded"),
    "corrected": ("info", "wrench", "Corrected, to be retested"),
    "retested": ("ok", "circle-check", "Retest passed"),
    "explained": ("ok", "message-square-text", "Explained"),
    "repaired": ("ok", "wrench", "Repaired"),
    "waived": ("warn", "signature", "Waived"),
    "accepted": ("accent", "users", "Accepted"),
    "change_git": ("info", "git-branch", "Git will be changed"),
    "change_fly": ("info", "server", "Fly will be changed"),
    "matches": ("ok", "circle-check", "Matches again"),
    "cleared": ("ok", "circle-check", "Cleared by later evidence"),
    "filtered": ("neutral", "funnel", "Filtered as noise"),
    "pending": ("neutral", "clock", "Pending"),
    "succeeded": ("ok", "circle-check", "Succeeded"),
    "inactive": ("neutral", "circle-slash", "Replaced"),
    "unmatched": ("bad", "link-2-off", "No change"),
    "conditional": ("accent", "list-checks", "Approved with conditions"),
    "passed": ("ok", "circle-check", "Passed"),
    "deviations": ("bad", "triangle-alert", "Deviations"),
    "unknown": ("bad", "circle-question-mark", "Unknown"),
    "deviates": ("bad", "triangle-alert", "Deviates"),
    "unread": ("bad", "unplug", "Not read"),
    "never_operated": ("warn", "circle-alert", "Never operated"),
    "not_run": ("neutral", "clock", "Not run yet"),
    "no_test": ("bad", "circle-x", "No test"),
    "rejected": ("bad", "circle-x", "Rejected"),
    "deferred": ("neutral", "redo-2", "Deferred"),
    "superseded": ("neutral", "copy", "Superseded"),
    "expired": ("warn", "timer-off", "Expired"),
    "changes_requested": ("bad", "message-square-x", "Changes requested"),
    "commented": ("neutral", "message-square", "Commented"),
    "dismissed": ("neutral", "circle-slash", "Dismissed"),
    "lapsed": ("warn", "timer-off", "Lapsed"),
    "new": ("info", "clock", "Waiting"),
    "applied": ("ok", "circle-check", "Applied"),
    "ignored": ("neutral", "circle-slash", "Kept, not used"),
    "duplicate": ("neutral", "copy", "Same content again"),
    "quarantined": ("bad", "circle-alert", "Quarantined"),
    "delivered": ("ok", "circle-check", "Delivered"),
    "retrying": ("warn", "refresh-cw", "Retrying"),
    "done": ("ok", "circle-check", "Done"),
    "begun": ("info", "circle-dot-dashed", "Begun"),
    "left_out": ("neutral", "circle-slash", "Not used here"),
    "healthy": ("ok", "circle-check", "Healthy"),
    "stale": ("warn", "clock-alert", "Out of date"),
    "broken": ("bad", "circle-x", "Broken"),
    "verified": ("ok", "shield-check", "Verified"),
    "tampered": ("bad", "shield-alert", "Does not match"),
    "planned": ("neutral", "calendar", "Planned"),
    "live": ("info", "radio", "In session"),
    "ended": ("ok", "circle-check", "Held"),
    "missed": ("bad", "calendar-x", "Missed"),
    "cancelled": ("neutral", "circle-slash", "Cancelled"),
    "settled": ("ok", "circle-check", "Settled"),
    "carried": ("warn", "redo-2", "Carried over"),
    "dropped": ("neutral", "circle-minus", "Taken off"),
    "development": ("neutral", "code", "Development"),
    "staging": ("neutral", "flask-conical", "Staging"),
    "production": ("neutral", "globe", "Production"),
}


@register.simple_tag
@lru_cache(maxsize=4096)
def badge(kind: str, label: str = "") -> SafeString:
    """A word in a tinted box. ``label`` replaces the word; an unknown kind raises, use ``pill`` for a vendor's own word."""
    tone, icon_name, word = BADGES[str(kind)]
    return pill(str(label) or word, tone, icon_name)


@register.simple_tag
@lru_cache(maxsize=4096)
def pill(text: str, tone: str = "neutral", icon_name: str = "") -> SafeString:
    """A badge with any text, for words that are not ours."""
    drawn = icon(icon_name, 0) if icon_name else ""
    return format_html('<span class="badge" data-tone="{}">{}{}</span>', escape(tone), drawn, escape(text))


@register.simple_tag
@lru_cache(maxsize=256)
def state_icon(state: str, size: int = 18) -> SafeString:
    """The icon of a state, followed by its word for screen readers."""
    tone, icon_name, word = STATES[str(state)]
    spin = "spin" if state == "running" else ""
    return format_html(
        '<span class="state" data-tone="{}">{}<span class="sr-only">{}: </span></span>', tone, icon(icon_name, size, spin), word
    )


@register.simple_tag
@lru_cache(maxsize=8)
def unconfirmed(short: bool = False) -> SafeString:
    """The mark of a fact that a delivery reported and the vendor's API has not confirmed yet."""
    words = "Unconfirmed" if short else "Reported, not confirmed yet"
    return format_html(
        '<span class="badge badge-open" data-tone="neutral" title="{}">{}{}</span>',
        "A delivery reported this. It counts as confirmed once it has been read again from the source.",
        icon("circle-question-mark", 14),
        words,
    )


@register.simple_tag
@lru_cache(maxsize=256)
def tile(icon_name: str, tone: str = "neutral") -> SafeString:
    """An icon in a tinted square, at the start of a row."""
    return format_html('<span class="tile" data-tone="{}">{}</span>', escape(tone), icon(icon_name, 18))
