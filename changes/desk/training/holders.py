"""Tells training who has access at a connected system, with a role here or without (P-28), and who is in which team there."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from changes.training.involved import provider

HOLDERS = """
SELECT i.user_id, min(greatest(e.first_seen_at, i.linked_at))
FROM changes_entitlement e
JOIN changes_thing t ON t.id = e.thing_id
JOIN portal_identity i ON i.uid = e.account_id AND i.provider = split_part(split_part(t.key, ':', 1), '.', 1)
JOIN portal_user u ON u.id = i.user_id
WHERE e.account_kind = 'person' AND e.first_seen_at <= %(at)s AND (e.ended_at IS NULL OR e.ended_at > %(at)s)
  AND i.linked_at <= %(at)s AND (i.ended_at IS NULL OR i.ended_at > %(at)s)
  AND (u.left_at IS NULL OR u.left_at > %(at)s)
  AND (%(people)s::bigint[] IS NULL OR i.user_id = ANY(%(people)s))
  AND NOT EXISTS (
      SELECT FROM portal_rolegrant g
      WHERE g.user_id = u.id AND g.role = 'auditor' AND g.valid_from <= %(at)s
        AND (g.valid_until IS NULL OR g.valid_until > %(at)s))
GROUP BY i.user_id
"""
"""A right counts for a person from when both were known: the right, and whose account it is. Auditors take no part."""


TEAMS = """
SELECT team, id FROM portal_user WHERE team <> ''
UNION
SELECT t.name, i.user_id
FROM changes_entitlement e
JOIN changes_thing t ON t.id = e.thing_id
JOIN portal_identity i ON i.uid = e.account_id AND i.provider = 'github'
JOIN portal_user u ON u.id = i.user_id AND u.team = ''
WHERE t.key LIKE 'github.team:%%' AND e.account_kind = 'person' AND e.first_seen_at <= %(at)s
  AND (e.ended_at IS NULL OR e.ended_at > %(at)s) AND i.linked_at <= %(at)s AND (i.ended_at IS NULL OR i.ended_at > %(at)s)
"""


def teams_at(at: datetime) -> dict[str, frozenset[int]]:
    """Teams by name with their people (ids): the team in the directory, for others GitHub's at that moment. One query."""
    with connection.cursor() as cursor:
        cursor.execute(TEAMS, {"at": at})
        rows = cursor.fetchall()
    return {name: frozenset(person for team, person in rows if team == name) for name in sorted({name for name, _ in rows})}


@provider
def holders(at: datetime, people: Collection[int] | None) -> dict[int, datetime]:
    """Who held a right at GitHub, Fly, Slack, Doppler or Cloudflare at a moment. One query."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS, {"at": at, "people": None if people is None else list(people)})
        return dict(cursor.fetchall())
