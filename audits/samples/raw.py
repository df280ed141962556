"""What the forge itself sent, byte for byte as it was kept: deliveries about a pull request round the time that a fact names.

They are asked for by plain SQL: audits do not stand on the connectors.
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from audits.populations.facts import moment
from audits.samples.attributes import Answer
from changes.delivery.models import Check, PullRequest, Push

ROUND = timedelta(minutes=15)
"""How far from its moment a delivery may have come in."""
LOOKED_AT, KEPT = 200, 2
DELIVERIES = """
SELECT d.event, d.delivery_id, d.received_at, d.body FROM changes_delivery d
WHERE d.received_at >= %(since)s AND d.received_at <= %(until)s AND d.event = ANY (%(events)s::text[])
  AND d.repository_name = %(repository)s
ORDER BY d.received_at DESC, d.id DESC LIMIT %(limit)s
"""


def answers_about(request: Mapping[str, Any], events: Sequence[str]) -> list[Answer]:
    """The last deliveries of these kinds about a pull request or a push of the facts, or about its commits; at most two."""
    found: list[Answer] = []
    for when in sorted(_moments(request), reverse=True):
        for event, name, received, body in _near(str(request["repository"]), events, when):
            text = zlib.decompress(bytes(body)).decode(errors="replace")
            if _is_about(request, text):
                found.append(Answer(f"{event} {name}", moment(received), text))
            if len(found) == KEPT:
                return found
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


def _near(repository: str, events: Sequence[str], when: datetime) -> Iterator[tuple[str, str, datetime, bytes]]:
    wanted: dict[str, Any] = {"since": when - ROUND, "until": when + ROUND, "events": list(events)}
    wanted |= {"repository": repository, "limit": LOOKED_AT}
    with connection.cursor() as cursor:
        cursor.execute(DELIVERIES, wanted)
        yield from cursor.fetchall()


def _is_about(request: Mapping[str, Any], text: str) -> bool:
    """Whether a delivery names the pull request by its number, or one of its commits."""
    try:
        body = json.loads(text)
    except ValueError:
        return False
    about = body.get("pull_request") if isinstance(body, dict) else None
    if isinstance(about, dict):
        return bool(about.get("number") == request.get("number"))
    return any(sha and sha in text for sha in (request.get("head_sha"), request.get("merge_sha"), request.get("commit")))
