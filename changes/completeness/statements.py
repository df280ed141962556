"""The statements of the populations. Each yields key, at, place, name, words, link, state, exception (``populations``).

``{...}`` are other parts of the text, filled in when the module loads; every value goes in as a parameter.
"""

IN_SCOPE = "(%(repositories)s::text[] IS NULL OR r.name = ANY(%(repositories)s))"
OF_RELEASES = "(%(releases)s::text[] IS NULL OR e.source = ANY(%(releases)s))"
CARRIED = """
    EXISTS (
        SELECT FROM changes_pullrequest p JOIN changes_linkedpullrequest l ON l.pull_request_id = p.id AND l.role <> 'joined'
        WHERE p.repository_id = e.repository_id AND (p.merge_sha = e.commit_sha OR p.head_sha = e.commit_sha)
    ) OR EXISTS (
        SELECT FROM changes_linkedpush u
        WHERE u.repository_id = e.repository_id AND u.commit_sha = e.commit_sha AND u.taken_back_at IS NULL
    )
"""
COMMITS = """
WITH b AS MATERIALIZED (
    SELECT r.id, r.name, r.in_scope_from, r.in_scope_until, both_.branch, (
        SELECT f.seen_at FROM changes_branchcommit f WHERE f.repository_id = r.id AND f.branch = both_.branch
        ORDER BY f.position, f.seen_at LIMIT 1
    ) AS first_seen
    FROM changes_repository r CROSS JOIN LATERAL (SELECT DISTINCT unnest(ARRAY[r.main_branch, r.prod_branch]) AS branch) both_
    WHERE {in_scope}
)
SELECT c.id::text AS key, c.committed_at AS at, b.name || ' ' || c.branch AS place, left(c.sha, 12) AS name,
    CASE WHEN outside.why IS NOT NULL THEN outside.why
         ELSE left(c.subject, 200) || CASE
             WHEN c.merge_content IN ('resolved', 'own') THEN ' · the merge holds what neither side has'
             WHEN c.merge_content = 'unknown' THEN ' · nobody can tell what the merge holds'
             ELSE '' END
    END AS words, '' AS link,
    CASE WHEN outside.why IS NOT NULL THEN 'outside' WHEN lone.id IS NULL THEN 'matched' ELSE 'unmatched' END AS state,
    CASE WHEN lone.id IS NULL THEN NULL ELSE (
        SELECT e.id FROM changes_exceptionrecord e
        WHERE e.repository_id = c.repository_id AND e.kind IN ('direct_push', 'force_push', 'branch_deleted')
          AND (e.evidence ->> 'commit' = c.sha OR e.evidence ->> 'after' = c.sha
               OR e.evidence -> 'commits' @> jsonb_build_array(jsonb_build_object('sha', c.sha)))
        ORDER BY e.id LIMIT 1
    ) END AS exception
FROM b
JOIN changes_branchcommit c ON c.repository_id = b.id AND c.branch = b.branch
LEFT JOIN unnest(%(lone)s::bigint[]) AS lone(id) ON lone.id = c.id
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN c.committed_at < b.in_scope_from AND c.seen_at <= b.first_seen THEN 'Before the repository was in scope'
        WHEN c.committed_at >= b.in_scope_until THEN 'After the repository had left the scope'
    END AS why
) outside
WHERE c.committed_at >= %(since)s AND c.committed_at < %(until)s
"""
MERGED = """
SELECT p.id::text AS key, p.merged_at AS at, r.name || ' ' || p.base_ref AS place, '#' || p.number AS name,
    left(p.title, 200) AS words, '' AS link,
    CASE WHEN EXISTS (SELECT FROM changes_linkedpullrequest l WHERE l.pull_request_id = p.id AND l.role <> 'joined')
        THEN 'matched' ELSE 'unmatched' END AS state,
    NULL::bigint AS exception
FROM changes_pullrequest p JOIN changes_repository r ON r.id = p.repository_id
WHERE p.state = 'merged' AND p.base_ref IN (r.main_branch, r.prod_branch)
  AND p.merged_at >= %(since)s AND p.merged_at < %(until)s AND {in_scope}
"""
RELEASES = """
SELECT e.id::text AS key, e.created_at AS at, coalesce(nullif(e.app, ''), r.name, 'no repository') AS place,
    CASE WHEN e.app = '' THEN 'deployment ' || e.vendor_id ELSE e.app || ' v' || e.version END AS name,
    concat_ws(' · ', nullif(e.actor, ''), nullif(left(e.commit_sha, 12), ''), e.state) AS words, '/deploys/' || e.id || '/' AS link,
    CASE WHEN e.commit_sha <> '' AND ({carried}) THEN 'matched' ELSE 'unmatched' END AS state,
    (SELECT x.id FROM changes_exceptionrecord x WHERE x.key = 'release:' || e.id || ':unknown_release') AS exception
FROM changes_release e LEFT JOIN changes_repository r ON r.id = e.repository_id
WHERE e.source = '{source}' AND e.environment = 'production' AND e.state <> 'pending'
  AND e.created_at >= %(since)s AND e.created_at < %(until)s AND {in_scope}
"""
LOGGED = """
SELECT e.id::text AS key, e.created_at AS at, coalesce(nullif(e.app, ''), r.name, 'no repository') AS place,
    CASE WHEN e.app = '' THEN 'deployment ' || e.vendor_id ELSE e.app || ' v' || e.version END AS name,
    CASE WHEN m.id IS NOT NULL
             THEN 'In the channel since ' || to_char(m.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
         WHEN s.connected_at IS NULL THEN 'No Slack is connected'
         WHEN e.created_at < s.connected_at THEN 'Before Slack was connected'
         ELSE 'No message in the channel' END AS words,
    '/deploys/' || e.id || '/' AS link,
    CASE WHEN m.id IS NOT NULL THEN 'matched' WHEN e.created_at < s.connected_at THEN 'outside' ELSE 'unmatched' END AS state,
    (SELECT x.id FROM changes_exceptionrecord x WHERE x.kind = 'log_channel_down' AND x.happened_at <= e.created_at
        AND coalesce((x.evidence ->> 'until')::timestamptz, 'infinity') >= e.created_at ORDER BY x.id LIMIT 1) AS exception
FROM changes_release e LEFT JOIN changes_repository r ON r.id = e.repository_id
LEFT JOIN changes_releaselog m ON m.release_id = e.id
LEFT JOIN (SELECT min(connected_at) AS connected_at FROM changes_source WHERE kind = 'slack') s ON true
WHERE e.environment = 'production' AND e.state <> 'pending'
  AND e.created_at >= %(since)s AND e.created_at < %(until)s AND {in_scope} AND {releases}
"""
MESSAGES = """
SELECT m.channel || ':' || m.ts AS key, m.at, m.channel AS place, m.ts AS name, m.words, m.link, m.state, NULL::bigint AS exception
FROM (
    SELECT l.channel, l.ts, min(l.posted_at) AS at,
        string_agg(CASE WHEN e.app = '' THEN 'deployment ' || e.vendor_id ELSE e.app || ' v' || e.version END, ', ') AS words,
        max(l.permalink) AS link, 'matched' AS state
    FROM changes_releaselog l JOIN changes_release e ON e.id = l.release_id LEFT JOIN changes_repository r ON r.id = e.repository_id
    WHERE {in_scope} GROUP BY l.channel, l.ts
    UNION ALL
    SELECT o.channel, o.ts, to_timestamp(o.ts::double precision), o.name, o.permalink, 'unmatched'
    FROM changes_posting o
    WHERE o.name LIKE 'log:%%' AND o.thread_ts = '' AND %(repositories)s::text[] IS NULL
      AND NOT EXISTS (SELECT FROM changes_releaselog l WHERE l.channel = o.channel AND l.ts = o.ts)
) m
WHERE m.at >= %(since)s AND m.at < %(until)s
"""
EDITS = """
SELECT v.id::text AS key, v.at, v.source AS place,
    coalesce(nullif(v.object_name, ''), nullif(v.object_id, ''), v.kind) AS name,
    CASE WHEN v.at < s.connected_at THEN 'Before ' || v.source || ' was connected'
         ELSE concat_ws(' · ', nullif(v.actor_name, ''), v.action, m.reason) END AS words, '' AS link,
    CASE WHEN m.id IS NOT NULL THEN 'matched' WHEN v.at < s.connected_at THEN 'outside' ELSE 'unmatched' END AS state,
    (SELECT x.id FROM changes_exceptionrecord x WHERE x.key = '{prefix}' || v.id) AS exception
FROM changes_vendorevent v LEFT JOIN changes_editmatch m ON m.event_id = v.id LEFT JOIN changes_source s ON s.name = v.source
WHERE {wanted} AND v.at >= %(since)s AND v.at < %(until)s AND %(repositories)s::text[] IS NULL
"""
# What a released change has to have. Its pull requests and its pushes name the commits (s).
CHANGED = """
SELECT c.number::text AS key, c.released_at AS at, 'all changes' AS place, 'CHG-' || c.number AS name,
    CASE WHEN found.unread THEN 'Git was not read: ' ELSE '' END || coalesce(c.title, '') AS words,
    '/changes/' || c.number || '/' AS link,
    CASE WHEN found.present THEN 'matched' WHEN found.unread THEN 'outside' ELSE 'unmatched' END AS state,
    (
        SELECT x.id FROM changes_exceptionrecord x
        WHERE x.change_id = c.id AND x.kind IN ('unknown_release', 'force_push', 'branch_deleted') ORDER BY x.id LIMIT 1
    ) AS exception
FROM changes_change c
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or({present}), false) AS present, coalesce(NOT bool_or({readable}), false) AS unread
    FROM (
        SELECT p.repository_id, p.merge_sha AS sha FROM changes_linkedpullrequest l
        JOIN changes_pullrequest p ON p.id = l.pull_request_id
        WHERE l.change_id = c.id AND l.role <> 'joined' AND p.merge_sha <> ''
        UNION ALL
        SELECT u.repository_id, u.commit_sha FROM changes_linkedpush u WHERE u.change_id = c.id AND u.taken_back_at IS NULL
    ) s
) found
WHERE c.released_at >= %(since)s AND c.released_at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR c.repository_names && %(repositories)s::text[])
"""
MIRRORED = """EXISTS (SELECT FROM changes_repository r WHERE r.id = s.repository_id AND r.mirrored_at IS NOT NULL)"""
ON_PROD = """EXISTS (
    SELECT FROM changes_branchcommit b JOIN changes_repository r ON r.id = b.repository_id
    WHERE b.repository_id = s.repository_id AND b.sha = s.sha AND b.branch = r.prod_branch
)"""
RELEASED = """EXISTS (
    SELECT FROM changes_release e WHERE e.repository_id = s.repository_id AND e.commit_sha = s.sha AND e.environment = 'production'
)"""
IN_CHANNEL = """EXISTS (
    SELECT FROM changes_release e JOIN changes_releaselog m ON m.release_id = e.id
    WHERE e.repository_id = s.repository_id AND e.commit_sha = s.sha AND e.environment = 'production'
)"""
