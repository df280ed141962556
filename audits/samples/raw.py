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
    """The last deliveries of these kinds about a pull request of the facts, or about its commits; at most two."""
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
    times = [request.get("merged_at"), *(item.get("at") for part in ("reviews", "checks") for item in request.get(part) or ())]
    return {datetime.fromisoformat(str(time)) for time in times if time}


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
        return bool(about.get("number") == request["number"])
    return any(sha and sha in text for sha in (request.get("head_sha"), request.get("merge_sha")))
