"""Accounts at the forge that did something in a connected repository, from the synced facts. For the list of unexplained ones."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from portal.access.accounts.seeing import Seen, provider

FORGE = "github"
WEB_FLOW = 19864447
"""GitHub's own committer of merges made in the browser: nobody's account."""
SEEN = """
WITH did AS (
    SELECT author_uid AS uid, author_login AS login, author_is_bot AS bot, 'opened' AS what, '' AS name, '' AS mail,
           coalesce(opened_at, touched_at) AS at FROM changes_pullrequest WHERE author_uid IS NOT NULL
    UNION ALL
    SELECT merged_by_uid, merged_by_login, false, 'merged', '', '', coalesce(merged_at, touched_at)
        FROM changes_pullrequest WHERE merged_by_uid IS NOT NULL
    UNION ALL
    SELECT queued_by_uid, queued_by_login, false, 'merged', '', '', coalesce(merged_at, touched_at)
        FROM changes_pullrequest WHERE queued_by_uid IS NOT NULL AND merged_at IS NOT NULL
    UNION ALL
    SELECT uid, login, is_bot, 'reviewed', '', '', coalesce(submitted_at, reported_at) FROM changes_review WHERE uid IS NOT NULL
    UNION ALL
    SELECT pusher_uid, pusher_login, false, 'pushed', '', '', pushed_at FROM changes_push WHERE pusher_uid IS NOT NULL
    UNION ALL
    SELECT actor_uid, actor_login, false, 'ruled', '', '', happened_at FROM changes_ruleevent WHERE actor_uid IS NOT NULL
    UNION ALL
    SELECT (one ->> 'uid')::bigint, one ->> 'login', false, 'committed', one ->> 'name',
           CASE WHEN one ->> 'role' = 'co-author' THEN '' ELSE lower(one ->> 'email') END, touched_at
        FROM changes_pullrequest, jsonb_array_elements(commit_people) AS one WHERE jsonb_typeof(one -> 'uid') = 'number'
)
SELECT uid,
       coalesce((array_agg(login ORDER BY at DESC) FILTER (WHERE login <> ''))[1], ''),
       coalesce((array_agg(name ORDER BY at DESC) FILTER (WHERE name <> ''))[1], ''),
       coalesce(array_agg(DISTINCT mail) FILTER (WHERE mail <> ''), '{}'),
       bool_or(bot),
       count(*) FILTER (WHERE what = 'opened'),
       count(*) FILTER (WHERE what = 'merged'),
       count(*) FILTER (WHERE what = 'reviewed'),
       count(*) FILTER (WHERE what = 'pushed'),
       count(*) FILTER (WHERE what = 'committed'),
       count(*) FILTER (WHERE what = 'ruled'),
       max(at)
FROM did WHERE uid <> %s GROUP BY uid
"""
WORDS = (
    ("pull request", "pull requests"),
    ("merge", "merges"),
    ("review", "reviews"),
    ("push", "pushes"),
    ("pull request with its commits", "pull requests with its commits"),
    ("edit of a rule", "edits of rules"),
)


@provider
def forge_accounts() -> Iterator[Seen]:
    """Everybody who opened, merged, reviewed, pushed, committed or changed a rule, by GitHub's number. One query.

    GitHub gives a commit's account only for an address that the account's owner has confirmed there, so such addresses speak for
    the account; those of "Co-authored-by" lines, which anybody can write, do not.
    """
    with connection.cursor() as cursor:
        cursor.execute(SEEN, [WEB_FLOW])
        rows = cursor.fetchall()
    yield from (_seen(*row) for row in rows)


def _seen(uid: int, login: str, name: str, mails: list[str], bot: bool, *rest: Any) -> Seen:
    counts: tuple[int, ...] = rest[:-1]
    last: datetime | None = rest[-1]
    doings = ", ".join(f"{count} {words[count != 1]}" for count, words in zip(counts, WORDS, strict=True) if count)
    return Seen(FORGE, str(uid), login, name, frozenset(mails), bot or login.endswith("[bot]"), doings, last)
