-- The statements that make a batch of changes with everything about them; %(first)s to %(last)s are their numbers.
-- Read by fill.py in this order. A percent sign stands twice, because values are filled in.

-- name: numbers
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT n, n %% 12 + 1 AS place, at, at + make_interval(mins => 60 + (n * 7919 %% 4000)::int) AS moved,
       CASE WHEN n %% 1000 = 0 THEN 'draft' WHEN age < 400 AND n %% 3 = 0 THEN 'proposed' WHEN age < 400 AND n %% 3 = 1 THEN 'approved'
            WHEN n %% 29 = 0 THEN 'withdrawn' WHEN n %% 11 = 0 THEN 'closed' WHEN n %% 23 = 0 THEN 'merged' ELSE 'released'
       END AS state,
       encode(sha256(('head' || n)::bytea), 'hex') AS head, encode(sha256(('merge' || n)::bytea), 'hex') AS merge
FROM (
    SELECT n, %(total)s - n AS age, %(at)s::timestamptz - make_interval(mins => ((%(total)s - n) * 15 + 4100)::int) AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
) numbered;

-- name: statistics
ANALYZE made;

-- name: changes
INSERT INTO changes_change (number, title, state, category, size, kind, reasons, requester_id, requester_login, repository_names,
                            opened_by, opened_at, moved_at, version, gates, gates_at, assessment, merged_at, released_at)
SELECT n, (%(verbs)s::text[])[n %% 10 + 1] || ' ' || (%(words)s::text[])[n / 7 %% 12 + 1] || ' of ' || (%(words)s::text[])[n / 5 %% 12 + 1]
         || ' in ' || (%(names)s::text[])[place],
       CASE WHEN state IN ('draft', 'proposed', 'merged') THEN state WHEN state IN ('approved', 'withdrawn') THEN 'proposed' ELSE 'merged' END,
       CASE WHEN n %% 97 = 0 THEN 'emergency' ELSE 'standard' END, CASE WHEN n %% 41 = 0 THEN 'large' ELSE 'normal' END,
       CASE WHEN n %% 13 = 0 THEN 'database' WHEN n %% 17 = 0 THEN 'infrastructure' WHEN n %% 211 = 0 THEN 'secrets' ELSE 'application' END,
       '{"kind": ["No path outside of the application was touched."]}',
       (%(people)s::bigint[])[n %% %(many)s + 1], 'dev-' || n %% %(many)s, ARRAY[(%(names)s::text[])[place]], 'pull_request', at, moved, 1,
       CASE WHEN state IN ('draft', 'proposed') AND n %% 2 = 0 THEN %(blocked)s WHEN state IN ('draft', 'proposed', 'approved') THEN %(ready)s
            ELSE %(done)s END,
       moved,
       (CASE WHEN state IN ('draft', 'proposed') AND n %% 2 = 0 THEN %(blocked_json)s WHEN state IN ('draft', 'proposed', 'approved')
             THEN %(ready_json)s ELSE %(done_json)s END)::jsonb,
       CASE WHEN state IN ('merged', 'released', 'closed') THEN moved END, CASE WHEN state IN ('released', 'closed') THEN moved END
FROM made ORDER BY n;

-- name: release
UPDATE changes_change c SET state = 'released' FROM made m WHERE c.number = m.n AND m.state IN ('released', 'closed');

-- name: close
UPDATE changes_change c SET state = 'closed' FROM made m WHERE c.number = m.n AND m.state = 'closed';

-- name: approve or withdraw
UPDATE changes_change c SET state = m.state FROM made m WHERE c.number = m.n AND m.state IN ('approved', 'withdrawn');

-- name: pull requests
INSERT INTO changes_pullrequest (repository_id, number, title, body, state, draft, author_uid, author_login, author_is_bot, head_ref,
                                 head_sha, base_ref, labels, paths, opened_at, merged_at, merged_by_login, merge_sha, head_is_fork, clocks,
                                 touched_at, commit_people, vendor_updated_at, reported_at, confirmed_at)
SELECT (%(repositories)s::bigint[])[place], n, 'Work of CHG-' || n, 'Carries CHG-' || n, CASE WHEN merged THEN 'merged' ELSE 'open' END,
       false, 5000 + n %% %(many)s, 'dev-' || n %% %(many)s, false, 'work-' || n, head, 'main', '{}', '{src/app.py}', at,
       CASE WHEN merged THEN moved END, CASE WHEN merged THEN 'cleo' ELSE '' END, CASE WHEN merged THEN merge ELSE '' END, false, '{}',
       moved, '[]', moved, moved, moved
FROM (SELECT *, state IN ('merged', 'released', 'closed') AS merged FROM made) m ORDER BY n;

-- name: reviews
INSERT INTO changes_review (pull_request_id, vendor_id, uid, login, is_bot, state, commit_sha, submitted_at, vendor_updated_at,
                            reported_at, confirmed_at)
SELECT p.id, m.n * 100 + k, 6000 + k, 'reviewer-' || k, false, CASE WHEN k = 1 THEN 'approved' ELSE 'commented' END, m.head, m.moved,
       m.moved, m.moved, m.moved
FROM made m JOIN changes_pullrequest p ON p.repository_id = (%(repositories)s::bigint[])[m.place] AND p.number = m.n,
     generate_series(1, 2) k;

-- name: checks
INSERT INTO changes_check (repository_id, head_sha, source, vendor_id, name, app, status, conclusion, completed_at, vendor_updated_at,
                           reported_at, confirmed_at)
SELECT (%(repositories)s::bigint[])[place], head, 'check_run', n * 100 + k, 'job-' || k, 'actions', 'completed', 'success', moved, moved,
       moved, moved
FROM made, generate_series(1, 3) k;

-- name: releases
INSERT INTO changes_release (repository_id, source, vendor_id, app, version, environment, ref, commit_sha, image, state, actor, description,
                             created_at, finished_at, succeeded_at, reported_at, confirmed_at)
SELECT (%(repositories)s::bigint[])[place], 'github', n || '-' || environment, 'app-' || place, n, environment, 'prod', merge, '',
       'succeeded', 'deployer', '', moved, moved, moved, moved, moved
FROM made, unnest(ARRAY['staging', 'production']) environment WHERE state IN ('released', 'closed');

-- name: revisions
INSERT INTO changes_revision (change_id, number, title, why, what, tested, rollback, target_release, snapshot, data_loss, digest,
                              binds, material, material_reason, source, by_login, at)
SELECT c.id, 1, c.title, 'People wait too long for it, and support heard of it twice this week. See OPS-' || m.n
           || CASE WHEN m.n %% 4999 = 7 THEN '. It is about pelicans.' ELSE '.' END, 'One setting and one line of code.',
       'Unit tests and an hour in staging.', 'Release the version before it. Nothing of the data changes.', '', '', '', m.head,
       m.head, true, 'It is the first text.', 'pull_request',
       c.requester_login, m.at
FROM made m JOIN changes_change c ON c.number = m.n;

-- name: links
INSERT INTO changes_linkedpullrequest (change_id, pull_request_id, role, reason, at)
SELECT c.id, p.id, 'work', 'opened by the pull request', m.at
FROM made m JOIN changes_change c ON c.number = m.n
JOIN changes_pullrequest p ON p.repository_id = (%(repositories)s::bigint[])[m.place] AND p.number = m.n;

-- name: approvals
INSERT INTO changes_approval (change_id, revision_id, head_sha, by_id, verdict, note, via, authenticated_at, at)
SELECT c.id, r.id, m.head, %(approver)s, 'yes', '', 'portal', m.moved, m.moved
FROM made m JOIN changes_change c ON c.number = m.n JOIN changes_revision r ON r.change_id = c.id
WHERE m.state IN ('approved', 'merged', 'released', 'closed');

-- name: words, once for each change instead of at each of the statements before
SELECT changes_search_refresh(ARRAY(SELECT c.id FROM made m JOIN changes_change c ON c.number = m.n));

-- name: verdicts
INSERT INTO changes_verdict (change_id, moment, subject, outcome, gates, facts, facts_digest, rules_version, policy_version, at)
SELECT c.id, 'merge', 'northwind/web#' || m.n, 'unproven', %(gates_json)s::jsonb, '{"shape": "made up"}', m.merge, '1', '2025.1', m.moved
FROM made m JOIN changes_change c ON c.number = m.n WHERE m.state IN ('merged', 'released', 'closed');

-- name: entries of changes
SELECT count(portal_ledger_append('change:' || e.n, 'change.opened', 'github:5001:dev-1', e.fact, ARRAY['changes_change:' || e.key], false))
FROM (
    SELECT m.n, c.id AS key, '{"at":"' || to_char(m.at, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') || '","by":"dev-1"}' AS fact
    FROM made m JOIN changes_change c ON c.number = m.n
    ORDER BY 'change:' || m.n
) e;

-- name: entries of revisions
SELECT count(portal_ledger_append('change:' || e.n, 'change.revised', 'github:5001:dev-1', e.fact, ARRAY['changes_revision:' || e.key], false))
FROM (
    SELECT m.n, t.id AS key, '{"at":"' || to_char(m.at, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') || '","by":"dev-1"}' AS fact
    FROM made m JOIN changes_change c ON c.number = m.n
    JOIN changes_revision t ON t.change_id = c.id
    ORDER BY 'change:' || m.n
) e;

-- name: entries of links
SELECT count(portal_ledger_append('change:' || e.n, 'change.linked', 'github:5001:dev-1', e.fact, ARRAY['changes_linkedpullrequest:' || e.key], false))
FROM (
    SELECT m.n, t.id AS key, '{"at":"' || to_char(m.at, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') || '","by":"dev-1"}' AS fact
    FROM made m JOIN changes_change c ON c.number = m.n
    JOIN changes_linkedpullrequest t ON t.change_id = c.id
    ORDER BY 'change:' || m.n
) e;

-- name: entries of approvals
SELECT count(portal_ledger_append('change:' || e.n, 'approval.given', 'github:5001:dev-1', e.fact, ARRAY['changes_approval:' || e.key], false))
FROM (
    SELECT m.n, t.id AS key, '{"at":"' || to_char(m.at, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') || '","by":"dev-1"}' AS fact
    FROM made m JOIN changes_change c ON c.number = m.n
    JOIN changes_approval t ON t.change_id = c.id
    ORDER BY 'change:' || m.n
) e;

-- name: entries of verdicts
SELECT count(portal_ledger_append('change:' || e.n, 'verdict.merge', 'github:5001:dev-1', e.fact, ARRAY['changes_verdict:' || e.key], false))
FROM (
    SELECT m.n, t.id AS key, '{"at":"' || to_char(m.at, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') || '","by":"dev-1"}' AS fact
    FROM made m JOIN changes_change c ON c.number = m.n
    JOIN changes_verdict t ON t.change_id = c.id
    ORDER BY 'change:' || m.n
) e;
