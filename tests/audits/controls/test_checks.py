"""Each reader over a small world: what it counts, what deviates, and what it leaves out."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from audits.controls.result import Window
from audits.controls.rows import READERS
from changes.delivery.models import BranchCommit, PullRequest, Push, Release, Repository
from changes.delivery.rule_models import RuleEvent
from changes.emergencies.models import Emergency, EmergencyThread
from changes.exceptions.actions import Found, answer, clear, open_exception
from changes.gates.actions import freeze
from changes.meetings.models import Meeting, Series
from changes.proposals.actions import open_change
from changes.proposals.models import Change, LinkedPullRequest
from portal.access.scope import EVERYTHING, Scope
from portal.ledger.actions import append
from portal.policy.models import PolicyVersion
from tests.audits.controls.reading import Deviation, Result, run_over
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WINDOW = Window(AT, AT + DAY)
OUTSIDE = (AT - timedelta(seconds=1), AT + DAY)


@pytest.fixture
def web():
    return Repository.objects.create(name="acme/web", in_scope_from=AT - DAY, mirrored_at=AT)


@pytest.fixture
def pull_request(web):
    """Merge one: into main, within the window, unless told otherwise."""

    def merge(number, **values):
        standard = {"base_ref": "main", "merged_at": AT, "state": "merged", "head_ref": f"work/{number}"}
        standard |= {"head_sha": f"{number:040}", "title": "Work", "reported_at": AT, "touched_at": AT}
        return PullRequest.objects.create(repository=web, number=number, **(standard | values))

    return merge


@pytest.fixture
def exception(web):
    """Open one, within the window unless told otherwise."""

    def find(kind, subject="#1", at=AT, about="", **evidence):
        key = f"{about or f'{web.key}{subject}'}:{kind}"
        found = Found(kind, subject, key, f"{kind} at {subject}.", at, confirmed=True, evidence=evidence)
        return open_exception(repository=web, found=found, at=at)

    return find


@pytest.fixture
def change():
    """Open one that reached prod within the window, unless told otherwise."""

    def opened(merged_at=AT, assessment=None, **values):
        texts = {"title": "Raise memory", "why": "It is short", "rollback": "Back", **values.pop("texts", {})}
        classified = {"reasons": {"category": ["A reason."]}, **values}
        row = open_change(texts=texts, source="form", at=AT, actor="shell:test", classified=classified)
        judged = None if assessment is None else {"gates": assessment}
        Change.objects.filter(pk=row.pk).update(merged_at=merged_at, assessment=judged)
        row.refresh_from_db()
        return row

    return opened


def told(*records, key=""):
    """What stands against one row: the sentences of its exceptions, and the first of them to read."""
    words = " ".join(record.sentence for record in records)
    return Deviation(key or f"exception:{records[0].key}", words, f"exception:{records[0].pk}")


def run(name, window=WINDOW):
    return run_over(name, window)


def test_commits_by_pull_request(web, exception):
    for number, at in enumerate((AT, *OUTSIDE)):
        BranchCommit.objects.create(
            repository=web,
            branch="prod",
            sha=f"{number:040}",
            position=number,
            committed_at=at,
            seen_at=at,
            paths=[],
            co_authors=[],
        )
    pushed = exception("direct_push", "prod:46997f831f28", about=f"{web.key}:push:prod:{0:040}")
    elsewhere = exception("direct_push", "prod:bbbbbbbbbbbb", about=f"{web.key}:push:prod:{'b' * 40}")
    exception("force_push", "prod")

    bare = told(pushed, key=f"acme/web prod {0:040}")
    assert run("commits_by_pull_request") == Result(2, (bare, told(elsewhere)))


def test_merges_reviewed(pull_request, exception):
    for number, at in enumerate((AT, *OUTSIDE)):
        pull_request(number, merged_at=at)
    pull_request(10, base_ref="prod")
    pull_request(11, base_ref="feature")
    pull_request(12, merged_at=None, state="open")
    kinds = ("no_review", "stale_approval", "self_approval", "changes_requested")
    found = [exception(kind, "#0") for kind in kinds]
    exception("failed_ci_merged", "#0")
    unseen = exception("no_review", "#77")

    assert run("merges_reviewed") == Result(3, (told(*found, key="acme/web#0"), told(unseen)))


def test_a_merge_commit_that_holds_what_nobody_reviewed_stands_against_its_merge_and_one_that_nobody_compared_is_unknown(
    web, pull_request, exception
):
    contents = ("same", "own", "unknown", "", "before")
    for number, content in enumerate(contents):
        pull_request(number, merge_sha=f"{number:040}")
        BranchCommit.objects.create(
            repository=web,
            branch="main",
            sha=f"{number:040}",
            parents=["a" * 40, "b" * 40],
            position=number,
            committed_at=AT,
            seen_at=AT,
            merge_content=content,
            merge_why="It has 3 parents." if content == "unknown" else "",
        )
    pull_request(5, base_ref="prod", merge_sha=f"{5:040}")
    written = exception("merge_with_own_content", "#1", about=f"{web.key}:merge:{1:040}")
    alone = exception("merge_with_own_content", "main:aaaaaaaaaaaa", about=f"{web.key}:merge:{'a' * 40}")
    exception("merge_with_own_content", "prod:bbbbbbbbbbbb", about=f"{web.key}:merge:{'b' * 40}")
    begins = "Nobody can tell whether 0000000 holds more than was reviewed."
    states = {
        "acme/web#0": ("passed", "", "What Git makes of its two sides"),
        "acme/web#1": ("deviates", written.sentence, "Content that neither side has"),
        "acme/web#2": ("unknown", f"{begins} It has 3 parents.", "Could not be compared"),
        "acme/web#3": ("unknown", f"{begins} Its merge commit was not compared with its two sides yet.", "Not compared yet"),
        "acme/web#4": ("passed", "", "From before the scope began"),
    }

    reviewed = {row.key: row for row in READERS["merges_reviewed"](WINDOW, EVERYTHING)}
    into_main = {row.key: row for row in READERS["main_reviewed_and_green"](WINDOW, EVERYTHING)}
    commits = {row.facts.get("commit"): row for row in READERS["commits_by_pull_request"](WINDOW, EVERYTHING)}

    assert {key: (row.state, row.sentence, row.facts["merge_content"]) for key, row in reviewed.items() if key in states} == states
    assert reviewed["acme/web#5"].facts["merge_content"] is None
    assert len(reviewed) == len(states) + 3
    assert {key: (row.state, row.sentence) for key, row in into_main.items() if key in states} == {
        key: words[:2] for key, words in states.items()
    }
    assert [row.sentence for key, row in into_main.items() if key not in states] == [alone.sentence]
    assert [row.facts["merge_content"] for row in commits.values()] == [words for _, _, words in states.values()]


def test_exceptions_outside_the_window_or_cleared_are_no_deviations(pull_request, exception):
    pull_request(1)
    for at in OUTSIDE:
        exception("no_review", at=at)
    clear(record=exception("no_review", "#2"), reason="later evidence", at=AT)

    assert run("merges_reviewed") == Result(1)


def test_an_explained_exception_stays_a_deviation(pull_request, exception):
    pull_request(1)
    record = exception("no_review")
    answer(record=record, outcome="explained", note="The reviewer was ill.", by=person("Ann"), at=AT)

    assert [item.subject for item in run("merges_reviewed").deviations] == ["acme/web#1"]


def test_merges_green(pull_request, exception):
    pull_request(1)
    found = [exception("failed_ci_merged"), exception("ci_missing_merged")]
    exception("no_review")

    assert run("merges_green") == Result(1, (told(*found, key="acme/web#1"),))


def test_merges_staged_leaves_out_main_and_emergencies(pull_request, exception, change):
    pull_request(1)
    pull_request(2, base_ref="prod")
    fast = pull_request(3, base_ref="prod")
    emergency = change(category="emergency")
    with transaction.atomic():
        link = LinkedPullRequest.objects.create(change=emergency, pull_request=fast, role="work", reason="test", at=AT)
        append(stream="change:0", kind="change.linked", actor="shell:test", fact={"pull_request": "3"}, rows=[link])
    found = exception("no_staging", "#2")

    assert run("merges_staged") == Result(1, (told(found, key="acme/web#2"),))


def test_main_reviewed_and_green_looks_at_main_alone(pull_request, exception):
    pull_request(1)
    pull_request(2, base_ref="prod")
    review = exception("no_review", "#1")
    exception("no_review", "#2")
    red = exception("failed_ci_merged", "#1")
    pushed = exception("direct_push", "main:aaaaaaaaaaaa")
    exception("direct_push", "prod:bbbbbbbbbbbb")

    assert run("main_reviewed_and_green") == Result(2, (told(review, red, key="acme/web#1"), told(pushed)))
    renamed = {"was": "main", "name": "trunk", "until": "2026-01-01T00:00:00+00:00"}
    Repository.objects.update(main_branch="trunk", former_branches=[renamed])
    assert run("main_reviewed_and_green") == Result(1, (told(pushed),))


def test_changes_categorised(change):
    change()
    without = [change(reasons={}), change(reasons={"category": []}), change(reasons={"category": ["Yes."]}, category="urgent")]

    sentence = "No reason for its category is on record."
    assert run("changes_categorised") == Result(4, tuple(Deviation(str(row), sentence, f"change:{row.number}") for row in without))


def test_branches_restricted(web, exception):
    Push.objects.create(repository=web, branch="prod", before="a", after="b", commits=[], pushed_at=AT, reported_at=AT)
    for number, kind in enumerate(("protection", "ruleset", "member")):
        RuleEvent.objects.create(
            repository=web, kind=kind, action="edited", subject="prod", delivery_key=str(number), happened_at=AT, reported_at=AT
        )
    forced = exception("force_push", "prod", about=f"{web.key}:push:prod:b")
    deleted = exception("ruleset_deleted", "", about=f"{web.key}:rule:1")
    exempt = exception("rule_exempt", "", about="elsewhere")
    exception("access_granted_outside_process")

    assert run("branches_restricted") == Result(
        4,
        (
            told(forced, key=f"acme/web push prod a..b {AT:%Y-%m-%dT%H:%M:%SZ}"),
            told(deleted, key="acme/web rule 1"),
            told(exempt),
        ),
    )


def test_releases_of_merged_commits(web, exception):
    for number, environment in enumerate(("production", "staging", "development")):
        Release.objects.create(
            repository=web,
            source="github",
            vendor_id=str(number),
            environment=environment,
            state="succeeded",
            created_at=AT,
            reported_at=AT,
        )
    row = Release.objects.get(environment="production")
    found = exception("unknown_release", "production:aaaaaaaaaaaa", about=f"release:{row.pk}")

    assert run("releases_of_merged_commits") == Result(2, (told(found, key="github production 0"),))


def test_a_release_of_no_repository_deviates_in_every_scope():
    row = Release.objects.create(
        source="fly", app="web-prod", version=12, vendor_id="12", environment="production", created_at=AT, reported_at=AT
    )

    told_of = Deviation("fly web-prod 12", "web-prod 12 belongs to no repository in scope.", f"release:{row.pk}")
    for scope in (EVERYTHING, Scope(repositories=frozenset({"acme/other"}))):
        assert run_over("releases_of_merged_commits", WINDOW, scope) == Result(1, (told_of,))


def test_repositories_mirrored(web):
    scope, failing = {"in_scope_from": AT - DAY}, {"mirror_error": "access refused."}
    Repository.objects.create(name="acme/api", **scope)
    Repository.objects.create(name="acme/away", mirrored_at=AT + DAY, **failing, **scope)
    Repository.objects.create(name="acme/bare", mirrored_at=AT + DAY, mirror_error="The repository has no branch prod.", **scope)
    Repository.objects.create(name="acme/db", mirrored_at=AT, **failing, **scope)
    Repository.objects.create(name="acme/dead", **failing, **scope)
    Repository.objects.create(name="acme/left", mirrored_at=AT + HOUR, in_scope_until=AT + HOUR, **scope)
    Repository.objects.create(name="acme/old", in_scope_until=AT, **scope)
    Repository.objects.create(name="acme/new", in_scope_from=AT + DAY)
    Repository.objects.filter(pk=web.pk).update(mirrored_at=AT + DAY - HOUR)

    last = "Its Git was read last at 2026-03-02 09:00 UTC, before the end of the window"
    assert run("repositories_mirrored") == Result(
        7,
        (
            Deviation("acme/api", "Its Git has not been read yet.", "repository:acme/api"),
            Deviation("acme/bare", "The repository has no branch prod.", "repository:acme/bare"),
            Deviation("acme/db", f"{last}: access refused.", "repository:acme/db"),
            Deviation("acme/dead", "access refused.", "repository:acme/dead"),
        ),
    )
    Repository.objects.filter(name="acme/db").update(mirror_error="")
    assert f"{last}." in [row.sentence for row in run("repositories_mirrored").deviations], "nobody reads it, and nobody says so"


def pushed(change, **values):
    """A change that the portal opened for a push past every pull request, frozen: most of its gates have failed."""
    row = change(**values)
    Change.objects.filter(pk=row.pk).update(opened_by="portal")
    row.refresh_from_db()
    freeze(change=row, moment="merge", subject="a push", at=AT)
    return row


def test_ways_back(change):
    good, bad = pushed(change), pushed(change, texts={"rollback": ""})
    fast = change(
        category="emergency", assessment=[{"number": 6, "code": "rollback", "state": "failed", "reason": "Still no plan."}]
    )
    change(category="emergency", assessment=[{"number": 6, "code": "rollback", "state": "waiting", "reason": "No plan yet."}])
    change(merged_at=None)
    change(merged_at=OUTSIDE[1])

    assert good.number < bad.number
    assert run("ways_back") == Result(
        4,
        (
            Deviation(str(bad), "Revision 1 does not say how to undo it.", f"change:{bad.number}"),
            Deviation(str(fast), "Still no plan.", f"change:{fast.number}"),
        ),
    )


def test_production_approved(change, web, exception):
    row = pushed(change)
    change()
    RuleEvent.objects.create(
        repository=web, kind="member", action="added", subject="eve", delivery_key="1", happened_at=AT, reported_at=AT
    )
    granted = exception("access_granted_outside_process", "", about=f"{web.key}:rule:1")

    assert run("production_approved") == Result(
        3,
        (
            Deviation(str(row), "A commit went to prod without an approval.", f"change:{row.number}"),
            told(granted, key="acme/web access 1"),
        ),
    )


def test_snapshots_named(change):
    without, named, other = pushed(change), pushed(change, texts={"snapshot": "snap-7"}), pushed(change)
    for row, has in ((without, True), (named, True), (other, False)):
        facts = {"has_migration": has, "snapshot": row.revisions.get().snapshot}
        with transaction.atomic():
            verdict = row.verdicts.model.objects.create(
                change=row,
                moment="merge",
                subject="again",
                outcome="unproven",
                gates=[],
                facts=facts,
                facts_digest="",
                rules_version="1",
                policy_version="1",
                at=AT,
            )
            append(stream=f"change:{row.number}", kind="verdict.merge", actor="portal", fact=facts, rows=[verdict])

    sentence = "It has a migration, and no snapshot was named at the merge."
    assert run("snapshots_named") == Result(2, (Deviation(f"{without} again", sentence, f"change:{without.number}"),))


def test_an_emergency_that_only_the_portal_found_is_left_out_nowhere(pull_request, change):
    fast = pull_request(3, base_ref="prod")
    found = change(category="emergency", undeclared=True)
    link = LinkedPullRequest.objects.create(change=found, pull_request=fast, role="work", reason="test", at=AT)
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[link])

    assert run("merges_staged").population == 1
    assert run("ways_back") == Result(1)


def test_emergencies_coordinated(change):
    with_thread, without = change(category="emergency"), change(category="emergency")
    change(category="standard")
    for number, (row, at) in enumerate([(with_thread, AT), (without, AT), (change(category="emergency"), OUTSIDE[1])]):
        emergency = Emergency.objects.create(change=row, via="form", key=str(number), at=at)
        rows = [emergency]
        if row == with_thread:
            rows.append(EmergencyThread.objects.create(emergency=emergency, channel="C1", ts="1.2", permalink="https://x", at=at))
        append(stream="test", kind="test.made", actor="portal", fact={}, rows=rows)

    deviation = Deviation(str(without), "No thread in Slack is on record.", f"change:{without.number}")
    assert run("emergencies_coordinated") == Result(2, (deviation,))


def test_emergencies_reviewed(change):
    gates = [
        {"number": 4, "code": "review", "state": "failed", "reason": "Nobody reviewed it."},
        {"number": 8, "code": "approval", "state": "failed", "reason": "No +1."},
        {"number": 12, "code": "review_after", "state": "failed", "reason": "No retrospective."},
    ]
    late = change(category="emergency", assessment=gates)
    change(category="emergency", assessment=[{"number": 8, "code": "approval", "state": "met", "reason": "+1."}])
    change(assessment=gates)

    assert run("emergencies_reviewed") == Result(
        2,
        (Deviation(str(late), "No +1. No retrospective.", f"change:{late.number}"),),
    )


def test_verdicts_compliant(change):
    bad, bare = pushed(change), change()

    failed = [gate for gate in bad.verdicts.get().gates if gate["state"] == "failed"]

    assert len(failed) > 1
    assert run("verdicts_compliant") == Result(
        2,
        (
            Deviation(str(bad), " ".join(gate["reason"] for gate in failed), f"change:{bad.number}"),
            Deviation(str(bare), "No verdict was frozen at its merge.", f"change:{bare.number}"),
        ),
    )


def test_exceptions_answered(exception, web):
    late = exception("no_review", at=AT - 2 * DAY)
    answered = exception("no_review", "#2", at=AT - 2 * DAY)
    answer(record=answered, outcome="repaired", note="Reverted.", by=person("Ann"), at=AT)
    exception("no_review", "#3", at=AT)
    clear(record=exception("no_review", "#4", at=AT - 2 * DAY), reason="later evidence", at=AT)

    late_one = Deviation(f"exception {late.pk} {late}", f"Nobody has answered it: {late.sentence}", f"exception:{late.pk}")
    assert run("exceptions_answered") == Result(2, (late_one,))


def test_large_decided(pull_request, change):
    undecided = [{"number": 2, "code": "decision", "state": "failed", "reason": "No meeting has decided revision 1."}]
    decided = [{"number": 2, "code": "decision", "state": "met", "reason": "ADR-1 stands."}]
    bad = change(size="large", assessment=undecided)
    rows = {bad: AT, change(size="large", assessment=decided): AT}
    rows |= {change(size="small", assessment=undecided): AT, change(size="large", assessment=undecided): OUTSIDE[1]}
    rows[change(size="large", category="emergency", assessment=undecided)] = AT
    for number, (row, at) in enumerate(rows.items(), start=1):
        for part in (0, 100):  # two pull requests of one change count once
            linked(row, pull_request(number + part, merged_at=at))

    assert run("large_decided") == Result(2, (Deviation(str(bad), "No meeting has decided revision 1.", f"change:{bad.number}"),))


def linked(change, pull_request):
    link = LinkedPullRequest.objects.create(change=change, pull_request=pull_request, role="work", reason="test", at=AT)
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[link])


def policy(number, **values):
    standard = {"text": "", "digest": "", "state": "adopted", "sent_at": AT, "effective_at": AT, "sent_by": person(f"p{number}")}
    version = PolicyVersion.objects.create(number=number, **(standard | values))
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[version])
    return version


def test_policy_reviewed():
    policy(1, sent_by=None)
    policy(2, decision="ADR-1", decided_at=AT)
    bare = policy(3)
    policy(4, effective_at=OUTSIDE[1])
    policy(5, state="sent", effective_at=None)

    assert run("policy_reviewed") == Result(3, (Deviation("Policy 3", "No decision of a meeting is on record.", "policy:3"),))
    assert bare.decision == ""


def test_a_policy_that_no_meeting_looked_at_for_a_year():
    policy(1, decision="ADR-1", decided_at=AT - timedelta(days=366))

    late = Deviation("review of the policy", "The last decision about the policy was on 2025-03-01.", "policy:1")
    assert run("policy_reviewed") == Result(2, (late,))
    assert run("policy_reviewed", Window(AT - DAY, AT)) == Result(0)


def test_meetings_held():
    chair = person("chair")
    series = Series.objects.create(
        name="Architecture", rule="FREQ=WEEKLY", starts_on=AT.date(), time=AT.time(), zone="UTC", made_by=chair, made_at=AT
    )
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[series])

    def meeting(number, state, at=AT, **values):
        row = Meeting.objects.create(series=series, number=number, planned_at=at, changed_at=AT)
        for step in {"ended": ("live", "ended"), "planned": ()}.get(state, (state,)):
            Meeting.objects.filter(pk=row.pk).update(state=step, **values)
        row.refresh_from_db()
        append(stream="test", kind="test.made", actor="portal", fact={}, rows=[row])

    meeting(1, "ended", quorate=True)
    meeting(2, "missed", reason="Everybody was ill.")
    meeting(3, "ended", quorate=False)
    meeting(4, "cancelled")
    meeting(5, "planned")
    meeting(6, "missed", at=OUTSIDE[1])

    assert run("meetings_held") == Result(
        3,
        (
            Deviation("Meeting 2", "It was missed. The reason given: Everybody was ill.", "meeting:2"),
            Deviation("Meeting 3", "It had no quorum. No reason is given.", "meeting:3"),
        ),
    )
