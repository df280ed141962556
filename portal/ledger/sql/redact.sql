-- The one way in which a text leaves the ledger. {schema} is filled in when the guards are installed.

-- A body may go when, in this very transaction, an entry says that a second person confirmed the proposal about exactly it.
CREATE OR REPLACE FUNCTION {schema}.portal_evidence_released() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $released$
BEGIN
    IF EXISTS (
        SELECT FROM portal_ledgerredaction r JOIN portal_ledgerleaf l ON l.stream = 'redaction:' || r.id
        WHERE r.leaf_id = OLD.leaf_id AND r.confirmed_by_id <> r.proposed_by_id AND r.withdrawn_at IS NULL
            AND l.xid = pg_current_xact_id() AND l.kind = 'redaction.confirmed'
            AND l.rows[1] = 'portal_ledgerredaction:' || r.id
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '%: evidence is inserted, never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
              HINT = 'Two people may redact the text of an entry: portal_ledger_redact.';
END
$released$;

-- The second half of a redaction: p_by confirms the proposal whose digest they read. Marks the proposal, writes the entry and
-- lets the one body go, or does nothing. Who may is checked by the rule on the table of proposals. Returns the new entry.
CREATE OR REPLACE FUNCTION {schema}.portal_ledger_redact(p_redaction bigint, p_digest text, p_by bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $redact$
DECLARE
    asked record;
    target record;
    fact text;
    entry bigint;
BEGIN
    SELECT * INTO asked FROM portal_ledgerredaction WHERE id = p_redaction FOR UPDATE;
    IF NOT FOUND OR asked.confirmed_at IS NOT NULL OR asked.withdrawn_at IS NOT NULL OR asked.expires_at <= clock_timestamp()
        OR asked.digest IS DISTINCT FROM p_digest THEN
        RAISE EXCEPTION 'this redaction does not wait for anybody, or is not the one that was read'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'redaction_waits';
    END IF;
    SELECT l.id, l.stream, l.stream_seq, l.kind, l.hash INTO target FROM portal_ledgerleaf l
        JOIN portal_ledgerbody b ON b.leaf_id = l.id WHERE l.id = asked.leaf_id;
    IF NOT FOUND OR target.kind LIKE 'redaction.%' OR target.kind LIKE 'recovery.%' THEN
        RAISE EXCEPTION 'this entry has no text that could be redacted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'redaction_of_a_text';
    END IF;
    UPDATE portal_ledgerredaction SET confirmed_by_id = p_by, confirmed_at = clock_timestamp() WHERE id = p_redaction;
    fact := json_build_object('stream', target.stream, 'number', target.stream_seq, 'hash', encode(target.hash, 'hex'),
        'reason', asked.reason, 'proposed_by', asked.proposed_by_id, 'confirmed_by', p_by, 'digest', asked.digest);
    entry := portal_ledger_append('redaction:' || p_redaction, 'redaction.confirmed', 'user:' || p_by, fact,
        ARRAY['portal_ledgerredaction:' || p_redaction], true);
    DELETE FROM portal_ledgerbody WHERE leaf_id = target.id;
    RETURN entry;
END
$redact$;
