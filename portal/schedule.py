"""The schedule, as code: changing it is a change that somebody reviews.

Each entry names a task by its registered name (the upper apps are text here, so that imports keep their direction), how often it
runs in seconds, and the name of its lease in the database, which lets several schedulers run each job once.
"""

from dataclasses import dataclass

DRAIN_INBOX = "changes.connectors.tasks.drain_inbox"
DELIVER_OUTBOX = "portal.outbox.tasks.deliver_outbox"
SEAL = "portal.ledger.tasks.seal"
VERIFY_ASKED = "portal.ledger.tasks.verify_asked"
WORK_ON_IMPORTS = "portal.access.importing.tasks.work_on_imports"
BUILD_PACKS = "audits.packs.tasks.build_packs"
DO_JOBS = "audits.jobs.tasks.do_jobs"
VERIFY = "portal.ledger.tasks.verify"
BACK_UP = "portal.runtime.tasks.back_up"
QUEUE, SEALER = "celery", "sealer"
# What needs the signing key, the anchors or the folder of copies has a queue of its own, so that only one machine has to have them.
QUEUES = dict.fromkeys((SEAL, VERIFY, VERIFY_ASKED, BUILD_PACKS, BACK_UP), SEALER)


@dataclass(frozen=True)
class Entry:
    """One periodic task."""

    task: str
    every: int
    lease: str


SCHEDULE = (
    # What a lost broker forgot.
    Entry("changes.connectors.tasks.sweep_inbox", 15, "sweep-inbox"),
    Entry("portal.outbox.tasks.sweep_outbox", 5, "sweep-outbox"),
    # Reported facts are confirmed by reading the vendor again; settling draws the conclusions.
    Entry("changes.connectors.tasks.read_again", 2, "read-again"),
    Entry("changes.connectors.tasks.settle", 2, "settle"),
    # The population, independent of what was delivered; each repository at most once a minute, at once after a push.
    Entry("changes.connectors.tasks.poll_sources", 15, "poll-sources"),
    Entry("changes.connectors.tasks.mirror_repositories", 5, "mirror-repositories"),
    # Who has access there: cheap when nothing changed, since unchanged answers cost no quota.
    Entry("changes.connectors.tasks.read_access", 3600, "read-access"),
    # Who may do what here, and the clocks of access reviews.
    Entry("changes.entitlements.tasks.keep_access", 3600, "keep-access"),
    # What administrators asked to read: now, or far back.
    Entry("changes.connectors.tasks.fetch", 5, "fetch"),
    # What runs beside what Git says, from what was read already.
    Entry("changes.connectors.tasks.compare_drift", 600, "compare-drift"),
    # Kept answers of vendors' APIs that nobody asked for in a long time.
    Entry("changes.connectors.tasks.forget_answers", 86400, "forget-answers"),
    # Raw bodies of deliveries that are older than anybody wants them.
    Entry("changes.connectors.tasks.let_bodies_go", 3600, "let-bodies-go"),
    # Clocks of the policy.
    Entry("changes.gates.tasks.judge_overdue", 300, "judge-overdue"),
    Entry("changes.gates.tasks.judge_freezes", 15, "judge-freezes"),
    Entry("changes.emergencies.tasks.keep_clocks", 15, "keep-clocks"),
    Entry("changes.exceptions.tasks.open_again", 300, "open-again"),
    # The architecture meeting: dates roll on, agendas stay in step, what was missed is found, invitations go out.
    Entry("changes.meetings.tasks.keep_meetings", 60, "keep-meetings"),
    Entry("changes.meetings.tasks.close_votes", 15, "close-votes"),
    Entry("changes.exceptions.tasks.find_missed_meetings", 60, "find-missed-meetings"),
    Entry("changes.talk.tasks.invite", 300, "invite"),
    # Files of people: what a lost broker forgot.
    Entry(WORK_ON_IMPORTS, 15, "work-on-imports"),
    # Evidence packs: what waits for a checkpoint, what a lost worker left, what is past its day.
    Entry(BUILD_PACKS, 5, "build-packs"),
    # Large populations and runs of the controls that somebody asked for.
    Entry(DO_JOBS, 5, "do-jobs"),
    # Whoever's last day is over loses every access.
    Entry("portal.access.roster.tasks.end_due_access", 300, "end-due-access"),
    # Training: what comes up, is due or late; each reminder once.
    Entry("changes.training.tasks.remind", 3600, "remind-of-training"),
    # People are told what the ledger says; digests go out at each person's own hour.
    Entry("changes.talk.tasks.tell", 5, "tell"),
    Entry("changes.talk.tasks.send_digests", 300, "send-digests"),
    # The ledger: number and sign what was admitted; check everything once a day (the task knows when it is due).
    Entry(SEAL, 1, "seal"),
    Entry(VERIFY, 3600, "verify"),
    # A copy of the database each night, where a folder for it is named; it asks every hour whether one is due.
    Entry(BACK_UP, 3600, "back-up"),
    Entry(VERIFY_ASKED, 15, "verify-asked"),
    # Where others keep it: does nothing unless it is switched on.
    Entry("changes.connectors.tasks.say_checkpoint", 300, "say-checkpoint"),
    # Triggers, functions, owners and rights of the database against the code.
    Entry("portal.ledger.tasks.check_guards", 3600, "check-guards"),
    # What auditors read on a day goes into the ledger as one digest when the day is over.
    Entry("audits.engagements.tasks.seal_read_log", 3600, "seal-read-log"),
    # Likewise what the deploy gate answered.
    Entry("changes.gates.tasks.seal_gate_answers", 3600, "seal-gate-answers"),
    # What the controls find over the last 90 days and in each week, once a day; and within each engagement that is open.
    Entry("audits.controls.tasks.run_controls_daily", 3600, "run-controls"),
    # A job that did not run is itself a finding.
    Entry("changes.completeness.tasks.watch_jobs", 60, "watch-jobs"),
    Entry("audits.controls.tasks.run_controls_for_engagements", 60, "run-controls-for-engagements"),
    # Proves the way scheduler → broker → worker; without it the supervisor starts the worker again.
    Entry("portal.runtime.tasks.heartbeat", 15, "heartbeat"),
)

# While somebody holds this lease, jobs that follow the clocks of the policy or the vendors rest: a year that is told in minutes
# does their work with a clock of its own (changes/desk/demo/year). The ledger, copies and the heartbeat go on.
STANDSTILL = "standstill"
_RESTING = ("changes.", "portal.outbox.", "portal.access.roster.", "audits.controls.", "audits.engagements.")
RESTS = tuple(entry.lease for entry in SCHEDULE if entry.task.startswith(_RESTING))
RESTING_CHANNELS = frozenset({"inbox", "outbox"})

# Channel of PostgreSQL's NOTIFY → task that is sent at once.
WAKE = {
    "inbox": DRAIN_INBOX,
    "outbox": DELIVER_OUTBOX,
    "ledger": SEAL,
    "verify": VERIFY_ASKED,
    "imports": WORK_ON_IMPORTS,
    "packs": BUILD_PACKS,
    "jobs": DO_JOBS,
}
# Channels whose word is not the reference of a request (portal/causes.py).
WORDS_OF_THEIR_OWN = frozenset({"ledger"})
