"""What PostgreSQL refuses about the people of an engagement, whoever writes: nobody lets themselves in."""

from collections.abc import Iterable

from portal.ledger.evidence import RowRule

ADMITTED = """
    SELECT * INTO audit FROM audits_engagement WHERE id = NEW.engagement_id;
    IF TG_OP = 'INSERT' AND audit.confirmed_at IS NOT NULL AND NEW.seconded_by_id IS NULL THEN
        RAISE EXCEPTION 'The engagement is confirmed: nobody is added to what was read but by two people.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'admission_before_confirmation';
    END IF;
    IF TG_OP = 'INSERT' AND audit.confirmed_at IS NULL AND NEW.seconded_by_id IS NOT NULL THEN
        RAISE EXCEPTION 'The engagement is not confirmed yet: whoever is in it is confirmed with it.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'admission_after_confirmation';
    END IF;
    IF TG_OP = 'INSERT' AND EXISTS (
        SELECT FROM audits_admission a WHERE a.engagement_id = NEW.engagement_id AND a.person_id = NEW.person_id
            AND coalesce(a.ended_at, a.ends_at) > coalesce(NEW.starts_at, audit.starts_at)
    ) THEN
        RAISE EXCEPTION 'The person is in this engagement already.'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'admission_once';
    END IF;
    IF NEW.ends_at <= coalesce(NEW.starts_at, audit.starts_at) OR NEW.ends_at > audit.ends_at THEN
        RAISE EXCEPTION 'A person is admitted within the engagement.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'admission_within_engagement';
    END IF;
    IF audit.kind = 'external' AND NEW.person_id = audit.created_by_id THEN
        RAISE EXCEPTION 'An auditor does not prepare the engagement.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'engagement_not_by_its_auditor';
    END IF;
    RETURN NEW;
"""
PROPOSED = """
    IF TG_OP = 'INSERT' AND (NEW.admission_id IS NOT NULL OR NEW.withdrawn_at IS NOT NULL) THEN
        RAISE EXCEPTION 'It begins as a proposal.' USING ERRCODE = 'check_violation', CONSTRAINT = 'admission_proposal_begins';
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.admission_id IS NOT NULL OR OLD.withdrawn_at IS NOT NULL) THEN
        RAISE EXCEPTION 'The proposal is decided.' USING ERRCODE = 'check_violation', CONSTRAINT = 'admission_proposal_waits';
    END IF;
    IF NEW.admission_id IS NOT NULL THEN
        PERFORM 1 FROM audits_admission a WHERE a.id = NEW.admission_id AND a.engagement_id = NEW.engagement_id
            AND a.person_id = NEW.person_id AND a.ends_at = NEW.ends_at AND a.added_by_id = NEW.proposed_by_id
            AND a.starts_at < NEW.expires_at;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'What was admitted is not what was proposed.'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'admission_as_proposed';
        END IF;
    END IF;
    RETURN NEW;
"""
CONFIRMED = """
    IF NEW.kind = 'external' AND NEW.confirmed_by_id IS NOT NULL AND EXISTS (
        SELECT FROM audits_admission a WHERE a.engagement_id = NEW.id AND a.person_id = NEW.confirmed_by_id
    ) THEN
        RAISE EXCEPTION 'An auditor does not confirm the engagement.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'engagement_not_confirmed_by_its_auditor';
    END IF;
    RETURN NEW;
"""
ENGAGEMENT_RULES = (
    RowRule("admission", "audits.Admission", "audit record;", ADMITTED, "INSERT OR UPDATE"),
    RowRule("admission_proposal", "audits.AdmissionProposal", "", PROPOSED, "INSERT OR UPDATE"),
    RowRule("confirmation", "audits.Engagement", "", CONFIRMED, "INSERT OR UPDATE"),
)

STEP = """
    SELECT s.number, s.state INTO last_number, before FROM {table} s
        WHERE s.{parent} = NEW.{parent} ORDER BY s.number DESC LIMIT 1;
    IF NEW.number <> coalesce(last_number, 0) + 1 THEN
        RAISE EXCEPTION 'Steps are counted without a gap.' USING ERRCODE = 'unique_violation', CONSTRAINT = '{name}';
    END IF;
    IF (coalesce(before, ''), NEW.move, NEW.state) NOT IN ({moves}) THEN
        RAISE EXCEPTION '% does not follow on %.', NEW.move, before USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
    END IF;
    RETURN NEW;
"""


def steps(*, name: str, model: str, parent: str, moves: Iterable[tuple[str, str, str]]) -> RowRule:
    """Only these moves: (state before, empty at first; move; state after). ``parent`` is the column of what moves."""
    table = model.lower().replace(".", "_")
    known = ", ".join(f"('{before}', '{move}', '{after}')" for before, move, after in sorted(moves))
    body = STEP.format(table=table, parent=parent, name=name, moves=known)
    return RowRule(name, model, "last_number integer; before text;", body)
