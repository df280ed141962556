"""What PostgreSQL refuses about waivers, delegations and conditions, whoever writes: the portal, a script, psql."""

from portal.ledger.evidence import RowRule

WAIVER = """
    IF NEW.chair_id IS NOT NULL THEN
        PERFORM 1 FROM portal_rolegrant g WHERE g.user_id = NEW.chair_id AND g.role = 'chair'
            AND g.valid_from <= NEW.chair_at AND (g.valid_until IS NULL OR g.valid_until > NEW.chair_at);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a waiver is signed by the chair'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'waiver_by_the_chair', TABLE = TG_TABLE_NAME;
        END IF;
    END IF;
    IF NEW.compliance_id IS NOT NULL THEN
        PERFORM 1 FROM portal_rolegrant g WHERE g.user_id = NEW.compliance_id AND g.role = 'compliance'
            AND g.valid_from <= NEW.compliance_at AND (g.valid_until IS NULL OR g.valid_until > NEW.compliance_at);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a waiver is signed by the compliance manager'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'waiver_by_compliance', TABLE = TG_TABLE_NAME;
        END IF;
    END IF;
    IF greatest(NEW.chair_at, NEW.compliance_at) >= NEW.expires_at THEN
        RAISE EXCEPTION 'a waiver is signed before it lapses'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'waiver_signed_in_time', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
"""

DELEGATION = """
    -- Both people are locked, in one order, so that two delegations at once cannot each miss the other.
    PERFORM 1 FROM portal_user WHERE id IN (NEW.absent_id, NEW.delegate_id) ORDER BY id FOR NO KEY UPDATE;
    PERFORM 1 FROM changes_delegation d
        WHERE tstzrange(d.starts_at, greatest(d.starts_at, least(d.ends_at, d.ended_at))) && tstzrange(NEW.starts_at, NEW.ends_at)
          AND (d.absent_id IN (NEW.absent_id, NEW.delegate_id) OR d.delegate_id = NEW.absent_id);
    IF FOUND THEN
        RAISE EXCEPTION 'approvals are handed over once at a time, and not handed on'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'delegation_no_chain', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
"""

CONDITION_STEP = """
    PERFORM 1 FROM changes_condition c WHERE c.id = NEW.condition_id
        AND (NEW.kind = 'fulfilled') <> (NEW.by_id = c.owner_id);
    IF FOUND THEN
        RAISE EXCEPTION 'the owner of a condition fulfils it, and somebody else confirms it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'condition_step_by', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
"""

GUARDS: tuple[RowRule, ...] = (
    RowRule(name="waiver_by_chair_and_compliance", model="changes.Waiver", declare="", body=WAIVER, events="INSERT OR UPDATE"),
    RowRule(name="delegation_once_and_not_on", model="changes.Delegation", declare="", body=DELEGATION),
    RowRule(name="condition_by_its_people", model="changes.ConditionStep", declare="", body=CONDITION_STEP),
)
