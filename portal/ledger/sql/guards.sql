-- Functions behind the triggers of evidence tables. {schema} is filled in when the guards are installed.

-- Refuses, whatever the statement was. First argument: the sentence.
CREATE OR REPLACE FUNCTION {schema}.portal_evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $refuse$
BEGIN
    RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END
$refuse$;

-- At commit: an entry of the same transaction must cover the row, and say of it what the row says now.
CREATE OR REPLACE FUNCTION {schema}.portal_evidence_covered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $covered$
DECLARE
    key text := TG_TABLE_NAME || ':' || NEW.id;
    mine xid8 := pg_current_xact_id();
    row_now text;
BEGIN
    -- rows[1] and rows[2] first, for they stand in an index; one question after the other, for each costs its preparation.
    IF TG_ARGV[0] = 'fixed' THEN
        -- The row can not have changed since: an entry is enough.
        IF EXISTS (SELECT FROM portal_ledgerleaf l WHERE l.xid = mine AND l.rows[1] = key) THEN
            RETURN NULL;
        END IF;
        IF EXISTS (SELECT FROM portal_ledgerleaf l WHERE l.xid = mine AND l.rows[2] = key) THEN
            RETURN NULL;
        END IF;
        IF EXISTS (SELECT FROM portal_ledgerleaf l WHERE l.xid = mine AND l.rows @> ARRAY[key]) THEN
            RETURN NULL;
        END IF;
    ELSE
        -- An entry has the text that this function gave at its time, so the texts are compared.
        row_now := portal_ledger_row(key);
        IF EXISTS (
            SELECT FROM portal_ledgerleaf l JOIN portal_ledgerbody b ON b.leaf_id = l.id
            WHERE l.xid = mine AND l.rows[1] = key AND b.payload::json #>> ARRAY['rows', key] = row_now
        ) THEN
            RETURN NULL;
        END IF;
        IF EXISTS (
            SELECT FROM portal_ledgerleaf l JOIN portal_ledgerbody b ON b.leaf_id = l.id
            WHERE l.xid = mine AND l.rows @> ARRAY[key] AND b.payload::json #>> ARRAY['rows', key] = row_now
        ) THEN
            RETURN NULL;
        END IF;
    END IF;
    RAISE EXCEPTION '% has no ledger entry in this transaction that says what the row says', key
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
              HINT = 'Append the entry after the last write to the row, in the same transaction.';
END
$covered$;
