"""What PostgreSQL refuses about roles, whoever writes: the portal, a script, psql. Generated from ``roles.ROLES``.

A conflict is looked for while the person's row is locked, so that two grants at once cannot both pass. The look must see what
others committed meanwhile; under REPEATABLE READ it would not, so grants are refused there.
"""

from portal.access.roles import NEVER_EMPTY, conflicting_pairs


def statements() -> tuple[str, ...]:
    """SQL that installs the guards; running it again replaces them."""
    return tuple(text.replace("{pairs}", _pairs()).replace("{never_empty}", _never_empty()) for text in (_GRANT, _LEAVE))


def _pairs() -> str:
    ordered = sorted(tuple(sorted(pair)) for pair in conflicting_pairs())
    return ", ".join(f"('{one}', '{other}'), ('{other}', '{one}')" for one, other in ordered)


def _never_empty() -> str:
    return ", ".join(f"'{role}'" for role in sorted(NEVER_EMPTY))


_GRANT = """
CREATE OR REPLACE FUNCTION portal_role_grant_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    other text;
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'Roles are not granted under REPEATABLE READ.' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM 1 FROM portal_user WHERE id = NEW.user_id FOR NO KEY UPDATE;
    IF TG_OP = 'UPDATE' AND (
            (NEW.id, NEW.user_id, NEW.role, NEW.granted_by_id, NEW.seconded_by_id, NEW.at_shell, NEW.valid_from, NEW.reason)
            IS DISTINCT FROM
            (OLD.id, OLD.user_id, OLD.role, OLD.granted_by_id, OLD.seconded_by_id, OLD.at_shell, OLD.valid_from, OLD.reason)
            OR coalesce(NEW.valid_until, 'infinity') > coalesce(OLD.valid_until, 'infinity')) THEN
        RAISE EXCEPTION 'A grant of a role is never changed; it may only end sooner.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_grant_never_changed';
    END IF;
    SELECT held.role INTO other FROM portal_rolegrant held
        WHERE held.user_id = NEW.user_id AND held.id <> NEW.id
          AND tstzrange(held.valid_from, held.valid_until) && tstzrange(NEW.valid_from, NEW.valid_until)
          AND (held.role = NEW.role OR (held.role::text, NEW.role::text) IN ({pairs}))
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Role % excludes role % at the same time.', other, NEW.role
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'role_grant_conflict';
    END IF;
    IF NEW.role IN ({never_empty}) AND NEW.valid_until IS NOT NULL
            AND (TG_OP = 'INSERT' OR OLD.valid_until IS NULL) THEN
        PERFORM pg_advisory_xact_lock(hashtext('portal_role_grant'), hashtext(NEW.role));
        PERFORM 1 FROM portal_rolegrant held JOIN portal_user person ON person.id = held.user_id
            WHERE held.role = NEW.role AND held.valid_until IS NULL AND held.user_id <> NEW.user_id AND person.is_active;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The last % cannot be removed.', NEW.role
                USING ERRCODE = 'check_violation', CONSTRAINT = 'role_grant_last_holder';
        END IF;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS portal_role_grant_guard ON portal_rolegrant;
CREATE TRIGGER portal_role_grant_guard BEFORE INSERT OR UPDATE ON portal_rolegrant
    FOR EACH ROW EXECUTE FUNCTION portal_role_grant_guard();
ALTER TABLE portal_rolegrant ENABLE ALWAYS TRIGGER portal_role_grant_guard;
"""

_LEAVE = """
CREATE OR REPLACE FUNCTION portal_user_leave_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    lasting text;
BEGIN
    FOR lasting IN SELECT held.role FROM portal_rolegrant held
            WHERE held.user_id = NEW.id AND held.valid_until IS NULL AND held.role IN ({never_empty}) ORDER BY held.role LOOP
        PERFORM pg_advisory_xact_lock(hashtext('portal_role_grant'), hashtext(lasting));
        PERFORM 1 FROM portal_rolegrant held JOIN portal_user person ON person.id = held.user_id
            WHERE held.role = lasting AND held.valid_until IS NULL AND held.user_id <> NEW.id AND person.is_active;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The last % cannot leave.', lasting
                USING ERRCODE = 'check_violation', CONSTRAINT = 'role_grant_last_holder';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS portal_user_leave_guard ON portal_user;
CREATE TRIGGER portal_user_leave_guard BEFORE UPDATE OF is_active ON portal_user
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION portal_user_leave_guard();
ALTER TABLE portal_user ENABLE ALWAYS TRIGGER portal_user_leave_guard;
"""
