"""The roles, as SECURITY.md promises them: who may what, and who excludes whom."""

from itertools import product

import pytest

from portal.access.permissions import SENTENCES, P
from portal.access.roles import ROLES, Role, conflicting_pairs, permissions_of, roles_with

E, R, A, C, M, U, X, L = (
    Role.ENGINEER,
    Role.APPROVER,
    Role.ARCHITECT,
    Role.CHAIR,
    Role.COMPLIANCE,
    Role.AUDITOR,
    Role.ADMINISTRATOR,
    Role.LEARNER,
)

MATRIX: dict[P, set[Role]] = {
    P.CHANGE_SEE: {E, R, A, C, M, U, X},
    P.CHANGE_PROPOSE: {E, R, A, C, M},
    P.CHANGE_CLASSIFY: {A, C, M},
    P.CHANGE_APPROVE: {R, A, C},
    P.CHANGE_SIGN_OFF: {E, R, A, C},
    P.CHANGE_REVIEW_AFTER: {R, A, C},
    P.CHANGE_COMMENT: {E, R, A, C, M},
    P.CHANGE_SCHEDULE: {E, R, A, C},
    P.APPROVAL_DELEGATE: {R, A, C},
    P.WAIVER_PROPOSE: {R, A, C, M},
    P.WAIVER_DECIDE: {C, M},
    P.FREEZE_SET: {A, C, M},
    P.FREEZE_OVERRIDE: {R, A, C},
    P.MEETING_SEE: {E, R, A, C, M, U, X},
    P.MEETING_VOTE: {A, C},
    P.MEETING_LEAD: {C},
    P.AGENDA_PUT: {E, R, A, C, M},
    P.POLICY_SEE: {E, R, A, C, M, U, X, L},
    P.POLICY_DRAFT: {A, C, M},
    P.TRAINING_SIGN: {E, R, A, C, M, X, L},
    P.TRAINING_WRITE: {A, C, M},
    P.TRAINING_CHASE: {M},
    P.TRAINING_OVERSEE: {A, C, M, U},
    P.ACCESS_SEE: {R, A, C, M, U, X},
    P.ACCESS_REVIEW: {R, A, C, M, X},
    P.ACCESS_LEAD: {M},
    P.MERGERS_SET: {A, C, M},
    P.OVERSIGHT_SEE: {A, C, M},
    P.CONTROL_SEE: {A, C, M, U},
    P.CONTROL_RUN: {A, C, M},
    P.DRILL_RECORD: {E, R, A, C},
    P.EMERGENCY_DECLARE: {E, R, A, C},
    P.EMERGENCY_PLUS_ONE: {R, A, C},
    P.EXCEPTION_SEE: {E, R, A, C, M, U, X},
    P.EXCEPTION_EXPLAIN: {E, R, A, C, M},
    P.EXCEPTION_ACCEPT: {C, M},
    P.NOISE_SET: {A, C, M},
    P.RELEASE_SEE: {E, R, A, C, M, U, X},
    P.INVENTORY_SEE: {E, R, A, C, M, U, X},
    P.INVENTORY_KEEP: {R, A, C, M},
    P.INVENTORY_SIGN: {M},
    P.LEDGER_SEE: {E, R, A, C, M, U, X},
    P.INSIGHTS_SEE: {E, R, A, C, M, U, X},
    P.LEDGER_VERIFY: {E, R, A, C, M, U, X},
    P.LEDGER_REDACT: {M, X},
    P.LEDGER_RECOVER: {M, X},
    P.SOURCE_SEE: {M, U, X},
    P.SOURCE_MANAGE: {X},
    P.INBOX_SEE: {M, U, X},
    P.INBOX_REPLAY: {X},
    P.PERSON_SEE: {E, R, A, C, M, U, X},
    P.PERSON_INVITE: {M, X},
    P.PERSON_KEEP: {M, X},
    P.ROLE_HISTORY_SEE: {A, C, M, U, X},
    P.PROVISIONING_MANAGE: {X},
    P.ROLE_GIVE: {C, M, X},
    P.ROLE_GRANT_ENGINEER: {X},
    P.ROLE_GRANT_PRIVILEGED: {M, X},
    P.ENGAGEMENT_MAKE: {C, M},
    P.READ_LOG_SEE: {M},
    P.AUDIT_SEE: {A, C, M, U},
    P.AUDIT_WORK: {M, U},
    P.AUDIT_ANSWER: {E, R, A, C, M, U, X},
    P.OWN_ACCOUNT: set(),
    P.GALLERY_SEE: {E, R, A, C, M, X},
}


@pytest.mark.parametrize(("permission", "role"), list(product(P, Role)))
def test_role_carries_exactly_the_permissions_of_the_matrix(permission, role):
    assert (permission in permissions_of([role])) == (role in MATRIX[permission])


def test_every_permission_stands_in_the_matrix_and_has_a_sentence():
    assert set(MATRIX) == set(P) == set(SENTENCES)
    assert all(P(code).sentence for code in P)


@pytest.mark.parametrize(("one", "other"), list(product(Role, Role)))
def test_exclusion_is_mutual_and_as_promised(one, other):
    excluded = one != other and (
        U in {one, other} or (X in {one, other} and {one, other} & {R, A, C, M}) or (M in {one, other} and {one, other} & {R, A, C})
    )

    assert (other in ROLES[one].excludes) == bool(excluded)
    assert (frozenset({one, other}) in conflicting_pairs()) == bool(excluded)


def test_no_role_that_decides_changes_may_also_give_roles():
    deciding = set(roles_with(P.CHANGE_APPROVE))

    assert deciding.isdisjoint(roles_with(P.ROLE_GRANT_PRIVILEGED))
    assert deciding.isdisjoint(roles_with(P.ROLE_GRANT_ENGINEER))


def test_every_role_has_words_for_people():
    assert all(role.label and role.sentence.endswith(".") for role in Role)
