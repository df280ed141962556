"""Verbs on nouns. A role is a list of these; a view names the one it needs."""

from enum import StrEnum


class P(StrEnum):
    """One permission. The value is what the ledger, the API and refusals show."""

    CHANGE_SEE = "change.see"
    CHANGE_PROPOSE = "change.propose"
    CHANGE_CLASSIFY = "change.classify"
    CHANGE_APPROVE = "change.approve"
    CHANGE_SIGN_OFF = "change.sign_off"
    CHANGE_REVIEW_AFTER = "change.review_after"
    EMERGENCY_DECLARE = "emergency.declare"
    EMERGENCY_PLUS_ONE = "emergency.plus_one"
    EXCEPTION_SEE = "exception.see"
    EXCEPTION_EXPLAIN = "exception.explain"
    EXCEPTION_ACCEPT = "exception.accept"
    RELEASE_SEE = "release.see"
    LEDGER_SEE = "ledger.see"
    LEDGER_VERIFY = "ledger.verify"
    SOURCE_SEE = "source.see"
    SOURCE_MANAGE = "source.manage"
    INBOX_SEE = "inbox.see"
    INBOX_REPLAY = "inbox.replay"
    PERSON_SEE = "person.see"
    PERSON_INVITE = "person.invite"
    ROLE_GRANT_ENGINEER = "role.grant_engineer"
    ROLE_GRANT_PRIVILEGED = "role.grant_privileged"
    READ_LOG_SEE = "read_log.see"
    OWN_ACCOUNT = "account.own"
    GALLERY_SEE = "gallery.see"
