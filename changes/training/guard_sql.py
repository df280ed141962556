"""What PostgreSQL itself refuses about training: a second result of an attempt, and a signature without its passed quiz."""

from portal.ledger.evidence import RowRule

TRAINING_GUARDS: tuple[RowRule, ...] = (
    RowRule(
        name="attempt_handed_in_once",
        model="changes.Attempt",
        declare="",
        events="UPDATE",
        body="""
    IF OLD.submitted_at IS NOT NULL THEN
        RAISE EXCEPTION 'an attempt is handed in once, and its result stands'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_handed_in_once', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
""",
    ),
    RowRule(
        name="answer_before_it_is_handed_in",
        model="changes.AttemptAnswer",
        declare="",
        body="""
    PERFORM 1 FROM changes_attempt a WHERE a.id = NEW.attempt_id AND a.submitted_at IS NULL AND a.ends_at >= NEW.at FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an answer comes before the attempt is handed in, and in its time'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'answer_before_it_is_handed_in', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
""",
    ),
    RowRule(
        name="signed_after_the_quiz",
        model="changes.Acknowledgement",
        declare="",
        body="""
    PERFORM 1 FROM changes_attempt a
        WHERE a.id = NEW.attempt_id AND a.person_id = NEW.person_id AND a.course_id = NEW.course_id
          AND a.passed AND a.submitted_at <= NEW.at;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a person signs with a quiz of the same course that they passed before'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'signed_after_the_quiz', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
""",
    ),
)
