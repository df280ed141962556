"""Watches the portal's channels at Slack: renamed, archived, without the app, or with a token that was revoked (P-14).

Each becomes an exception that lasts as long as it does: begun by Slack's event or by the poll, ended by the poll that finds
everything as it should be.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from changes.connectors.errors import Passing, Permanent
from changes.connectors.fields import Fields
from changes.connectors.keeping import keep
from changes.connectors.models import Source
from changes.connectors.slack.health import look
from changes.connectors.slack.production_log import note_posted, post_again
from changes.connectors.slack.rights import read_members
from changes.connectors.slack.suggesting import suggest
from changes.delivery.models import Repository
from changes.exceptions import intervals

LONG = timedelta(minutes=15)
"""Slack away for longer than this is an exception too: by then a release should have its message (``log_within``)."""
KIND = "log_channel_down"
EVENTS: Mapping[str, str] = {
    "app_uninstalled": "The app was removed from the workspace.",
    "tokens_revoked": "Slack has revoked the app's token.",
    "channel_archive": "#{name} was archived.",
    "group_archive": "#{name} was archived.",
    "channel_deleted": "#{name} was deleted.",
    "group_deleted": "#{name} was deleted.",
    "channel_left": "The app was removed from #{name}.",
    "group_left": "The app was removed from #{name}.",
    "member_left_channel": "The app was removed from #{name}.",
}
WHOLE = frozenset({"app_uninstalled", "tokens_revoked"})


def watch(*, source: Source, at: datetime) -> set[Repository]:
    """Look once, and begin or end what lasts. Returns the repositories of releases whose message was noted meanwhile.

    Raises ``Passing`` and ``Permanent`` as ``look`` does.
    """
    last_good = source.last_good_read_at or source.connected_at
    try:
        look(source=source)
    except Permanent as problem:
        _begin(source, problem.reason, since=last_good, at=at)
        raise
    except Passing as problem:
        if at - last_good > LONG:
            _begin(source, f"Slack has been away since {last_good:%-d %b %H:%M} UTC: {problem.reason}", since=last_good, at=at)
        raise
    if intervals.end(prefix=_prefix(source, "down"), words="The channel can be used again.", at=at):
        post_again(at=at)
    _watch_names(source, last_good, at)
    suggest(source=source, at=at)
    read_members(source=source, at=at)
    return note_posted(at=at)


def _prefix(source: Source, what: str) -> str:
    return f"slack:{source.pk}:{what}"


def _begin(source: Source, words: str, *, since: datetime, at: datetime) -> None:
    channel = source.settings.get("channels", {}).get("changes", "")
    intervals.begin(
        kind=KIND,
        prefix=_prefix(source, "down"),
        subject=channel,
        sentence=words if words.endswith(".") else f"{words}.",
        since=since,
        at=at,
        evidence={"channel": channel, "source": source.name},
    )


def _watch_names(source: Source, last_good: datetime, at: datetime) -> None:
    """A channel keeps the name that it had first: people look for it by that."""
    names: dict[str, str] = source.settings.get("names", {})
    expected = {**names, **{key: name for key, name in source.settings.get("expected", {}).items() if key in names}}
    if expected != source.settings.get("expected"):
        keep(source=source, expected=expected)
    for channel, name in names.items():
        prefix = _prefix(source, f"renamed-{channel}")
        if expected[channel] == name:
            intervals.end(prefix=prefix, words=f"It is called #{name} again.", at=at)
            continue
        intervals.begin(
            kind=KIND,
            prefix=prefix,
            subject=channel,
            sentence=f"#{expected[channel]} is called #{name} now: people look for it under its former name.",
            since=last_good,
            at=at,
            evidence={"channel": channel, "before": expected[channel], "now": name, "source": source.name},
        )


def note_event(*, source: Source, event: str, fields: Fields | None, at: datetime) -> str:
    """Take Slack's word for what happened to a channel of ours, until the poll looks. Returns words; empty: not ours."""
    words = EVENTS.get(event)
    if words is None:
        return ""
    name = "" if event in WHOLE else _channel_of_ours(source, event, fields)
    if not name and event not in WHOLE:
        return ""
    told = words.format(name=name)
    _begin(source, told, since=at, at=at)
    Source.objects.filter(pk=source.pk).update(failures=source.failures + 1, last_failed_read_at=at, last_error=told)
    return told


def _channel_of_ours(source: Source, event: str, fields: Fields | None) -> str:
    told: Mapping[str, Any] = fields.values if fields is not None else {}
    channel = told.get("channel")
    if event == "member_left_channel" and told.get("user") != source.settings.get("user"):
        return ""
    if channel not in set(source.settings.get("channels", {}).values()):
        return ""
    return str(source.settings.get("names", {}).get(channel, channel))
