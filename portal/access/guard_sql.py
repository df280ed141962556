"""What PostgreSQL refuses about roles, whoever writes: the portal, a script, psql. Generated from ``roles.ROLES``.

A conflict is looked for while the person's row is locked, so that two grants at once cannot both pass. The look must see what
others committed meanwhile; under REPEATABLE READ it would not, so grants are refused there.
"""

from portal.access.permissions import P
from portal.access.roles import NEVER_EMPTY, conflicting_pairs, roles_with
from portal.ledger.evidence import RowRule

LASTING_ELSEWHERE = """PERFORM pg_advisory_xact_lock(hashtext('portal_role_grant'), hashtext({role}));
        PERFORM 1 FROM portal_rolegrant held JOIN portal_user person ON person.id = held.user_id
            WHERE held.role = {role} AND held.valid_until IS NULL AND held.user_id <> {user} AND person.is_active;"""

GRANT = """
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'Roles are not granted under REPEATABLE READ.' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM 1 FROM portal_user WHERE id = NEW.user_id FOR NO KEY UPDATE;
    IF TG_OP = 'UPDATE' AND coalesce(NEW.valid_until, 'infinity') > coalesce(OLD.valid_until, 'infinity') THEN
        RAISE EXCEPTION 'A role may only end sooner; a longer one is a new grant.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_grant_only_shorter';
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
    IF NEW.role IN ({never_empty}) AND NEW.valid_until IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.valid_until IS NULL) THEN
        {lasting_elsewhere}
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The last % cannot be removed.', NEW.role
                USING ERRCODE = 'check_violation', CONSTRAINT = 'role_grant_last_holder';
        END IF;
    END IF;
    RETURN NEW;
"""

LEAVE = """
    IF NEW.is_active OR NOT OLD.is_active THEN
        RETURN NEW;
    END IF;
    FOR lasting IN SELECT held.role FROM portal_rolegrant held
            WHERE held.user_id = NEW.id AND held.valid_until IS NULL AND held.role IN ({never_empty}) ORDER BY held.role LOOP
        {lasting_elsewhere}
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The last % cannot leave.', lasting
                USING ERRCODE = 'check_violation', CONSTRAINT = 'role_grant_last_holder';
        END IF;
    END LOOP;
    RETURN NEW;
"""


REDACTION = """
    IF TG_OP = 'UPDATE' AND NEW.confirmed_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.confirmed_at IS NOT NULL THEN
        RAISE EXCEPTION 'A redaction begins as a proposal.' USING ERRCODE = 'check_violation', CONSTRAINT = 'redaction_begins';
    END IF;
    IF TG_OP = 'UPDATE'
        AND (NEW.confirmed_at >= NEW.expires_at OR OLD.confirmed_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL) THEN
        RAISE EXCEPTION 'The redaction is decided, or lapsed.' USING ERRCODE = 'check_violation', CONSTRAINT = 'redaction_waits';
    END IF;
    FOREACH who IN ARRAY ARRAY[NEW.proposed_by_id, coalesce(NEW.confirmed_by_id, NEW.proposed_by_id)] LOOP
        PERFORM 1 FROM portal_rolegrant held JOIN portal_user person ON person.id = held.user_id AND person.is_active
            WHERE held.user_id = who AND held.role IN ({roles})
              AND tstzrange(held.valid_from, held.valid_until) @> coalesce(NEW.confirmed_at, NEW.proposed_at);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Person % may not redact.', who USING ERRCODE = 'check_violation', CONSTRAINT = 'redaction_by_whom';
        END IF;
    END LOOP;
    RETURN NEW;
"""


def _pairs() -> str:
    ordered = sorted(tuple(sorted(pair)) for pair in conflicting_pairs())
    return ", ".join(f"('{one}', '{other}'), ('{other}', '{one}')" for one, other in ordered)


def _filled(body: str, *, role: str, user: str) -> str:
    """The body with the tables of ``roles`` written into it. Only codes from our own source, never input."""
    return (
        body.replace("{lasting_elsewhere}", LASTING_ELSEWHERE)
        .replace("{never_empty}", ", ".join(f"'{code}'" for code in sorted(NEVER_EMPTY)))
        .replace("{pairs}", _pairs())
        .replace("{role}", role)
        .replace("{user}", user)
    )


ROLE_RULES: tuple[RowRule, ...] = (
    RowRule(
        name="role_grant",
        model="portal.RoleGrant",
        declare="other text;",
        body=_filled(GRANT, role="NEW.role", user="NEW.user_id"),
        events="INSERT OR UPDATE",
    ),
    RowRule(
        name="last_one_stays",
        model="portal.User",
        declare="lasting text;",
        body=_filled(LEAVE, role="lasting", user="NEW.id"),
        events="UPDATE OF is_active",
    ),
)

REDACTION_RULES: tuple[RowRule, ...] = (
    RowRule(
        name="redaction",
        model="portal.LedgerRedaction",
        declare="who bigint;",
        body=REDACTION.replace("{roles}", ", ".join(f"'{role}'" for role in roles_with(P.LEDGER_REDACT))),
        events="INSERT OR UPDATE",
    ),
)
