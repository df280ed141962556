"""Evidence of this app: what is never changed, what moves only with a ledger entry, what auditors must not read."""

from changes.approvals.guard_sql import GUARDS
from changes.drift.models import LIVE, DriftState
from changes.exceptions.models import ExceptionState
from changes.proposals.lifecycle import State, permitted_pairs
from changes.training.guard_sql import TRAINING_GUARDS
from portal.ledger.evidence import EvidenceTable, Hidden, RowRule

_SETTLED = (ExceptionState.EXPLAINED, ExceptionState.REPAIRED, ExceptionState.ACCEPTED, ExceptionState.CLEARED)
_FILTERED = {(ExceptionState.OPEN.value, ExceptionState.FILTERED.value), (ExceptionState.FILTERED.value, ExceptionState.OPEN.value)}
_DRIFT_MOVES = {(old, new) for old in LIVE for new in (*LIVE, DriftState.MATCHES.value) if old != new}
_EXCEPTION_MOVES = (
    {(ExceptionState.OPEN.value, state.value) for state in _SETTLED}
    | {(state.value, ExceptionState.OPEN.value) for state in _SETTLED}
    | {(ExceptionState.EXPLAINED.value, state.value) for state in (ExceptionState.REPAIRED, ExceptionState.ACCEPTED)}
    | _FILTERED
)

EVIDENCE: tuple[EvidenceTable, ...] = (
    EvidenceTable("changes.AccessSnapshot", append_only=True),
    EvidenceTable(
        "changes.SystemOwner",
        columns=("ended_at", "ended_by_id"),
        fixed=("source", "thing", "person_id", "set_by_id", "set_at"),
    ),
    EvidenceTable(
        "changes.AccessReview",
        columns=("closed_at", "closed_by_id", "note", "outcome"),
        fixed=("number", "opened_by_id", "opened_at", "due_at", "rights", "digest"),
    ),
    # Thousands of rows that are frozen together: the entry about the review keeps the digest of all of them.
    EvidenceTable("changes.ReviewEntry", append_only=True, entry=False),
    EvidenceTable("changes.ReviewAnswer", append_only=True),
    EvidenceTable("changes.ReviewHandover", append_only=True),
    EvidenceTable("changes.ReviewReminder", append_only=True),
    EvidenceTable(
        "changes.MergerList",
        columns=("confirmed_at", "confirmed_by_id", "withdrawn_at"),
        fixed=("repository_id", "branch", "people", "reason", "digest", "proposed_by_id", "proposed_at", "expires_at"),
    ),
    EvidenceTable(
        "changes.Limitation",
        columns=("confirmed_at", "confirmed_by_id", "withdrawn_at"),
        fixed=("person_id", "rule", "reason", "control", "until", "digest", "proposed_by_id", "proposed_at", "expires_at"),
    ),
    EvidenceTable(
        "changes.Change",
        columns=("state", "category", "size", "kind", "requester_id", "undeclared", "joined_to_id"),
        fixed=("number",),
        moves=permitted_pairs(),
        born=frozenset({State.DRAFT.value, State.PROPOSED.value, State.MERGED.value}),
    ),
    EvidenceTable("changes.Revision", append_only=True),
    EvidenceTable("changes.ClassChoice", append_only=True),
    EvidenceTable("changes.LinkedPullRequest", columns=("role",), fixed=("change_id", "pull_request_id", "reason", "at")),
    EvidenceTable(
        "changes.LinkedPush",
        columns=("taken_back_at",),
        fixed=("change_id", "repository_id", "branch", "commit_sha", "pusher_uid", "pusher_login", "pushed_at"),
    ),
    EvidenceTable("changes.Approval", append_only=True),
    EvidenceTable("changes.ApprovalLapse", append_only=True),
    EvidenceTable("changes.PlusOneConfirmation", append_only=True),
    EvidenceTable(
        "changes.Delegation",
        columns=("ended_at", "ended_by_id"),
        fixed=("absent_id", "delegate_id", "starts_at", "ends_at", "reason", "made_by_id", "made_at"),
    ),
    EvidenceTable("changes.Condition", append_only=True),
    EvidenceTable("changes.ConditionStep", append_only=True),
    EvidenceTable(
        "changes.Waiver",
        columns=(
            *("chair_id", "chair_at", "compliance_id", "compliance_at", "withdrawn_by_id", "withdrawn_at"),
            *("lapsed_at", "lapse_reason", "reviewed_by_id", "reviewed_at", "review_note"),
        ),
        fixed=(
            *("change_id", "revision_id", "head_sha", "classes", "nobody", "reason", "review_at", "digest"),
            *("proposed_by_id", "proposed_at", "expires_at"),
        ),
    ),
    EvidenceTable("changes.SignOff", append_only=True),
    EvidenceTable("changes.ReviewAfter", append_only=True),
    EvidenceTable(
        "changes.FollowUp",
        columns=("done_at", "done_by_id", "done_note"),
        fixed=("review_id", "text", "owner_id", "due_on"),
    ),
    EvidenceTable(
        "changes.DeployMark",
        columns=("withdrawn_at", "withdrawn_by_id"),
        fixed=("release_id", "what", "resolves_id", "note", "by_id", "at"),
    ),
    EvidenceTable("changes.Comment", append_only=True),
    EvidenceTable("changes.RecordedRollback", append_only=True),
    EvidenceTable("changes.RollbackDrill", append_only=True),
    EvidenceTable(
        "changes.Undoing",
        columns=("finished_at",),
        fixed=("change_id", "kind", "release_id", "pull_request_id", "started_at", "at"),
    ),
    EvidenceTable(
        "changes.Series",
        columns=("name", "rule", "starts_on", "time", "zone", "minutes", "place", "holidays", "ended_at"),
        fixed=("made_by_id", "made_at"),
    ),
    EvidenceTable(
        "changes.Seat",
        columns=("valid_until", "ended_by_id"),
        fixed=("series_id", "person_id", "part", "valid_from", "given_by_id"),
    ),
    EvidenceTable(
        "changes.Meeting",
        columns=("state", "planned_at", "moved_from", "reason", "chair_id", "started_at", "ended_at", "quorate", "agenda_digest"),
        fixed=("series_id", "number"),
        moves=frozenset(
            {
                ("planned", "live"),
                ("planned", "missed"),
                ("planned", "cancelled"),
                ("live", "ended"),
            }
        ),
        born=frozenset({"planned"}),
    ),
    EvidenceTable(
        "changes.Attendance",
        columns=("left_at",),
        fixed=("meeting_id", "person_id", "came_at"),
    ),
    EvidenceTable(
        "changes.Ballot",
        columns=("closed_at", "void"),
        fixed=("item_id", "revision_id", "digest", "written", "series_id", "opened_by_id", "opened_at", "closes_at"),
    ),
    EvidenceTable("changes.Vote", append_only=True),
    EvidenceTable("changes.Decision", append_only=True),
    EvidenceTable("changes.DecisionLapse", append_only=True),
    EvidenceTable(
        "changes.Action",
        columns=("done_at", "done_by_id", "done_note"),
        fixed=("meeting_id", "item_id", "text", "owner_id", "due_on", "by_id", "at"),
    ),
    EvidenceTable("changes.Minutes", append_only=True),
    EvidenceTable("changes.Correction", append_only=True),
    EvidenceTable("changes.Verdict", append_only=True),
    EvidenceTable("changes.ReleaseLog", append_only=True),
    EvidenceTable(
        "changes.SourceOutage",
        columns=("ended_at", "filled_at"),
        fixed=("source_id", "repository_id", "kind", "began_at", "why", "missed", "noted_at"),
    ),
    EvidenceTable(
        "changes.RulesSnapshot",
        columns=("actor_uid",),
        fixed=("repository_id", "subject", "digest", "rules", "differences", "weaker", "after", "read_at"),
    ),
    EvidenceTable(
        "changes.NoiseRule",
        columns=("ended_at", "ended_by_id"),
        fixed=("kind", "field", "pattern", "reason", "made_by_id", "made_at", "until"),
    ),
    EvidenceTable(
        "changes.Acceptance",
        columns=("confirmed_at", "confirmed_by_id", "withdrawn_at", "ended_at"),
        fixed=("record_id", "until", "reason", "digest", "proposed_by_id", "proposed_at", "expires_at"),
    ),
    EvidenceTable("changes.EditMatch", append_only=True),
    EvidenceTable("changes.RuleMatch", append_only=True),
    EvidenceTable(
        "changes.ExceptionRecord",
        columns=("state", "owner_id", "judged_by_id", "judged_at"),
        fixed=("key", "kind", "clause", "fold", "folds_into_id"),
        moves=frozenset(_EXCEPTION_MOVES),
        born=frozenset({ExceptionState.OPEN.value}),
    ),
    EvidenceTable("changes.ExceptionStep", append_only=True),
    EvidenceTable("changes.Emergency", append_only=True),
    EvidenceTable("changes.EmergencyCause", append_only=True),
    EvidenceTable("changes.EmergencyThread", append_only=True),
    EvidenceTable("changes.EmergencyReminder", append_only=True),
    EvidenceTable("changes.Ask", append_only=True),
    EvidenceTable("changes.Answer", append_only=True),
    EvidenceTable("changes.PlannedWindow", append_only=True),
    EvidenceTable("changes.Freeze", append_only=True),
    EvidenceTable("changes.FreezeEnd", append_only=True),
    EvidenceTable("changes.FreezeOverride", append_only=True),
    EvidenceTable("changes.OverrideAnswer", append_only=True),
    EvidenceTable(
        "changes.CalendarFeed",
        columns=("revoked_at",),
        fixed=("user_id", "name", "prefix", "digest", "kinds", "environments", "repositories", "made_at", "expires_at"),
        unspoken=("digest",),
    ),
    EvidenceTable("changes.Course", append_only=True),
    EvidenceTable("changes.PageRead", append_only=True),
    EvidenceTable(
        "changes.Attempt",
        columns=("submitted_at", "correct", "passed"),
        fixed=("course_id", "person_id", "drawn", "began_at", "ends_at"),
    ),
    EvidenceTable("changes.AttemptAnswer", append_only=True),
    EvidenceTable("changes.Acknowledgement", append_only=True),
    EvidenceTable("changes.TrainingReminder", append_only=True),
    EvidenceTable("changes.Asset", columns=("owner_id", "criticality"), fixed=("source", "kind", "external_id", "first_seen_at")),
    EvidenceTable("changes.Snapshot", append_only=True),
    EvidenceTable(
        "changes.DriftCase",
        columns=("state", "until", "digest", "closed_at"),
        fixed=("key", "rule", "source", "subject", "opened_at"),
        moves=frozenset(_DRIFT_MOVES),
        born=frozenset({DriftState.OPEN.value}),
    ),
    EvidenceTable("changes.DriftStep", append_only=True),
    EvidenceTable("changes.Reconciliation", append_only=True),
    EvidenceTable("changes.VendorEvent", append_only=True),
    EvidenceTable("changes.GateMode", append_only=True),
    EvidenceTable("changes.GateModeConfirmation", append_only=True),
    # One row for each question of a deploy: the ledger gets a digest of each day instead of an entry for each row.
    EvidenceTable("changes.GateAnswer", append_only=True, entry=False),
)

RULES: tuple[RowRule, ...] = (
    # The lock comes first: without it two transactions at once both see "not a contributor yet" (194 of 200 races got
    # through; with it none). Linking a pull request takes the same lock, so it waits, or is seen: Django's foreign keys
    # lock the change only at commit, which is too late, and after the lock of the ledger's stream.
    RowRule(
        name="approver_is_somebody_else",
        model="changes.Approval",
        declare="requester bigint; lane text;",
        body="""
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'approvals are given under READ COMMITTED' USING ERRCODE = 'check_violation';
    END IF;
    SELECT c.requester_id, c.category INTO requester, lane FROM changes_change c WHERE c.id = NEW.change_id FOR UPDATE;
    IF NEW.head_sha = '' AND lane <> 'emergency' THEN
        RAISE EXCEPTION 'only the +1 of an emergency may come before there is a commit'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_names_its_commit', TABLE = TG_TABLE_NAME;
    END IF;
    PERFORM 1 FROM changes_approval a LEFT JOIN changes_approvallapse l ON l.approval_id = a.id
        WHERE a.change_id = NEW.change_id AND a.by_id = NEW.by_id AND a.head_sha = NEW.head_sha AND l.id IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'a person gives one word on one commit until it is taken back'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'approval_once', TABLE = TG_TABLE_NAME;
    END IF;
    IF requester = NEW.by_id THEN
        RAISE EXCEPTION 'the requester cannot approve the own change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_is_somebody_else', TABLE = TG_TABLE_NAME;
    END IF;
    IF NEW.on_behalf_of_id IS NOT NULL THEN
        PERFORM 1 FROM changes_delegation d
            WHERE d.absent_id = NEW.on_behalf_of_id AND d.delegate_id = NEW.by_id
              AND d.starts_at <= NEW.at AND d.ends_at > NEW.at AND (d.ended_at IS NULL OR d.ended_at > NEW.at);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'approvals were not handed over to this person for this time'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_on_behalf', TABLE = TG_TABLE_NAME;
        END IF;
    END IF;
    PERFORM 1 FROM portal_identity i
        JOIN changes_linkedpullrequest l ON l.change_id = NEW.change_id AND l.role IN ('work', 'promotion')
        JOIN changes_pullrequest p ON p.id = l.pull_request_id
        WHERE i.user_id = NEW.by_id AND i.provider = 'github'
          AND (i.uid = p.author_uid::text
               OR l.role = 'work'
                  AND EXISTS (SELECT FROM jsonb_array_elements(p.commit_people) person WHERE person ->> 'uid' = i.uid));
    IF NOT FOUND THEN  -- whoever is known by the address in a commit alone
        PERFORM 1 FROM portal_user u
            JOIN changes_linkedpullrequest l ON l.change_id = NEW.change_id AND l.role = 'work'
            JOIN changes_pullrequest p ON p.id = l.pull_request_id
            WHERE u.id = NEW.by_id
              AND EXISTS (
                  SELECT FROM jsonb_array_elements(p.commit_people) person WHERE lower(person ->> 'email') = lower(u.email)
              );
    END IF;
    IF FOUND THEN
        RAISE EXCEPTION 'a contributor cannot approve the own change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_is_somebody_else', TABLE = TG_TABLE_NAME;
    END IF;
    PERFORM 1 FROM portal_identity i JOIN changes_linkedpush p ON p.change_id = NEW.change_id AND p.taken_back_at IS NULL
        WHERE i.user_id = NEW.by_id AND i.provider = 'github'
          AND (i.uid = p.pusher_uid::text
               OR EXISTS (SELECT FROM jsonb_array_elements(p.people) person WHERE person ->> 'uid' = i.uid));
    IF FOUND THEN
        RAISE EXCEPTION 'who pushed it cannot approve it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_is_somebody_else', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
""",
    ),
    *GUARDS,
    *TRAINING_GUARDS,
    RowRule(
        name="link_locks_its_change",
        model="changes.LinkedPullRequest",
        declare="",
        body="""
    PERFORM 1 FROM changes_change c WHERE c.id = NEW.change_id FOR NO KEY UPDATE;
    RETURN NEW;
""",
    ),
    RowRule(
        name="override_confirmed_by_another",
        model="changes.OverrideAnswer",
        declare="",
        body="""
    PERFORM 1 FROM changes_freezeoverride o
        WHERE o.id = NEW.override_id AND o.proposed_by_id = NEW.by_id AND NEW.verdict = 'yes';
    IF FOUND THEN
        RAISE EXCEPTION 'an override is confirmed by another person than the one who asked for it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'override_confirmed_by_another', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
""",
    ),
    RowRule(
        name="gate_mode_confirmed_by_another",
        model="changes.GateModeConfirmation",
        declare="",
        body="""
    PERFORM 1 FROM changes_gatemode m WHERE m.id = NEW.gate_mode_id AND m.by_id = NEW.by_id;
    IF FOUND THEN
        RAISE EXCEPTION 'an open gate is confirmed by another person than the one who asked for it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'gate_mode_confirmed_by_another', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
""",
    ),
)

HIDDEN: tuple[Hidden, ...] = (
    Hidden(
        "changes.CalendarFeed",
        why="token digests",
        shown=(
            *("id", "user_id", "name", "prefix", "kinds", "environments", "repositories"),
            *("made_at", "expires_at", "last_used_at", "revoked_at"),
        ),
    ),
    Hidden(
        "changes.Source",
        why="vendor tokens",
        shown=(
            *("id", "name", "kind", "api_url", "has_token", "app_id", "installation_id", "settings", "connected_at", "paused_at"),
            *("last_good_read_at", "covered_until", "last_failed_read_at"),
            *("last_error", "rate_remaining", "rate_resets_at", "not_before", "failures", "bodies_since"),
        ),
    ),
    Hidden("changes.HookSecret", why="secrets that sign deliveries"),
    Hidden("changes.Connecting", why="tokens and secrets of what is being connected; what is connected is in the ledger"),
    Hidden("changes.Draft", why="texts that nobody has sent yet, private to their author"),
    Hidden("changes.PreRead", why="who has read what before a meeting is personal"),
    Hidden("changes.Following", why="who wants to hear of what is personal"),
    Hidden("changes.Notice", why="what people were told is derived, and personal"),
    Hidden("changes.NoticeChoice", why="personal settings"),
    Hidden("changes.NoticeHours", why="personal settings"),
    Hidden("changes.Digest", why="personal"),
    Hidden("changes.StoredAnswer", why="raw answers of vendors' APIs, which nobody audits"),
)
