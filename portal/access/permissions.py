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
    CHANGE_COMMENT = "change.comment"
    CHANGE_SCHEDULE = "change.schedule"
    APPROVAL_DELEGATE = "approval.delegate"
    WAIVER_PROPOSE = "waiver.propose"
    WAIVER_DECIDE = "waiver.decide"
    FREEZE_SET = "freeze.set"
    FREEZE_OVERRIDE = "freeze.override"
    MEETING_SEE = "meeting.see"
    MEETING_VOTE = "meeting.vote"
    MEETING_LEAD = "meeting.lead"
    AGENDA_PUT = "agenda.put"
    POLICY_SEE = "policy.see"
    POLICY_DRAFT = "policy.draft"
    TRAINING_SIGN = "training.sign"
    TRAINING_WRITE = "training.write"
    TRAINING_CHASE = "training.chase"
    TRAINING_OVERSEE = "training.oversee"
    ACCESS_SEE = "access.see"
    ACCESS_REVIEW = "access.review"
    ACCESS_LEAD = "access.lead"
    MERGERS_SET = "mergers.set"
    OVERSIGHT_SEE = "oversight.see"
    CONTROL_SEE = "control.see"
    CONTROL_RUN = "control.run"
    INSIGHTS_SEE = "insights.see"
    DRILL_RECORD = "drill.record"
    EMERGENCY_DECLARE = "emergency.declare"
    EMERGENCY_PLUS_ONE = "emergency.plus_one"
    EXCEPTION_SEE = "exception.see"
    EXCEPTION_EXPLAIN = "exception.explain"
    EXCEPTION_ACCEPT = "exception.accept"
    NOISE_SET = "noise.set"
    RELEASE_SEE = "release.see"
    INVENTORY_SEE = "inventory.see"
    INVENTORY_KEEP = "inventory.keep"
    INVENTORY_SIGN = "inventory.sign"
    LEDGER_SEE = "ledger.see"
    LEDGER_VERIFY = "ledger.verify"
    LEDGER_REDACT = "ledger.redact"
    LEDGER_RECOVER = "ledger.recover"
    SOURCE_SEE = "source.see"
    SOURCE_MANAGE = "source.manage"
    INBOX_SEE = "inbox.see"
    INBOX_REPLAY = "inbox.replay"
    PERSON_SEE = "person.see"
    PERSON_INVITE = "person.invite"
    PERSON_KEEP = "person.keep"
    ROLE_HISTORY_SEE = "role.history_see"
    PROVISIONING_MANAGE = "provisioning.manage"
    ROLE_GIVE = "role.give"
    ROLE_GRANT_ENGINEER = "role.grant_engineer"
    ROLE_GRANT_PRIVILEGED = "role.grant_privileged"
    ENGAGEMENT_MAKE = "engagement.make"
    READ_LOG_SEE = "read_log.see"
    AUDIT_SEE = "audit.see"
    AUDIT_WORK = "audit.work"
    AUDIT_ANSWER = "audit.answer"
    OWN_ACCOUNT = "account.own"
    GALLERY_SEE = "gallery.see"

    @property
    def sentence(self) -> str:
        """What it allows, as the end of "may …"."""
        return SENTENCES[self]


SENTENCES: dict[P, str] = {
    P.CHANGE_SEE: "see changes",
    P.CHANGE_PROPOSE: "propose changes",
    P.CHANGE_CLASSIFY: "classify changes anew",
    P.CHANGE_APPROVE: "approve changes for production",
    P.CHANGE_SIGN_OFF: "sign off a change in staging",
    P.CHANGE_REVIEW_AFTER: "review changes after the event",
    P.CHANGE_COMMENT: "comment on changes",
    P.CHANGE_SCHEDULE: "plan when a change goes to production",
    P.APPROVAL_DELEGATE: "hand approvals over while away",
    P.WAIVER_PROPOSE: "propose waivers and the acceptance of exceptions",
    P.WAIVER_DECIDE: "decide on waivers",
    P.FREEZE_SET: "set and end freezes",
    P.FREEZE_OVERRIDE: "override a freeze together with somebody else",
    P.MEETING_SEE: "see meetings, agendas and decisions",
    P.MEETING_VOTE: "vote and take notes in the architecture meeting",
    P.MEETING_LEAD: "set up, lead and sign the architecture meeting",
    P.AGENDA_PUT: "put a point on an agenda",
    P.POLICY_SEE: "see the policy and its versions",
    P.POLICY_DRAFT: "draft the next version of the policy",
    P.TRAINING_SIGN: "take courses and sign the policy",
    P.TRAINING_WRITE: "write and publish courses",
    P.TRAINING_CHASE: "remind people of their training",
    P.TRAINING_OVERSEE: "see everybody's training",
    P.ACCESS_SEE: "see who may do what at the vendors and here",
    P.ACCESS_REVIEW: "review the rights on systems that they answer for",
    P.ACCESS_LEAD: "open and close access reviews",
    P.MERGERS_SET: "propose and confirm lists of authorised mergers",
    P.OVERSIGHT_SEE: "see the desk of the architecture team",
    P.CONTROL_SEE: "see the controls and what they found",
    P.CONTROL_RUN: "run the controls",
    P.INSIGHTS_SEE: "see the insights",
    P.DRILL_RECORD: "record rollbacks and rollback drills",
    P.EMERGENCY_DECLARE: "declare an emergency",
    P.EMERGENCY_PLUS_ONE: "give the +1 of an emergency",
    P.EXCEPTION_SEE: "see exceptions",
    P.EXCEPTION_EXPLAIN: "explain exceptions",
    P.EXCEPTION_ACCEPT: "accept exceptions",
    P.NOISE_SET: "say what is noise",
    P.RELEASE_SEE: "see releases",
    P.INVENTORY_SEE: "see the inventory and drift",
    P.INVENTORY_KEEP: "say who owns an asset and settle drift",
    P.INVENTORY_SIGN: "sign the monthly reconciliation of the inventory",
    P.LEDGER_SEE: "see the ledger",
    P.LEDGER_VERIFY: "verify the ledger",
    P.LEDGER_REDACT: "redact the text of an entry together with somebody else",
    P.LEDGER_RECOVER: "sign with somebody else that a backup was restored",
    P.SOURCE_SEE: "see connected sources",
    P.SOURCE_MANAGE: "connect sources",
    P.INBOX_SEE: "see deliveries",
    P.INBOX_REPLAY: "replay deliveries",
    P.PERSON_SEE: "see people and their roles",
    P.PERSON_INVITE: "invite people",
    P.PERSON_KEEP: "keep the roster of people: who joins, who leaves, whose account is whose",
    P.ROLE_HISTORY_SEE: "see who could do what on which day",
    P.PROVISIONING_MANAGE: "connect the company's directory",
    P.ROLE_GIVE: "give and end roles",
    P.ROLE_GRANT_ENGINEER: "make somebody an engineer",
    P.ROLE_GRANT_PRIVILEGED: "propose and confirm privileged roles",
    P.ENGAGEMENT_MAKE: "open engagements and admit auditors",
    P.READ_LOG_SEE: "see what auditors read",
    P.AUDIT_SEE: "see audits",
    P.AUDIT_WORK: "draw samples, mark them, ask and find in an audit",
    P.AUDIT_ANSWER: "take part in the requests and findings of an audit that name them",
    P.OWN_ACCOUNT: "change their own account",
    P.GALLERY_SEE: "see the gallery of components",
}

EVERYBODY: frozenset[P] = frozenset({P.OWN_ACCOUNT})
"""What every active person may, without any role."""

FOR_TOKENS: frozenset[P] = frozenset(
    {
        P.CHANGE_SEE,
        P.EXCEPTION_SEE,
        P.RELEASE_SEE,
        P.MEETING_SEE,
        P.POLICY_SEE,
        P.INVENTORY_SEE,
        P.LEDGER_SEE,
        P.LEDGER_VERIFY,
        P.SOURCE_SEE,
        P.INBOX_SEE,
        P.PERSON_SEE,
    }
)
"""What a token of the API may carry: reading. Whatever decides needs a person who has just proved who they are."""
