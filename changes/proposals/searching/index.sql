-- What the search reads is kept by triggers, whoever writes: derived data, which may be made anew at any time.
-- {schema} is filled in when it is installed (install.py). A lexeme with a slash says what a change is ("state/proposed",
-- "by/ann"); words of texts never have one, because signs become spaces before they are read.

-- A text with spaces for its signs, so that every part of a path, an address or a version is a word of its own, and without
-- characters that nobody sees (joiners, directions). The language of the box reads what people type in the same way.
-- (translate would look through its whole list for each character: ten times as long.)
CREATE OR REPLACE FUNCTION {schema}.changes_search_plain(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $plain$
    SELECT regexp_replace(regexp_replace(said, $$[]!"#$%&'()*+,./:;<=>?@[\\^_`{|}~«»·…–—‘’‚“”„•-]$$, ' ', 'g'), E'[\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff]', '', 'g')
$plain$;

-- Each of the names, whole and in parts, in lower case behind a prefix.
CREATE OR REPLACE FUNCTION {schema}.changes_search_names(prefix text, said text[]) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, {schema}, pg_temp AS $names$
    SELECT coalesce(array_agg(DISTINCT prefix || left(lower(part), 200)), '{}')
    FROM unnest(said) name, LATERAL (SELECT name UNION SELECT regexp_split_to_table(changes_search_plain(name), '\s+')) parts(part)
    WHERE part <> ''
$names$;

-- Brings the words of these changes up to date. The lock comes first, so that whoever waits reads what the other wrote; it is that
-- of the change, which every action takes before anything else. To plan the long statement takes four times as long as to run it
-- for one change, and the plan is the same for any of them: it is made once a connection, and by indexes alone, so that one that
-- was made while the tables were small still does when they have grown.
CREATE OR REPLACE FUNCTION {schema}.changes_search_refresh(ids bigint[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET search_path = pg_catalog, {schema}, pg_temp AS $refresh$
DECLARE
    most CONSTANT int := 20000;
BEGIN
    PERFORM 1 FROM changes_change WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
    WITH written AS (
    INSERT INTO changes_searchtext AS present (change_id, moved_at, opened_at, words)
    SELECT c.id, c.moved_at, c.opened_at,
        to_tsvector('english', changes_search_plain(concat_ws(' ',
            left(c.title, most), left(r.why, most), left(r.what, most), left(r.tested, most), left(r.rollback, most), left(r.snapshot, most), left(r.data_loss, most), left(r.target_release, most),
            array_to_string(people.names, ' '), array_to_string(approvers.names, ' '), array_to_string(c.repository_names, ' '),
            array_to_string(pulls.labels, ' ')
        )))
        || array_to_tsvector(
            ARRAY['any', 'chg/' || c.number, 'state/' || c.state, 'kind/' || c.kind, 'size/' || c.size, 'category/' || c.category,
                  'risk/' || c.risk_level, 'routine/' || CASE WHEN c.routine THEN 'yes' ELSE 'no' END,
                  'requester/' || coalesce(c.requester_id, 0)]
            || ARRAY(SELECT 'at' || level || '/' || (weeks.number >> (4 * level)) FROM generate_series(0, 2) level)
            || changes_search_names('by/', people.names)
            || changes_search_names('ok/', approvers.names)
            || coalesce(pulls.tags, '{}')
            || coalesce(places.tags, '{}')
            || ARRAY(SELECT DISTINCT 'label/' || left(lower(label), 200) FROM unnest(pulls.labels) label WHERE label <> '')
            || ARRAY(SELECT DISTINCT unnest(ARRAY['repo/' || lower(name), 'repo/' || lower(split_part(name, '/', 2))])
                     FROM unnest(c.repository_names) name)
        )
    FROM changes_change c
    CROSS JOIN LATERAL (SELECT floor(extract(epoch FROM c.moved_at) / 604800)::bigint AS number) weeks
    LEFT JOIN LATERAL (SELECT * FROM changes_revision t WHERE t.change_id = c.id ORDER BY t.number DESC LIMIT 1) r ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT tag) FILTER (WHERE tag IS NOT NULL) AS tags, array_agg(DISTINCT label) FILTER (WHERE label IS NOT NULL) AS labels
        FROM changes_linkedpullrequest l
        JOIN changes_pullrequest p ON p.id = l.pull_request_id
        JOIN changes_repository o ON o.id = p.repository_id
        LEFT JOIN LATERAL (
            SELECT unnest(ARRAY['pr/' || p.number, 'pr/' || lower(o.name) || '#' || p.number,
                                'pr/' || lower(split_part(o.name, '/', 2)) || '#' || p.number]), NULL::text
            UNION ALL SELECT NULL, unnest(p.labels) WHERE l.role = 'work'
        ) told(tag, label) ON true
        WHERE l.change_id = c.id
    ) pulls ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT 'env/' || lower(e.environment)) AS tags
        FROM changes_linkedpullrequest l
        JOIN changes_pullrequest p ON p.id = l.pull_request_id
        JOIN changes_release e ON e.repository_id = p.repository_id AND e.commit_sha IN (p.head_sha, p.merge_sha) AND e.commit_sha <> ''
        WHERE l.change_id = c.id AND l.role <> 'back_merge' AND e.succeeded_at IS NOT NULL
    ) places ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT name) FILTER (WHERE name <> '') AS names FROM (
            SELECT unnest(ARRAY[c.requester_login, u.name, split_part(u.email, '@', 1)]) FROM (SELECT 1) one LEFT JOIN portal_user u ON u.id = c.requester_id
            UNION ALL
            SELECT unnest(ARRAY[made.login, made.name, u.name])
            FROM (
                SELECT p.author_uid::text, p.author_login, NULL FROM changes_linkedpullrequest l
                JOIN changes_pullrequest p ON p.id = l.pull_request_id WHERE l.change_id = c.id AND l.role = 'work'
                UNION ALL
                SELECT person ->> 'uid', person ->> 'login', person ->> 'name' FROM changes_linkedpullrequest l
                JOIN changes_pullrequest p ON p.id = l.pull_request_id, jsonb_array_elements(p.commit_people) person
                WHERE l.change_id = c.id AND l.role = 'work' AND person ->> 'role' <> 'committer'
                UNION ALL
                SELECT person ->> 'uid', person ->> 'login', person ->> 'name'
                FROM changes_linkedpush h, jsonb_array_elements(h.people) person WHERE h.change_id = c.id AND h.taken_back_at IS NULL
            ) made(uid, login, name)
            LEFT JOIN portal_identity i ON i.provider = 'github' AND i.uid = made.uid AND i.ended_at IS NULL
            LEFT JOIN portal_user u ON u.id = i.user_id
        ) everybody(name)
    ) people ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT u.name) AS names
        FROM changes_approval a JOIN portal_user u ON u.id = a.by_id
        WHERE a.change_id = c.id AND a.verdict = 'yes' AND NOT EXISTS (SELECT FROM changes_approvallapse t WHERE t.approval_id = a.id)
    ) approvers ON true
    WHERE c.id = ANY(ids)
    ON CONFLICT (change_id) DO UPDATE SET moved_at = EXCLUDED.moved_at, opened_at = EXCLUDED.opened_at, words = EXCLUDED.words
    WHERE (present.moved_at, present.opened_at, present.words) IS DISTINCT FROM (EXCLUDED.moved_at, EXCLUDED.opened_at, EXCLUDED.words)
    RETURNING words
    )
    -- Every name once, for whoever asks by the beginning of one. Two who meet a new name at the same time both write it: without a
    -- unique index nobody waits for the other, and who reads them does not count.
    INSERT INTO changes_searchname (name)
    SELECT DISTINCT lexeme FROM written, unnest(tsvector_to_array(words)) lexeme
    WHERE (lexeme LIKE 'by/%' OR lexeme LIKE 'ok/%') AND NOT EXISTS (SELECT FROM changes_searchname known WHERE known.name = lexeme);
END
$refresh$;

-- The triggers, one a statement, on what is written under the lock of the change. Facts of pull requests and releases come
-- without it: their changes are read again when they follow (changes.proposals.refreshing). Who writes very many changes sets countersign.search_later to "on" and refreshes them once.
CREATE OR REPLACE FUNCTION {schema}.changes_search_follow() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, {schema}, pg_temp AS $follow$
DECLARE
    touched bigint[];
BEGIN
    IF current_setting('countersign.search_later', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'changes_change' AND TG_OP = 'INSERT' THEN
        touched := ARRAY(SELECT id FROM fresh);
    ELSIF TG_TABLE_NAME = 'changes_change' THEN
        touched := ARRAY(
            SELECT n.id FROM fresh n JOIN stale o ON o.id = n.id
            WHERE (n.title, n.state, n.kind, n.size, n.category, n.risk_level, n.routine, n.requester_id, n.requester_login,
                   n.repository_names, n.moved_at, n.opened_at)
                IS DISTINCT FROM (o.title, o.state, o.kind, o.size, o.category, o.risk_level, o.routine, o.requester_id, o.requester_login,
                   o.repository_names, o.moved_at, o.opened_at));
    ELSIF TG_TABLE_NAME IN ('changes_revision', 'changes_linkedpullrequest', 'changes_approval', 'changes_linkedpush') THEN
        touched := ARRAY(SELECT DISTINCT change_id FROM fresh);
    ELSIF TG_TABLE_NAME = 'changes_approvallapse' THEN
        touched := ARRAY(SELECT DISTINCT a.change_id FROM fresh n JOIN changes_approval a ON a.id = n.approval_id);
    ELSIF TG_TABLE_NAME = 'portal_identity' THEN
        touched := ARRAY(
            SELECT DISTINCT l.change_id FROM fresh n JOIN changes_pullrequest p ON p.author_uid::text = n.uid
            JOIN changes_linkedpullrequest l ON l.pull_request_id = p.id WHERE n.provider = 'github');
    ELSE
        touched := ARRAY(
            SELECT c.id FROM fresh n JOIN stale o ON o.id = n.id JOIN changes_change c ON c.requester_id = n.id
            WHERE (n.name, n.email) IS DISTINCT FROM (o.name, o.email)
            UNION SELECT a.change_id FROM fresh n JOIN stale o ON o.id = n.id JOIN changes_approval a ON a.by_id = n.id
            WHERE n.name IS DISTINCT FROM o.name);
    END IF;
    IF cardinality(touched) > 0 THEN
        PERFORM changes_search_refresh(touched);
    END IF;
    RETURN NULL;
END
$follow$;

-- The changes that the words ask for, in the order of their last movement, at most so many. It looks into the newest five
-- weeks first, then into spans of sixteen times the length, each by one look into the index: neither a word that every change
-- has nor one that none has makes it read many rows. "up" goes from old to new. Bounds that are null bound nothing.
CREATE OR REPLACE FUNCTION {schema}.changes_search_newest(
    asked tsquery, many int, up boolean, past_at timestamptz, past_id bigint, moved_from timestamptz, moved_before timestamptz, opened_before timestamptz
) RETURNS SETOF bigint LANGUAGE plpgsql STABLE ROWS 50
SET enable_seqscan = off SET search_path = pg_catalog, {schema}, pg_temp AS $newest$
DECLARE
    first_week bigint;
    last_week bigint;
    span bigint;
    near tsquery;
    found bigint[];
BEGIN
    SELECT floor(extract(epoch FROM greatest(min(moved_at), moved_from, CASE WHEN up THEN past_at END)) / 604800),
           floor(extract(epoch FROM least(max(moved_at), moved_before, CASE WHEN NOT up THEN past_at END)) / 604800)
    INTO first_week, last_week FROM changes_change;
    FOR level IN 0..3 LOOP
        near := asked;
        IF level < 3 THEN
            span := (CASE WHEN up THEN first_week ELSE last_week END) >> (4 * level);
            SELECT asked && string_agg(format('''at%s/%s''', level, CASE WHEN up THEN span + step ELSE span - step END), '|')::tsquery
            INTO near FROM generate_series(0, 4) step;
        END IF;
        found := ARRAY(
            WITH hits AS MATERIALIZED (SELECT s.change_id, s.moved_at FROM changes_searchtext s WHERE s.words @@ near AND (opened_before IS NULL OR s.opened_at < opened_before))
            SELECT h.change_id FROM hits h
            WHERE (moved_from IS NULL OR h.moved_at >= moved_from) AND (moved_before IS NULL OR h.moved_at < moved_before)
              AND (past_at IS NULL OR CASE WHEN up THEN (h.moved_at, h.change_id) > (past_at, past_id) ELSE (h.moved_at, h.change_id) < (past_at, past_id) END)
            ORDER BY CASE WHEN up THEN h.moved_at END, CASE WHEN up THEN h.change_id END, h.moved_at DESC, h.change_id DESC
            LIMIT many
        );
        EXIT WHEN cardinality(found) >= many;
        EXIT WHEN level < 3 AND CASE WHEN up THEN ((span + 5) << (4 * level)) > last_week ELSE ((span - 4) << (4 * level)) <= first_week END;
    END LOOP;
    RETURN QUERY SELECT unnest(found);
END
$newest$;

-- All of them, in no order: for lists that are sorted by something else or narrowed by more than words.
CREATE OR REPLACE FUNCTION {schema}.changes_search_all(asked tsquery) RETURNS SETOF bigint LANGUAGE sql STABLE ROWS 1000
SET enable_seqscan = off SET search_path = pg_catalog, {schema}, pg_temp AS $all$
    SELECT change_id FROM changes_searchtext WHERE words @@ asked
$all$;
