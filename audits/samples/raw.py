"""What the forge itself sent, byte for byte as it was kept: deliveries about a pull request round the time that a fact names.
Those whose bodies were let go by age are not among them.

They are asked for by plain SQL: audits do not stand on the connectors.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection

from audits.populations.facts import moment
from audits.samples.attributes import Answer
from changes.delivery.models import Check, PullRequest, Push

ROUND = timedelta(minutes=15)
"""How far from its moment a delivery may have come in."""
LOOKED_AT, KEPT = 200, 2
"""Deliveries that are asked for at a time, and round each moment at most; deliveries that are given."""
DELIVERIES = """
SELECT d.event, d.delivery_id, d.received_at, d.body, d.id FROM changes_delivery d
WHERE d.received_at >= %(since)s AND (d.received_at, d.id) < (%(until)s, %(before)s) AND d.event = ANY (%(events)s::text[])
  AND d.repository_name = %(repository)s AND d.body <> ''
ORDER BY d.received_at DESC, d.id DESC LIMIT %(limit)s
"""
LAST = 2**63 - 1
OTHERWISE = {
    "pull_request": ("Merge Request Hook",),
    "pull_request_review": ("pull_request_approved", "pull_request_rejected", "pull_request_comment", "Merge Request Hook"),
    "check_run": ("Pipeline Hook",),
    "push": ("Push Hook",),
}
"""What Gitea and GitLab call the events that GitHub calls so, where it is otherwise. GitLab tells of deployments to nobody here."""
Window = tuple[datetime, datetime, int]
"""From, to, and round how many moments."""


class Deliveries:
    """What came in about the pull requests and pushes of one sheet. When the portal heard of each is asked for once."""

    def __init__(self) -> None:
        self._windows: dict[tuple[Any, ...], list[Window]] = {}

    def about(self, request: Mapping[str, Any], events: Sequence[str]) -> list[Answer]:
        """The last deliveries of these kinds about a pull request or a push of the facts, or about its commits; at most two."""
        place = tuple(request.get(name) for name in ("repository", "number", "head_sha", "commit"))
        if place not in self._windows:
            self._windows[place] = windows_round(_moments(request))
        found = (
            Answer(f"{event} {name}", moment(received), text)
            for window in self._windows[place]
            for event, name, received, text in _texts(str(request["repository"]), events, window)
            if is_about(request, text)
        )
        return list(islice(found, KEPT))


def windows_round(moments: Iterable[datetime]) -> list[Window]:
    """The times round these moments, the latest first; those that overlap are one, so that nothing is looked at twice. Pure."""
    found: list[Window] = []
    for when in sorted(moments, reverse=True):
        since, until = when - ROUND, when + ROUND
        if found and found[-1][0] <= until:
            found[-1] = (since, found[-1][1], found[-1][2] + 1)
        else:
            found.append((since, until, 1))
    return found


def _moments(request: Mapping[str, Any]) -> set[datetime]:
    """When the portal heard of it: of the pull request, its reviews and its checks; of a push, when it came."""
    if "number" not in request:
        pushed = Push.objects.filter(repository__name=request["repository"], after=request["commit"])
        return set(pushed.values_list("reported_at", flat=True))
    rows = PullRequest.objects.filter(repository__name=request["repository"], number=request["number"])
    checks = Check.objects.filter(repository__name=request["repository"], head_sha=request["head_sha"])
    times = {*rows.values_list("reported_at", flat=True), *rows.values_list("reviews__reported_at", flat=True)}
    return {time for time in {*times, *checks.values_list("reported_at", flat=True)} if time}


def _texts(repository: str, events: Sequence[str], window: Window) -> Iterator[tuple[str, str, datetime, str]]:
    """Event, id, time and text of what came in, the last first; as many as are looked at, piece by piece."""
    since, until, times = window
    names = [name for event in events for name in (event, *OTHERWISE.get(event, ()))]
    wanted: dict[str, Any] = {"since": since, "until": until, "before": LAST, "events": names, "limit": LOOKED_AT}
    for _ in range(times):
        with connection.cursor() as cursor:
            cursor.execute(DELIVERIES, {**wanted, "repository": repository})
            rows = cursor.fetchall()
        for event, name, received, body, _pk in rows:
            yield event, name, received, zlib.decompress(bytes(body)).decode(errors="replace")
        if len(rows) < LOOKED_AT:
            return
        wanted |= {"until": rows[-1][2], "before": rows[-1][4]}


def is_about(request: Mapping[str, Any], text: str) -> bool:
    """Whether a delivery names the pull request by its number (GitLab: ``iid``), or one of its commits. Pure."""
    try:
        body = json.loads(text)
    except ValueError:
        return False
    if not isinstance(body, dict):
        return False
    about, number = body.get("pull_request"), "number"
    if body.get("object_kind") == "merge_request":
        about, number = body.get("object_attributes"), "iid"
    if isinstance(about, dict):
        return bool(about.get(number) == request.get("number"))
    return any(sha and sha in text for sha in (request.get("head_sha"), request.get("merge_sha"), request.get("commit")))
