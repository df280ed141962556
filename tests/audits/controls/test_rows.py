"""What rows come to follows from the rows alone; sources that were not read make a result unknown; the newer readers."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audits.controls.catalogue import CONTROLS
from audits.controls.reading import overseen
from audits.controls.result import Result, Row, RowState, Tally, Window, deviating, judged
from audits.controls.rows import READERS, in_scope, result_of, rows_of
from audits.controls.unread import why_unread
from audits.engagements.models import ReadLog
from changes.connectors.models import Source
from changes.delivery.log_models import ReleaseLog
from changes.delivery.models import BranchCommit, Release, Repository
from changes.desk.source_states import SourceState, source_states
from changes.entitlements.models import AccessSnapshot, Entitlement, Thing
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer, ReviewEntry
from changes.exceptions.actions import Found, open_exception
from changes.exceptions.detect import about_pull_requests
from changes.inventory.actions import note_events, observe
from changes.inventory.facts import Seen, VendorEvent
from changes.proposals.actions import open_change
from changes.proposals.models import Change, LinkedPullRequest
from portal.access.scope import EVERYTHING, Scope
from portal.access.walk import rule_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.parameters import DEFAULT
from tests.audits.engagements.opened import admitted
from tests.changes.outcomes.world import pull
from tests.changes.people import person

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
WINDOW = Window(AT, AT + DAY)
database = pytest.mark.django_db


def tallied(*rows):
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally.result


PASSED, DEVIATES = Row("#1"), deviating("#2", "It deviates.")
UNKNOWN, UNREAD = Row("#3", RowState.UNKNOWN, "Nobody knows."), Row("source:x", RowState.UNREAD, "Not read.")


@pytest.mark.parametrize(
    ("rows", "outcome", "population"),
    [
        ((), "never_operated", 0),
        ((PASSED,), "passed", 1),
        ((PASSED, DEVIATES), "deviations", 2),
        ((PASSED, DEVIATES, UNKNOWN), "unknown", 3),
        ((UNREAD, PASSED), "unknown", 1),
        ((UNREAD,), "unknown", 0),
    ],
)
def test_the_outcome_follows_from_the_rows_and_what_is_unknown_never_passes(rows, outcome, population):
    found = tallied(*rows)

    assert (found.outcome, found.population) == (outcome, population)


def test_another_program_gets_the_same_numbers_and_digest_from_the_rows_as_json():
    rows = (UNREAD, judged("é#1", ()), judged("#2", ("Once.", "Once.", "Twice."), facts={"n": 2, "ok": True, "none": None}))
    file = [json.loads(json.dumps(row.as_json())) for row in rows]

    text = "".join(json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n" for row in file)
    states = [row["state"] for row in file]
    again = Result(
        population=len(states) - states.count("unread"),
        deviations=sum(row["deviates"] for row in file),
        unknown=states.count("unknown"),
        unread=states.count("unread"),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )

    assert again == tallied(*rows)
    assert file[2]["sentence"] == "Once. Twice."
    assert Result().digest == hashlib.sha256().hexdigest()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"last_good_read_at": AT + DAY - 59 * MINUTE}, ""),
        (
            {"last_good_read_at": AT + DAY - 61 * MINUTE},
            "github was read last at 2026-03-03 07:59 UTC, before the end of the window.",
        ),
        ({"last_good_read_at": AT + 9 * DAY, "trouble": "it is paused"}, ""),
        (
            {"last_good_read_at": None, "trouble": "401 Bad credentials."},
            "github was never read, before the end of the window: 401 Bad credentials.",
        ),
        ({"readable": False}, "github has no token: nothing confirms what it reported."),
        ({"readable": False, "connected_at": AT + DAY}, ""),
    ],
)
def test_a_source_counts_as_read_when_its_reading_reaches_the_end_of_the_window(values, words):
    standard = {
        "name": "github",
        "kind": "github",
        "connected_at": AT - DAY,
        "readable": True,
        "last_good_read_at": None,
        "trouble": "",
    }

    assert why_unread(SourceState(**(standard | values)), WINDOW) == words


@database
def test_every_reader_reads_an_empty_database_and_only_the_pages_of_the_portal_are_there():
    found = {control.id: result_of(control=control, window=WINDOW).outcome for control in CONTROLS.values() if control.check}

    assert found.pop("C-31") == "passed", "the pages of the portal are always there"
    assert set(found.values()) == {"never_operated"}
    later = replace(CONTROLS[Clause.AUDITED], check="", later="Later.")
    assert list(rows_of(control=later, window=WINDOW)) == []


def source(kind, **values):
    return Source.objects.create(
        name=kind,
        kind=kind,
        api_url="https://vendor.example",
        **({"connected_at": AT - DAY, "last_good_read_at": AT + DAY} | values),
    )


@database
def test_sources_that_failed_and_mirrors_that_cannot_be_read_make_their_controls_unknown_and_no_other():
    source("github", last_good_read_at=AT, failures=3, last_error="502 from GitHub")
    source("slack", paused_at=AT, last_good_read_at=None)
    Repository.objects.create(name="acme/web", in_scope_from=AT, mirror_error="access refused", mirrored_at=AT)
    Repository.objects.create(name="acme/old", in_scope_from=AT - 9 * DAY, in_scope_until=AT - DAY)

    found = {control.id: result_of(control=control, window=WINDOW) for control in CONTROLS.values() if control.check}

    assert [state.trouble for state in source_states()] == ["502 from GitHub", "it is paused"]
    assert found["C-02"] == result_of(control=CONTROLS[Clause.STARTS_AS_PULL_REQUEST], window=WINDOW)
    assert (found["C-02"].unread, found["C-03"].unread, found["C-14"].unread) == (2, 1, 2)
    assert {found[key].outcome for key in ("C-02", "C-03", "C-14", "C-21")} == {"unknown"}
    assert {found[key].outcome for key in ("C-05", "C-10", "C-24", "C-25")} == {"never_operated"}
    assert found["C-16"].outcome == "deviations"


def told(name, window=WINDOW, scope=EVERYTHING):
    return [(row.key, row.state.value, row.sentence) for row in READERS[name](window, scope)]


def release(number, *, repo="acme/web", at=AT, posted=None, **values):
    repository = Repository.objects.get_or_create(name=repo, defaults={"in_scope_from": AT - DAY})[0]
    standard = {"source": "fly", "app": "web", "environment": "production", "state": "succeeded", "commit_sha": f"{number:040}"}
    standard |= {"vendor_id": str(number), "created_at": at, "succeeded_at": at, "reported_at": at}
    row = Release.objects.create(repository=repository, **(standard | values))
    if posted is not None:
        log = ReleaseLog.objects.create(release=row, channel="C", ts="1", posted_at=posted, at=posted)
        append(stream="test", kind="test.made", actor="portal", fact={}, rows=[log])
    return row


@database
def test_production_changes_are_logged_in_time_late_not_at_all_or_not_due():
    release(1, posted=AT + 15 * MINUTE)
    release(2, posted=AT + 16 * MINUTE)
    release(3)
    release(4, at=AT + DAY - 15 * MINUTE)
    release(5, state="pending")
    release(6, environment="staging")
    unknown = "Slack is not connected, so nobody knows whether it was logged."
    assert {words for _, _, words in told("production_logged")} == {unknown}
    slack = source("slack", connected_at=AT)
    release(7, at=AT - MINUTE)
    edits = [
        VendorEvent(
            external_id="e1", at=AT, action="update", kind="doppler.config", object_name="shop/prd", environment="production"
        ),
        VendorEvent(external_id="e2", at=AT, action="update", kind="doppler.config", object_name="shop/stg", environment="staging"),
    ]
    note_events(source="doppler", events=edits, at=AT)

    missing = "No message in the channel of production changes is on record."
    assert told("production_logged") == [
        ("fly web 1", "passed", ""),
        ("fly web 2", "deviates", "The message came at 2026-03-02 09:16 UTC, too late."),
        ("fly web 3", "deviates", missing),
        ("edit doppler e1", "deviates", missing),
    ]
    Source.objects.filter(pk=slack.pk).update(connected_at=AT + DAY)
    assert told("production_logged") == []
    assert told("production_logged", scope=Scope(frozenset({"acme/other"}))) == []


@database
def test_apps_run_what_git_knows():
    for name in ("web", "api", "job", "new", "gone"):
        observe(source="fly", kinds={"fly.app"}, within=name, seen=[Seen("fly.app", name, name, within=name)], at=AT - 9 * DAY)
    observe(source="fly", kinds={"fly.app"}, within="gone", seen=[], at=AT - 5 * DAY)
    web = release(1).repository
    BranchCommit.objects.create(
        repository=web, branch="prod", sha=f"{1:040}", position=1, committed_at=AT, seen_at=AT, paths=[], co_authors=[]
    )
    release(2, app="api")
    release(3, app="job", commit_sha="")
    release(9, app="web", at=AT + 2 * DAY)

    assert told("apps_in_git") == [
        ("fly api", "deviates", "api 2 is of commit 0000000, which acme/web does not have on main or prod."),
        ("fly job", "deviates", "job 3 names no commit."),
        ("fly new", "deviates", "No successful release of it is on record, so nobody knows which commit runs."),
        ("fly web", "passed", ""),
    ]
    assert [key for key, _, _ in told("apps_in_git", scope=Scope(frozenset({"acme/other"})))] == ["fly new"]
    Release.objects.filter(app="job").update(repository=None)
    assert told("apps_in_git")[1][2] == "job 3 belongs to no repository in scope."


@database
def test_edits_at_cloudflare_belong_to_a_change_or_deviate_and_one_that_nobody_looked_at_is_unknown():
    source("cloudflare", connected_at=AT + MINUTE)
    values = {"action": "update", "kind": "cloudflare.dns_record", "object_name": "a.example"}
    events = [VendorEvent(external_id=f"e{n}", at=AT + n * MINUTE, **values) for n in range(4)]
    ids = note_events(source="cloudflare", events=events, at=AT)
    found = Found("dns_edited_outside_process", "a.example", f"edit:{ids[1]}", "Rex edited it.", AT + MINUTE, True)
    open_exception(repository=None, found=found, at=AT)
    change = open_change(texts={"title": "DNS", "why": "x", "rollback": "y"}, source="form", at=AT, actor="shell:test")
    match = change.edits.create(event_id=ids[2], reason="It names it.", at=AT)
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[match])

    assert told("cloudflare_edits_matched") == [
        ("cloudflare e1", "deviates", "Rex edited it."),
        ("cloudflare e2", "passed", ""),
        ("cloudflare e3", "unknown", "Nobody has looked for its change yet."),
    ]
    with CaptureQueriesContext(connection) as asked:
        told("cloudflare_edits_matched")
    assert sum("changes_editmatch" in query["sql"] for query in asked) == 1


@database
def test_a_change_that_meets_the_criteria_of_a_large_one_needs_a_reason_to_be_none():
    texts = {"title": "Much", "why": "x", "rollback": "y"}
    row = open_change(texts=texts, source="form", at=AT, actor="shell:test")
    merged = pull(1, merge="a", at=AT + MINUTE)
    link = LinkedPullRequest.objects.create(change=row, pull_request=merged, role="work", reason="test", at=AT)
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[link])
    assert told("large_decided") == []
    Change.objects.filter(pk=row.pk).update(reasons={"category": ["x"], "causes": {"size": ["lines:900"]}}, size="normal")

    sentence = "It meets the criteria of a large change, and nobody said why it is not one."
    assert told("large_decided") == [(str(row), "deviates", sentence)]


@database
def test_rows_of_other_repositories_are_in_no_reader_that_is_asked_for_one():
    other = pull(7, merge="a", at=AT + MINUTE, repo="acme/other")
    Repository.objects.filter(pk=other.repository_id).update(mirrored_at=AT, in_scope_from=AT - DAY)
    release(1, repo="acme/other")
    open_exception(
        repository=other.repository, found=Found("no_review", "#7", f"{other.key}:no_review", "No.", AT + MINUTE, True), at=AT
    )
    scope = Scope(frozenset({"acme/web"}))

    seen = {name for name, read in READERS.items() if any("acme/other" in row.line for row in read(WINDOW, EVERYTHING))}
    leaked = {name for name, read in READERS.items() if any("acme/other" in row.line for row in read(WINDOW, scope))}

    assert {"merges_reviewed", "merges_green", "merges_staged", "repositories_mirrored", "releases_of_merged_commits"} <= seen
    assert leaked == set()


@database
def test_access_reviews_and_removals_count_when_they_were_due():
    mia = person("Mia")
    snapshot = AccessSnapshot.objects.create(source="github", at=AT - 30 * DAY, things=[], rights=2, digest="")
    thing = Thing.objects.create(source="github", key="github.repository:1", name="web", first_read_at=AT - 30 * DAY)
    review = AccessReview.objects.create(
        number=1, opened_at=AT - 30 * DAY, due_at=AT + MINUTE, rights=2, digest="", closed_at=AT + 2 * MINUTE, closed_by=mia
    )
    rows = [snapshot, review]
    for place, ended in enumerate((None, AT + MINUTE)):
        ends = {"ended_at": ended, "ended_in": snapshot if ended else None}
        right = Entitlement.objects.create(
            thing=thing, account_id=f"a{place}", right="write", first_seen_at=AT, last_seen_at=AT, began_in=snapshot, **ends
        )
        entry = ReviewEntry.objects.create(
            review=review,
            place=place,
            entitlement=right,
            source="github",
            thing="t",
            account_id=f"a{place}",
            account_kind="person",
            right="write",
        )
        rows += [ReviewAnswer.objects.create(entry=entry, verdict="remove", reason="Left.", by=mia, at=AT)]
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=rows)

    late = ("Access review 1", "deviates", "It was due by 2026-03-02, and closed 2026-03-02.")
    removed = ("Access review 1 1", "passed", "")
    assert told("production_approved") == [late, ("Access review 1 0", "passed", ""), removed]
    still = "It was to be removed, its time is over, and no snapshot shows that it is gone."
    assert told("production_approved", Window(AT, AT + 8 * DAY)) == [late, ("Access review 1 0", "deviates", still), removed]
    (due,) = told("production_approved", Window(AT + 80 * DAY, AT + 81 * DAY))
    assert due[1:] == ("deviates", "A review of all access was due on 2026-05-02, and none was opened.")
    assert told("production_approved", Window(AT - 9 * DAY, AT)) == []


@database
def test_a_page_without_a_right_and_a_reading_outside_of_its_engagement_deviate(monkeypatch):
    uma, engagement = admitted()
    other, opened = person("Ann"), engagement.starts_at
    for reader, at in ((uma, opened), (other, opened), (uma, engagement.ends_at), (uma, opened - MINUTE)):
        ReadLog.objects.create(engagement=engagement, reader=reader, path="/changes/", session_digest="", at=at)
    ReadLog.objects.create(engagement=engagement, reader=other, path="/", session_digest="", outcome="preview", at=opened)
    monkeypatch.setattr(overseen, "rule_of", lambda view, name: None if name == "live" else rule_of(view, name))
    window = Window(opened - DAY, engagement.ends_at + DAY)

    found = [words for _, state, words in told("records_confidential", window) if state == "deviates"]

    closed = "It was read while the engagement was not open."
    assert found == [
        "It asks for no right and gives no reason to be public.",
        "It was read by somebody else than an auditor of the engagement.",
        closed,
        closed,
    ]


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        (EVERYTHING, 31),
        (Scope(criteria=frozenset({"CC2.3"})), {"C-31"}),
        (Scope(criteria=frozenset({"CC7.5"})), {"C-17", "C-18", "C-22"}),
        (Scope(systems=frozenset({"cloudflare"})), {"C-14", "C-24"}),
        (Scope(systems=frozenset({"portal"}), criteria=frozenset({"CC1.4"})), {"C-28"}),
    ],
)
def test_a_scope_of_criteria_and_systems_leaves_out_the_other_controls(scope, shown):
    found = {control.id for control in CONTROLS.values() if in_scope(control, scope)}

    assert found == shown if isinstance(shown, set) else len(found) == shown


@database
def test_what_travels_to_production_with_an_emergency_keeps_the_rules_and_an_emergency_without_pull_request_hides_nothing():
    def opened(category):
        texts = {"title": category, "why": "x", "rollback": "y"}
        return open_change(texts=texts, source="form", at=AT, actor="shell:test", classified={"category": category})

    def carries(row, *changes):
        for change in changes:
            link = LinkedPullRequest.objects.create(change=change, pull_request=row, role="promotion", reason="test", at=AT)
            append(stream="test", kind="test.made", actor="portal", fact={}, rows=[link])

    opened("emergency")
    mixed, alone, plain = (pull(number, merge=letter, at=AT + MINUTE) for number, letter in ((1, "a"), (2, "b"), (3, "c")))
    carries(mixed, opened("emergency"), standard := opened("standard"))
    carries(alone, opened("emergency"))

    assert [key for key, *_ in told("merges_staged")] == ["acme/web#1", "acme/web#3"]
    found = {
        key: {one.kind: one.change for one in items} for key, items in about_pull_requests(rows=[mixed, alone], parameters=DEFAULT)
    }
    assert found[f"{mixed.key}:"] == {"no_review": standard, "no_staging": standard}
    assert found[f"{alone.key}:"].keys() == {"no_review"}, "its +1 is missing"
    assert plain.number == 3
