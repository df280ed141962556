-- The one door into the ledger. {schema} is filled in when the guards are installed.

-- The leaf hash of RFC 6962: SHA-256(0x00 || fields), each field behind its length in four bytes. Times are PostgreSQL's
-- own eight bytes: microseconds since 2000-01-01 UTC. The same is written in chain.py and in tools/verify.py.
CREATE OR REPLACE FUNCTION {schema}.portal_ledger_hash(
    event_id uuid, stream text, stream_seq bigint, kind text, actor text,
    recorded_at timestamptz, payload_digest bytea, covered text[], prev_hash bytea
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $hash$
    SELECT sha256(
        '\x0000000010'::bytea || uuid_send(event_id)
        || int4send(octet_length(stream)) || convert_to(stream, 'UTF8')
        || '\x00000008'::bytea || int8send(stream_seq)
        || int4send(octet_length(kind)) || convert_to(kind, 'UTF8')
        || int4send(octet_length(actor)) || convert_to(actor, 'UTF8')
        || '\x00000008'::bytea || timestamptz_send(recorded_at)
        || int4send(octet_length(payload_digest)) || payload_digest
        || int4send(octet_length(array_to_string(covered, chr(10)))) || convert_to(array_to_string(covered, chr(10)), 'UTF8')
        || int4send(octet_length(prev_hash)) || prev_hash
    )
$hash$;

-- One entry: takes the lock of its stream (no other), reads the covered rows as they stand now, computes everything.
-- p_fact is a JSON object as text; it is stored as it comes. An urgent entry wakes the sealer when the transaction commits.
CREATE OR REPLACE FUNCTION {schema}.portal_ledger_append(
    p_stream text, p_kind text, p_actor text, p_fact text, p_rows text[], p_urgent boolean
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $append$
DECLARE
    event uuid := gen_random_uuid();
    salt bytea := uuid_send(gen_random_uuid());
    now_at timestamptz;
    last_seq bigint;
    last_hash bytea;
    covered text := '';
    state_of_row text;
    key text;
    payload text;
    digest bytea;
    new_id bigint;
BEGIN
    IF json_typeof(p_fact::json) <> 'object' THEN
        RAISE EXCEPTION 'the fact of a ledger entry is a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH key IN ARRAY p_rows LOOP
        state_of_row := portal_ledger_row(key);
        IF state_of_row IS NULL THEN
            RAISE EXCEPTION 'a ledger entry covers %, but there is no such row', key USING ERRCODE = 'foreign_key_violation';
        END IF;
        covered := covered || CASE WHEN covered = '' THEN '' ELSE ',' END || to_json(key)::text || ':' || state_of_row;
    END LOOP;
    payload := '{"fact":' || p_fact || ',"rows":{' || covered || '}}';
    digest := sha256(salt || convert_to(payload, 'UTF8'));

    PERFORM pg_advisory_xact_lock(hashtextextended(p_stream, 6962));
    SELECT l.stream_seq, l.hash INTO last_seq, last_hash
        FROM portal_ledgerleaf l WHERE l.stream = p_stream ORDER BY l.stream_seq DESC LIMIT 1;
    last_seq := coalesce(last_seq, 0) + 1;
    last_hash := coalesce(last_hash, ''::bytea);
    now_at := clock_timestamp();
    INSERT INTO portal_ledgerleaf
        (event_id, stream, stream_seq, kind, actor, payload_digest, rows, recorded_at, xid, prev_hash, hash)
    VALUES (
        event, p_stream, last_seq, p_kind, p_actor, digest, p_rows, now_at, pg_current_xact_id(), last_hash,
        portal_ledger_hash(event, p_stream, last_seq, p_kind, p_actor, now_at, digest, p_rows, last_hash)
    ) RETURNING id INTO new_id;
    INSERT INTO portal_ledgerbody (leaf_id, salt, payload) VALUES (new_id, salt, payload);
    IF p_urgent THEN
        PERFORM pg_notify('ledger', p_kind);
    END IF;
    RETURN new_id;
END
$append$;

-- Many entries, each {"stream", "kind", "actor", "fact", "rows"} as ``portal_ledger_append`` takes them, in this order; none is
-- urgent. Returns how many. Entries about different streams, which is the rule, are written by one statement.
CREATE OR REPLACE FUNCTION {schema}.portal_ledger_append_many(p_entries json) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $many$
DECLARE
    many bigint;
    streams bigint;
    gone text;
BEGIN
    SELECT count(*), count(DISTINCT e.stream), (array_agg(e.stream) FILTER (WHERE json_typeof(e.fact::json) <> 'object'))[1]
        INTO many, streams, gone FROM json_to_recordset(p_entries) AS e (stream text, fact text);
    IF gone IS NOT NULL THEN
        RAISE EXCEPTION 'the fact of a ledger entry is a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF streams < many THEN
        RETURN count(portal_ledger_append(e.stream, e.kind, e.actor, e.fact, e.rows, false)) FROM (
            SELECT * FROM ROWS FROM (
                json_to_recordset(p_entries) AS (stream text, kind text, actor text, fact text, rows text[])
            ) WITH ORDINALITY AS u (stream, kind, actor, fact, rows, position) ORDER BY position
        ) e;
    END IF;
    -- All locks first, in the order of the entries: whoever waited for one reads in the next statement what the other wrote.
    PERFORM pg_advisory_xact_lock(hashtextextended(e.stream, 6962)) FROM (
        SELECT u.stream FROM ROWS FROM (json_to_recordset(p_entries) AS (stream text)) WITH ORDINALITY AS u (stream, position)
        ORDER BY u.position OFFSET 0
    ) e;
    WITH given AS MATERIALIZED (
        SELECT u.*, gen_random_uuid() AS event, uuid_send(gen_random_uuid()) AS salt
        FROM ROWS FROM (
            json_to_recordset(p_entries) AS (stream text, kind text, actor text, fact text, rows text[])
        ) WITH ORDINALITY AS u (stream, kind, actor, fact, rows, position)
    ), said AS MATERIALIZED (
        SELECT g.position, '{"fact":' || g.fact || ',"rows":{' || c.covered || '}}' AS payload, c.gone
        FROM given g, LATERAL (
            SELECT coalesce(string_agg(to_json(r.key)::text || ':' || r.said, ',' ORDER BY r.place), '') AS covered,
                min(r.key) FILTER (WHERE r.said IS NULL) AS gone
            FROM (
                SELECT k.key, k.place, portal_ledger_row(k.key) AS said FROM unnest(g.rows) WITH ORDINALITY AS k (key, place)
                OFFSET 0 -- so that each row is read once
            ) r
        ) c
    ), proven AS MATERIALIZED (
        SELECT g.*, s.payload, s.gone, sha256(g.salt || convert_to(s.payload, 'UTF8')) AS digest,
            coalesce(l.stream_seq, 0) + 1 AS seq, coalesce(l.hash, ''::bytea) AS prev, clock_timestamp() AS now_at
        FROM given g JOIN said s USING (position)
        LEFT JOIN LATERAL (
            SELECT t.stream_seq, t.hash FROM portal_ledgerleaf t WHERE t.stream = g.stream ORDER BY t.stream_seq DESC LIMIT 1
        ) l ON true
        ORDER BY position
    ), leaves AS (
        INSERT INTO portal_ledgerleaf
            (event_id, stream, stream_seq, kind, actor, payload_digest, rows, recorded_at, xid, prev_hash, hash)
        SELECT event, stream, seq, kind, actor, digest, rows, now_at, pg_current_xact_id(), prev,
            portal_ledger_hash(event, stream, seq, kind, actor, now_at, digest, rows, prev)
        FROM proven ORDER BY position RETURNING id, event_id
    ), bodies AS (
        INSERT INTO portal_ledgerbody (leaf_id, salt, payload)
        SELECT leaves.id, proven.salt, proven.payload FROM leaves JOIN proven ON proven.event = leaves.event_id
    )
    SELECT min(proven.gone) INTO gone FROM proven;
    IF gone IS NOT NULL THEN
        RAISE EXCEPTION 'a ledger entry covers %, but there is no such row', gone USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN many;
END
$many$;
