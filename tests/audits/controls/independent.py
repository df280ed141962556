"""Every control once more, written apart: plain SQL over the raw facts, without exceptions, gates or anything else that a
reader uses where the facts themselves can say it. Each statement gives (population, deviations) of a window, ``%(since)s`` to
``%(until)s``.
"""

from django.db import connection
from django.urls import URLPattern, get_resolver

from audits.controls.catalogue import CONTROLS
from audits.controls.rows import result_of

GUARDED = "(p.base_ref = r.main_branch OR p.base_ref = r.prod_branch)"
MERGES = f"""
merges AS (
    SELECT p.*, r.main_branch, r.prod_branch FROM changes_pullrequest p JOIN changes_repository r ON r.id = p.repository_id
    WHERE {GUARDED} AND p.merged_at >= %(since)s AND p.merged_at < %(until)s
)"""
DECLARED = "(c.category = 'emergency' AND NOT c.undeclared)"
REACHED = "c.merged_at >= %(since)s AND c.merged_at < %(until)s"
REVIEWED = """
EXISTS (
    SELECT FROM changes_review v WHERE v.pull_request_id = m.id AND v.state = 'approved' AND NOT v.is_bot
      AND v.commit_sha = m.head_sha AND v.submitted_at <= m.merged_at AND v.uid IS DISTINCT FROM m.author_uid
      AND NOT EXISTS (SELECT FROM jsonb_array_elements(m.commit_people) w WHERE (w->>'uid')::bigint = v.uid)
)"""
CARRIED = """
(SELECT {what} FROM changes_linkedpullrequest l JOIN changes_change c ON c.id = l.change_id
    WHERE l.pull_request_id = m.id AND l.role IN ('work', 'promotion'))"""
DECLARED_MERGE = f"coalesce({CARRIED.format(what=f'bool_and{DECLARED}')}, false)"
"""It brings emergencies that somebody declared and nothing else."""
GREEN = """
NOT EXISTS (
    SELECT FROM changes_check k WHERE k.repository_id = m.repository_id AND k.head_sha = m.head_sha AND k.name <> 'Countersign'
      AND k.conclusion IN ('failure', 'timed_out', 'cancelled') AND k.completed_at <= m.merged_at
)"""
KNOWN = """
EXISTS (SELECT FROM changes_branchcommit b WHERE b.repository_id = x.repository_id AND b.sha = x.commit_sha
    AND b.branch = {branch})"""
FEEDS = "CASE x.environment WHEN 'staging' THEN r.main_branch ELSE r.prod_branch END"
PLAN = """
(SELECT v.{column} FROM changes_revision v WHERE v.change_id = c.id
    AND v.at <= greatest(c.merged_at, c.opened_at + interval '1 hour')
 ORDER BY v.number DESC LIMIT 1)"""
APPROVED = (
    """
(EXISTS (SELECT FROM changes_approval a WHERE a.change_id = c.id AND a.verdict = 'yes' AND a.at <= c.merged_at
         AND NOT EXISTS (SELECT FROM changes_approvallapse x WHERE x.approval_id = a.id AND x.at <= c.merged_at))
 OR EXISTS (SELECT FROM changes_linkedpullrequest l JOIN changes_pullrequest m ON m.id = l.pull_request_id
            JOIN changes_repository r ON r.id = m.repository_id
            WHERE l.change_id = c.id AND m.base_ref = r.prod_branch AND r.approved_by = 'review' AND """
    + REVIEWED.strip()
    + "))"
)
EDITS = """
edits AS (
    SELECT e.* FROM changes_vendorevent e WHERE e.at >= %(since)s AND e.at < %(until)s AND (
        (e.kind = 'doppler.config' AND e.environment = 'production')
        OR ((e.kind LIKE 'cloudflare.dns%%' OR e.kind IN ('cloudflare.zone', 'cloudflare.zones')
            OR e.kind LIKE 'cloudflare.access%%'
             OR e.kind IN ('cloudflare.service_token', 'cloudflare.identity_provider'))
            AND coalesce(e.detail->>'result', '') <> 'failure')
    )
)"""
COMPARED = """
WITH compared AS (
    SELECT * FROM changes_compared WHERE beside = '{beside}' AND first_at < %(until)s AND at >= %(since)s
), cases AS (
    SELECT * FROM changes_driftcase WHERE rule IN ({rules}) AND opened_at < %(until)s AND (closed_at IS NULL
        OR closed_at >= %(since)s)
), loose AS (
    SELECT * FROM cases d WHERE NOT EXISTS (SELECT FROM compared k WHERE k.source = d.source AND k.subject = d.subject)
)
SELECT (SELECT count(*) FROM compared) + (SELECT count(*) FROM loose),
       (SELECT count(*) FROM loose) + (SELECT count(*) FROM compared k
        WHERE EXISTS (SELECT FROM cases d WHERE d.source = k.source AND d.subject = k.subject))
"""

COUNTS: dict[str, str] = {
    "C-01": f"""
        WITH firsts AS (
            SELECT c.id, c.size, c.reasons, min(p.merged_at) AS merged FROM changes_change c
            JOIN changes_linkedpullrequest l ON l.change_id = c.id JOIN changes_pullrequest p ON p.id = l.pull_request_id
            JOIN changes_repository r ON r.id = p.repository_id
            WHERE {GUARDED} AND NOT {DECLARED} GROUP BY c.id
        ), asked AS (
            SELECT * FROM firsts WHERE merged >= %(since)s AND merged < %(until)s
              AND (size = 'large' OR jsonb_array_length(coalesce(reasons->'causes'->'size', '[]')) > 0)
        )
        SELECT count(*), count(*) FILTER (WHERE
            (size = 'large' AND NOT EXISTS (SELECT FROM changes_decision d WHERE d.change_id = asked.id AND d.at <= asked.merged
                AND d.outcome IN ('approved', 'conditional')))
            OR (size <> 'large' AND NOT EXISTS (SELECT FROM changes_classchoice h
                WHERE h.change_id = asked.id AND h.name = 'size' AND h.lowers AND h.reason <> '')))
        FROM asked""",
    "C-02": """
        WITH commits AS (
            SELECT b.* FROM changes_branchcommit b JOIN changes_repository r ON r.id = b.repository_id
            WHERE b.committed_at >= %(since)s AND b.committed_at < %(until)s AND b.committed_at >= r.in_scope_from
        ), lost AS (
            SELECT u.* FROM changes_push u WHERE u.pushed_at >= %(since)s AND u.pushed_at < %(until)s
              AND NOT u.forced AND NOT u.deleted AND u.before !~ '^0+$'
              AND NOT EXISTS (SELECT FROM changes_branchcommit b WHERE b.repository_id = u.repository_id AND b.sha = u.after)
              AND NOT EXISTS (SELECT FROM changes_pullrequest p WHERE p.repository_id = u.repository_id AND p.merge_sha = u.after)
        )
        SELECT (SELECT count(*) FROM commits) + (SELECT count(*) FROM lost),
               (SELECT count(*) FROM lost) + (SELECT count(*) FROM commits b WHERE NOT EXISTS (
                    SELECT FROM changes_pullrequest p WHERE p.repository_id = b.repository_id AND p.base_ref = b.branch
                      AND p.merge_sha = b.sha AND p.merged_at IS NOT NULL))""",
    "C-03": f"WITH {MERGES} SELECT count(*), count(*) FILTER (WHERE NOT {REVIEWED} AND NOT {DECLARED_MERGE}) FROM merges m",
    "C-04": f"""
        WITH {MERGES} SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
            SELECT FROM changes_release s WHERE s.repository_id = m.repository_id AND s.environment = 'staging'
              AND s.commit_sha IN (m.head_sha, m.merge_sha) AND s.succeeded_at <= m.merged_at))
        FROM merges m WHERE m.base_ref = m.prod_branch AND NOT {DECLARED_MERGE}""",
    "C-05": """
        SELECT count(*), count(*) FILTER (WHERE category NOT IN ('standard', 'emergency')
            OR coalesce(jsonb_array_length(reasons->'category'), 0) = 0)
        FROM changes_change WHERE opened_at >= %(since)s AND opened_at < %(until)s""",
    "C-06": """
        WITH apps AS (
            SELECT a.*, (SELECT s.id FROM changes_release s WHERE s.source = 'fly' AND s.app = a.external_id
                AND s.succeeded_at < %(until)s
                         ORDER BY s.succeeded_at DESC, s.id DESC LIMIT 1) AS newest
            FROM changes_asset a WHERE a.kind = 'fly.app' AND a.first_seen_at < %(until)s AND (a.gone_at IS NULL
                OR a.gone_at >= %(since)s)
        )
        SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
            SELECT FROM changes_release s JOIN changes_branchcommit b ON b.repository_id = s.repository_id
                AND b.sha = s.commit_sha
            WHERE s.id = apps.newest)) FROM apps""",
    "C-07": COMPARED.format(beside="git", rules="'image', 'env', 'services', 'checks', 'mounts', 'size'"),
    "C-08": """
        SELECT (SELECT count(*) FROM changes_push u WHERE u.pushed_at >= %(since)s AND u.pushed_at < %(until)s)
             + (SELECT count(*) FROM changes_ruleevent e WHERE e.kind <> 'member' AND e.happened_at >= %(since)s
                 AND e.happened_at < %(until)s),
               (SELECT count(*) FROM changes_push u WHERE (u.forced OR u.deleted) AND u.pushed_at >= %(since)s
                   AND u.pushed_at < %(until)s)
             + (SELECT count(*) FROM changes_ruleevent e WHERE e.kind <> 'member' AND e.weakens
                AND NOT EXISTS (SELECT FROM changes_rulematch k WHERE k.event_id = e.id)
                AND e.happened_at >= %(since)s AND e.happened_at < %(until)s)""",
    "C-09": f"""
        WITH {MERGES}, bare AS (
            SELECT u.* FROM changes_push u JOIN changes_repository r ON r.id = u.repository_id AND u.branch = r.main_branch
            WHERE u.pushed_at >= %(since)s AND u.pushed_at < %(until)s AND NOT u.forced AND NOT u.deleted AND u.before !~ '^0+$'
              AND NOT EXISTS (SELECT FROM changes_pullrequest p WHERE p.repository_id = u.repository_id AND p.merge_sha = u.after)
        )
        SELECT (SELECT count(*) FROM merges m WHERE m.base_ref = m.main_branch) + (SELECT count(*) FROM bare),
               (SELECT count(*) FROM merges m WHERE m.base_ref = m.main_branch
                AND ((NOT {REVIEWED} AND NOT {DECLARED_MERGE}) OR NOT {GREEN})) + (SELECT count(*) FROM bare)""",
    "C-10": COMPARED.format(beside="production", rules="'parity'"),
    "C-11": f"WITH {MERGES} SELECT count(*), count(*) FILTER (WHERE NOT {GREEN}) FROM merges m",
    "C-12": f"""
        SELECT count(*), count(*) FILTER (WHERE NOT {KNOWN.format(branch=FEEDS)})
        FROM changes_release x LEFT JOIN changes_repository r ON r.id = x.repository_id
        WHERE x.environment IN ('staging', 'production') AND x.created_at >= %(since)s AND x.created_at < %(until)s""",
    "C-13": COMPARED.format(beside="doppler", rules="'secrets'"),
    "C-14": f"""
        WITH {EDITS}, asked AS (
            SELECT coalesce(x.succeeded_at, x.created_at) AS began, g.posted_at FROM changes_release x
            LEFT JOIN changes_releaselog g ON g.release_id = x.id
            WHERE x.environment = 'production' AND x.state <> 'pending' AND x.created_at >= %(since)s AND x.created_at < %(until)s
            UNION ALL
            SELECT e.at, (
                SELECT min(g.posted_at) FROM changes_editmatch h JOIN changes_linkedpullrequest l ON l.change_id = h.change_id
                JOIN changes_pullrequest p ON p.id = l.pull_request_id
                JOIN changes_release x ON x.repository_id = p.repository_id AND x.commit_sha IN (p.merge_sha, p.head_sha)
                JOIN changes_releaselog g ON g.release_id = x.id
                WHERE h.event_id = e.id AND x.environment = 'production' AND x.commit_sha <> '' AND g.posted_at >= e.at
            ) FROM edits e
        ), due AS (
            SELECT * FROM asked WHERE began >= (SELECT min(connected_at) FROM changes_source WHERE kind = 'slack')
              AND (posted_at IS NOT NULL OR began + interval '15 minutes' < %(until)s)
        )
        SELECT count(*), count(*) FILTER (WHERE posted_at IS NULL OR posted_at > began + interval '15 minutes') FROM due""",
    "C-15": COMPARED.format(beside="environments", rules="'separation'"),
    "C-16": """
        SELECT count(*), count(*) FILTER (
            WHERE mirrored_at IS NULL OR mirror_error LIKE 'The repository has no branch%%'
            OR mirrored_at < least(%(until)s, in_scope_until) - interval '1 hour'
        ) FROM changes_repository
        WHERE in_scope_from < %(until)s AND (in_scope_until IS NULL OR in_scope_until > %(since)s)""",
    "C-17": f"""
        SELECT count(*), count(*) FILTER (WHERE trim({PLAN.format(column="rollback")}) = '')
        FROM changes_change c WHERE {REACHED}""",
    "C-18": f"""
        SELECT count(*), count(*) FILTER (WHERE trim({PLAN.format(column="snapshot")}) = '') FROM changes_change c
        WHERE {REACHED} AND EXISTS (
            SELECT FROM changes_linkedpullrequest l JOIN changes_pullrequest p ON p.id = l.pull_request_id, unnest(p.paths) path
            WHERE l.change_id = c.id AND l.role = 'work' AND path ~ '(^|/)migrations/')""",
    "C-19": f"""
        WITH given AS (
            SELECT * FROM changes_ruleevent WHERE kind = 'member' AND happened_at >= %(since)s AND happened_at < %(until)s
        ), reviews AS (
            SELECT * FROM changes_accessreview WHERE due_at >= %(since)s AND due_at < %(until)s
        ), removals AS (
            SELECT a.at, t.ended_at FROM changes_reviewanswer a JOIN changes_reviewentry e ON e.id = a.entry_id
            JOIN changes_entitlement t ON t.id = e.entitlement_id
            WHERE a.verdict = 'remove' AND a.at >= %(since)s AND a.at < %(until)s
              AND a.id = (SELECT max(b.id) FROM changes_reviewanswer b WHERE b.entry_id = a.entry_id)
        )
        SELECT (SELECT count(*) FROM changes_change c WHERE {REACHED}) + (SELECT count(*) FROM given)
             + (SELECT count(*) FROM reviews) + (SELECT count(*) FROM removals),
               (SELECT count(*) FROM changes_change c WHERE {REACHED} AND NOT {DECLARED} AND NOT {APPROVED})
             + (SELECT count(*) FROM given g WHERE weakens AND NOT EXISTS (SELECT FROM changes_rulematch r WHERE r.event_id = g.id))
             + (SELECT count(*) FROM reviews WHERE closed_at IS NULL OR closed_at > due_at)
             + (SELECT count(*) FROM removals WHERE ended_at IS NULL AND at + interval '7 days' < %(until)s)""",
    "C-20": f"""
        WITH {MERGES}, judged AS (
            SELECT m.*, (SELECT k.people FROM changes_mergerlist k WHERE k.repository_id = m.repository_id
                AND k.confirmed_at <= m.merged_at
                AND k.branch = CASE WHEN m.base_ref = m.prod_branch THEN 'prod' ELSE 'main' END
                ORDER BY k.confirmed_at DESC, k.id DESC LIMIT 1) AS people FROM merges m
        )
        SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
            SELECT FROM jsonb_array_elements(people) w JOIN portal_identity i ON i.user_id = (w->>'id')::bigint
            WHERE i.provider = 'github' AND i.uid = merged_by_uid::text)) FROM judged WHERE people IS NOT NULL""",
    "C-21": """
        SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM changes_emergencythread t WHERE t.emergency_id = e.id))
        FROM changes_emergency e JOIN changes_change c ON c.id = e.change_id
        WHERE c.category = 'emergency' AND e.at >= %(since)s AND e.at < %(until)s""",
    "C-22": f"""
        SELECT count(*), count(*) FILTER (WHERE NOT {APPROVED} OR NOT EXISTS (
            SELECT FROM changes_reviewafter w WHERE w.change_id = c.id AND w.kind = 'retrospective'
                AND w.at <= c.retrospective_due_at)
            AND c.retrospective_due_at < %(until)s)
        FROM changes_change c WHERE c.category = 'emergency' AND {REACHED}""",
    "C-23": """
        WITH months AS (
            SELECT month::date, (month + interval '1 month' + interval '10 days') AT TIME ZONE 'UTC' AS due
            FROM generate_series((SELECT date_trunc('month', min(day)) FROM changes_sourcereading), %(until)s AT TIME ZONE
                'UTC', '1 month') month
        ), asked AS (SELECT * FROM months WHERE due >= %(since)s AND due < %(until)s)
        SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
            SELECT FROM changes_reconciliation s WHERE s.month = asked.month AND s.signed_at <= asked.due
                AND s.differing = 0)) FROM asked""",
    "C-24": f"""
        WITH {EDITS} SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM changes_editmatch h WHERE h.event_id = e.id))
        FROM edits e WHERE e.kind LIKE 'cloudflare.%%' AND e.at >= (SELECT s.connected_at FROM changes_source s
            WHERE s.name = e.source)""",
    "C-25": """
        SELECT count(*), count(*) FILTER (WHERE decision = '' AND sent_by_id IS NOT NULL) FROM portal_policyversion
        WHERE state = 'adopted' AND effective_at < %(until)s""",
    "C-26": f"""
        SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM changes_verdict v WHERE v.change_id = c.id
            AND v.moment = 'merge')
            OR EXISTS (SELECT FROM changes_verdict v WHERE v.change_id = c.id AND v.moment = 'merge'
                AND jsonb_path_exists(v.gates, '$[*] ? (@.state == "failed")')))
        FROM changes_change c WHERE {REACHED}""",
    "C-27": """
        WITH audits AS (
            SELECT * FROM audits_engagement WHERE confirmed_at < %(until)s AND starts_at < %(until)s
              AND least(ends_at, coalesce(ended_at, ends_at)) > %(until)s - interval '366 days'
        ), live AS (
            SELECT f.due_at, (SELECT CASE s.state WHEN 'closed' THEN s.at END FROM audits_findingstep s
                WHERE s.finding_id = f.id AND s.at < %(until)s ORDER BY s.number DESC LIMIT 1) AS closed_at
            FROM audits_finding f WHERE f.opened_at < %(until)s
        ), asked AS (SELECT * FROM live WHERE closed_at IS NULL OR closed_at >= %(since)s), missing AS (
            SELECT 1 WHERE NOT EXISTS (SELECT FROM audits)
              AND EXISTS (SELECT FROM portal_ledgerleaf WHERE recorded_at < %(until)s - interval '366 days')
        )
        SELECT (SELECT count(*) FROM audits) + (SELECT count(*) FROM missing) + (SELECT count(*) FROM asked),
               (SELECT count(*) FROM missing)
             + (SELECT count(*) FROM asked WHERE coalesce(closed_at, %(until)s) > due_at)""",
    "C-28": """
        WITH held AS (
            SELECT user_id, role = 'auditor' AS audits, valid_from, valid_until IS NULL OR valid_until > %(until)s AS still
            FROM portal_rolegrant WHERE valid_from <= %(until)s
        ), rights AS (
            SELECT i.user_id, min(greatest(e.first_seen_at, i.linked_at)) AS joined FROM changes_entitlement e
            JOIN changes_thing t ON t.id = e.thing_id
            JOIN portal_identity i ON i.uid = e.account_id AND starts_with(t.key, i.provider || '.')
            JOIN portal_user u ON u.id = i.user_id
            WHERE e.account_kind = 'person' AND e.first_seen_at <= %(until)s AND coalesce(e.ended_at, 'infinity') > %(until)s
              AND i.linked_at <= %(until)s AND coalesce(i.ended_at, 'infinity') > %(until)s
              AND coalesce(u.left_at, 'infinity') > %(until)s
              AND NOT EXISTS (SELECT FROM held WHERE held.user_id = u.id AND audits AND still)
            GROUP BY i.user_id
        ), grants AS (
            SELECT user_id, min(valid_from) AS joined, bool_or(still) AS still FROM held WHERE NOT audits GROUP BY user_id
        ), roster AS (
            SELECT user_id, coalesce(g.joined, r.joined) AS joined FROM grants g FULL JOIN rights r USING (user_id)
            WHERE g.still OR r.user_id IS NOT NULL
        ), taught AS (SELECT min(published_at) AS at FROM changes_course WHERE published_at < %(until)s)
        SELECT count(*), count(*) FILTER (WHERE greatest(joined + interval '14 days', taught.at + interval '30 days') < %(until)s
            AND NOT EXISTS (SELECT FROM changes_acknowledgement a WHERE a.person_id = roster.user_id))
        FROM roster, taught WHERE taught.at IS NOT NULL""",
    "C-29": """
        SELECT count(*), count(*) FILTER (WHERE state = 'open') FROM changes_exceptionrecord
        WHERE state <> 'cleared' AND due_at >= %(since)s AND due_at < %(until)s""",
    "C-30": """
        SELECT count(*), count(*) FILTER (WHERE state = 'missed' OR quorate IS FALSE) FROM changes_meeting
        WHERE state NOT IN ('planned', 'cancelled') AND planned_at >= %(since)s AND planned_at < %(until)s""",
    "C-31": """
        SELECT count(*), count(*) FILTER (WHERE r.outcome <> 'preview' AND (r.at < greatest(e.starts_at, e.confirmed_at)
            OR NOT EXISTS (SELECT FROM audits_admission a WHERE a.engagement_id = e.id AND a.person_id = r.reader_id
                AND (a.starts_at IS NULL OR a.starts_at <= r.at) AND r.at < least(a.ends_at, coalesce(a.ended_at, a.ends_at)))
            OR r.at >= least(e.ends_at, coalesce(e.ended_at, e.ends_at))))
        FROM audits_readlog r JOIN audits_engagement e ON e.id = r.engagement_id WHERE r.at >= %(since)s AND r.at < %(until)s""",
}


def counted(name, window):
    """(population, deviations) by the statement; the pages of the portal are no rows of a table and are counted beside it."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS[name], {"since": window.since, "until": window.until})
        population, deviations = cursor.fetchone()
    return (population + _addresses(get_resolver().url_patterns) if name == "C-31" else population), deviations


def _addresses(patterns):
    return sum(1 if isinstance(one, URLPattern) else _addresses(one.url_patterns) for one in patterns)


def differences(window):
    """Controls whose reader comes to something else than the statement: {id: (reader, statement)}."""
    found = {}
    for control in (control for control in CONTROLS.values() if control.check and control.id in COUNTS):
        result = result_of(control=control, window=window)
        ours, theirs = (result.population, result.deviations), counted(control.id, window)
        if ours != theirs:
            found[control.id] = (ours, theirs)
    return found
