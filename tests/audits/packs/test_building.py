"""A pack from asking to the whole file: what is in it, that it comes out the same, and that nothing half is ever offered."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import openpyxl
import pytest
from django.utils import timezone
from pypdf import PdfReader
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.poam import PlanOfActionAndMilestones

from audits.controls.catalogue import CONTROLS
from audits.controls.models import ControlRun
from audits.controls.result import Window
from audits.controls.rows import result_of
from audits.packs import actions, building
from audits.packs.contents.segment import stream_of_key
from audits.packs.kept import let_go
from audits.packs.models import Pack, PackPiece
from audits.packs.queries import is_offered
from audits.packs.tools.main import verify
from audits.proof import actions as redacting
from audits.proof.lookup import found_under
from audits.samples.actions import mark
from audits.samples.models import SampleItem
from changes.exceptions.actions import Found, open_exception
from portal.access.models import User
from portal.access.scope import EVERYTHING
from portal.ledger import keys
from portal.ledger.models import LedgerLeaf
from portal.policy.clauses import Clause
from tests.audits.packs.made import asked, built, content_of, furnished, manifest_of, sealed
from tests.changes.people import who

pytestmark = pytest.mark.django_db


def again(pack):
    """The same pack as if it had never been built: the second time must come to the same bytes."""
    copy = Pack.objects.get(pk=pack.pk)
    copy.state, copy.attempt, copy.held_until = "waiting", 0, None
    return copy


def test_pack_holds_everything_verifies_and_comes_out_the_same_a_second_time(where, monkeypatch):
    uma, engagement = furnished()

    pack = built(asked(engagement, uma), where)

    assert (pack.state, pack.trouble, pack.done + 1) == ("ready", "", pack.steps)
    content = content_of(pack)
    assert len(content) == pack.size
    files = zipfile.ZipFile(io.BytesIO(content))
    names = files.namelist()
    assert names[:2] == ["README.txt", "completeness.txt"]
    assert names[-3:] == ["verify.py", "manifest.json", "manifest.note"]
    assert {entry.date_time for entry in files.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    about = manifest_of(files)["about"]
    assert (about["engagement"], about["asked_by"], about["contents"]["rows"]) == ("Annual audit", "Uma", 24)
    assert "Confidential. Annual audit, evidence pack 1, for Uma." in files.read("README.txt").decode()
    assert (
        verify(content)
        == f"{len(names)} files, 24 rows of 2 populations, 4 sampled items, 1 records, 29 controls, 1 statements, 11 entries under"
        f" checkpoint {size_of_ledger(files)}: all verify."
    )
    check_tables(files)
    check_papers(files)
    check_oscal(files)
    found = found_under(pack.digest, scope=EVERYTHING)
    assert (found.what, found.href) == (
        f"Evidence pack 1 of the audit Annual audit, {pack.size} bytes, ready",
        f"/audits/{engagement.pk}/packs/",
    )

    # The portal goes on: something is found late, and somebody is called otherwise. What the pack says was kept.
    control, window = CONTROLS[Clause.REVIEWED], Window(pack.run.since, pack.run.until)
    assert result_of(control=control, window=window).digest == pack.run.results[control.id]["digest"]
    unreviewed = Found("no_review", "#7", "acme/web#7:no_review", "Nobody reviewed #7.", pack.asked_at - timedelta(hours=1), True)
    open_exception(repository=None, found=unreviewed, at=timezone.now())
    User.objects.filter(pk=uma.pk).update(name="Uma Renamed")
    assert result_of(control=control, window=window).digest != pack.run.results[control.id]["digest"]

    kept, monkey = [], building.PieceWriter
    monkeypatch.setattr(building, "PieceWriter", lambda keep: monkey(lambda place, piece: kept.append(piece)))
    monkeypatch.setattr(actions, "hold", lambda **rest: True)
    monkeypatch.setattr(actions, "finish", lambda **rest: True)
    building._write(again(pack), building.checkpoint_of(pack), keys.load(where=where), timezone.now, where)
    assert b"".join(kept) == content


def size_of_ledger(files):
    return files.read("ledger/checkpoint.note").decode().split("\n")[1]


def check_tables(files):
    """What begins like a formula is text everywhere; times stand in UTC and by the company's clocks."""
    rows = list(csv.DictReader(io.StringIO(files.read("populations/01-changes/rows.csv").decode(), newline="")))
    assert [row["title"][:2] for row in rows[:4]] == ["'@", "'+", "'-", "pl"]
    lines = files.read("populations/01-changes/rows.jsonl").decode().splitlines()
    assert json.loads(lines[0])["title"] == "@SUM(A1)"
    book = openpyxl.load_workbook(io.BytesIO(files.read("workbook.xlsx")))
    assert (
        book.sheetnames[:4] == ["Read me", "Completeness", "1 Changes to production", "2 Exceptions"]
        or book.sheetnames[2][:2] == "1 "
    )
    sheet = book.worksheets[2]
    heads = [cell.value for cell in sheet[1]]
    place = next(number for number, head in enumerate(heads) if head.startswith("Merged to production (UTC)"))
    assert [sheet.cell(2, place + 1).value, sheet.cell(2, place + 2).value] == ["2026-03-29T00:30:00Z", "2026-03-29 00:30:00+00:00"]
    assert sheet.cell(2, 1).hyperlink.target.endswith("/changes/1/")
    assert {cell.data_type for one in book for row in one.iter_rows() for cell in row} <= {"s", "inlineStr", "n", "b"}


def check_papers(files):
    """A paper for each item, with what its testers marked."""
    papers = [name for name in files.namelist() if name.endswith("sheet.pdf")]
    assert len(papers) == 4
    texts = ["\n".join(page.extract_text() for page in PdfReader(io.BytesIO(files.read(name))).pages) for name in papers]
    assert sum("Compliance, Mia" in text and "=cmd" in text and "WP-1" in text for text in texts) == 1
    assert sum("The record is a test." in text for text in texts) == 1


def check_oscal(files):
    """As the reference implementation of the models reads it."""
    results = json.loads(files.read("oscal/assessment-results.json"))
    AssessmentResults(**results["assessment-results"])
    plan = json.loads(files.read("oscal/poam.json"))
    PlanOfActionAndMilestones(**plan["plan-of-action-and-milestones"])


def test_worker_that_dies_half_way_leaves_nothing_to_offer_and_the_next_one_begins_anew(where, monkeypatch):
    uma, engagement = furnished()
    pack = asked(engagement, uma)
    sealed(where)
    written = building.PieceWriter

    class Killed(BaseException):
        pass

    def half(keep):
        writer = written(keep)
        writer.close = lambda: (_ for _ in ()).throw(Killed())
        return writer

    with monkeypatch.context() as patch:
        patch.setattr(building, "PieceWriter", half)
        patch.setattr("audits.packs.pieces.PIECE", 4096)
        with pytest.raises(Killed):
            building.work_on_packs(now=timezone.now, where=where)
    pack.refresh_from_db()
    assert (pack.state, pack.attempt, pack.digest) == ("waiting", 1, "")
    assert PackPiece.objects.filter(pack=pack, attempt=1).count() > 10
    assert building.work_on_packs(now=timezone.now, where=where) == 0

    later = timezone.now() + actions.HELD + timedelta(seconds=1)
    building.work_on_packs(now=lambda: later, where=where)

    pack.refresh_from_db()
    assert (pack.state, pack.attempt) == ("ready", 2)
    assert set(PackPiece.objects.filter(pack=pack).values_list("attempt", flat=True)) == {2}
    assert (ControlRun.objects.get(), ControlRun.objects.get().engagement) == (pack.run, engagement)
    assert "all verify" in verify(content_of(pack))
    stale = again(pack)
    stale.attempt = 1
    assert building.build(pack=stale, now=lambda: later, where=where)
    assert "all verify" in verify(content_of(pack))

    # The rows of the controls stay as long as the file; what was kept otherwise than it was hashed builds nothing.
    assert (let_go(), pack.run.pieces.count() > 0) == (0, True)
    actions.cancel(pack=pack, by=uma, at=later)
    actions.clear(at=later)
    assert (let_go() > 0, pack.run.pieces.count(), pack.run.findings.count() > 0) == (True, 0, True)
    monkeypatch.setattr(actions, "hold", lambda **rest: True)
    with pytest.raises(ValueError, match="are not those of the run"):
        building._write(again(pack), building.checkpoint_of(pack), keys.load(where=where), timezone.now, where)


def test_pack_after_a_redaction_verifies_and_holds_what_the_checkpoint_covers(where, monkeypatch):
    """What was marked between asking and the checkpoint is there; whose text was redacted is there and not compared."""
    uma, engagement = furnished()
    mia, rex, at = who("Mia"), who("Rex"), timezone.now()
    leaf = LedgerLeaf.objects.get(kind="sample.marked")
    proposed = redacting.propose_redaction(leaf=leaf, reason="A password.", by=mia, at=at)
    redacting.confirm_redaction(redaction=proposed, digest=proposed.digest, by=rex, at=at)
    pack = actions.ask(engagement=engagement, by=uma, at=timezone.now())
    item = SampleItem.objects.get(position=3)
    mark(item=item, letter="A", outcome="passed", by=mia, at=pack.asked_at + timedelta(seconds=1))
    sealed(where)
    mark(item=item, letter="B", outcome="passed", by=mia, at=pack.asked_at)
    monkeypatch.setattr(building, "controls_of", lambda work: [])

    content = content_of(built(pack, where))

    assert "The text of 1 entries was redacted by two people; their hashes stand, and 1 records" in verify(content)
    files = zipfile.ZipFile(io.BytesIO(content))
    marks = [json.loads(line) for line in files.read("records/marks.jsonl").splitlines()]
    assert [(one["letter"], one["outcome"]) for one in marks] == [("A", "deviation"), ("A", "passed")]
    kinds = {json.loads(line)["kind"] for line in files.read("ledger/entries.jsonl").splitlines()}
    assert {"redaction.proposed", "redaction.confirmed"} <= kinds

    # What was built, or is being built, when a text is redacted may hold it.
    waiting = actions.ask(engagement=engagement, by=uma, at=at)
    leaf = LedgerLeaf.objects.get(kind="sample.marked", stream_seq__gt=leaf.stream_seq, body__payload__contains='"letter":"B"')
    proposed = redacting.propose_redaction(leaf=leaf, reason="Another one.", by=mia, at=at)
    pack = Pack.objects.get(pk=pack.pk)
    assert is_offered(pack, at=at)
    redacting.confirm_redaction(redaction=proposed, digest=proposed.digest, by=rex, at=at)
    pack = Pack.objects.get(pk=pack.pk)
    assert not is_offered(pack, at=at)
    assert actions.clear(at=at) == 1
    pack.refresh_from_db()
    assert (pack.state, pack.trouble, pack.pieces.count()) == ("expired", actions.OUTDATED, 0)
    assert (built(waiting, where).state, Pack.objects.get(pk=waiting.pk).trouble) == ("failed", actions.OUTDATED)


@pytest.mark.parametrize(
    ("key", "streams"),
    [
        ("CHG-7", ["change:7"]),
        ("EXC-7", ["exception:7"]),
        ("release-7", ["release:7"]),
        ("meeting-7", ["meeting:7"]),
        ("emergency-7", ["change:7"]),
        ("CHG-x", []),
        ("waiver-7", []),
    ],
)
def test_stream_about_a_row_is_known_by_its_key(key, streams):
    assert list(stream_of_key(key)) == streams


def test_pack_waits_for_its_checkpoint_is_given_up_while_it_is_built_and_says_why_it_cannot_be_built(where, monkeypatch):
    uma, engagement = furnished()
    pack = asked(engagement, uma)

    assert building.work_on_packs(now=timezone.now, where=where) == 1
    pack.refresh_from_db()
    assert (pack.state, pack.attempt, pack.step) == ("waiting", 0, "Waiting for the ledger's next checkpoint")

    sealed(where)
    later = timezone.now() + timedelta(seconds=10)
    where.key.chmod(0o644)
    building.work_on_packs(now=lambda: later, where=where)
    pack.refresh_from_db()
    assert pack.state == "failed"
    assert "others may read the signing key" in pack.trouble
    where.key.chmod(0o600)

    second = asked(engagement, uma)
    sealed(where)
    steps = building._steps

    def given_up(work, places):
        for number, step in enumerate(steps(work, places)):
            if number == 2:
                actions.cancel(pack=second, by=uma, at=timezone.now())
            yield step

    with monkeypatch.context() as patch:
        patch.setattr(building, "_steps", given_up)
        patch.setattr(building, "list", lambda found: found, raising=False)
        patch.setattr(building, "len", lambda found: 9, raising=False)
        building.work_on_packs(now=timezone.now, where=where)
    assert Pack.objects.get(pk=second.pk).state == "waiting"
    actions.clear(at=timezone.now())
    assert Pack.objects.get(pk=second.pk).state == "cancelled"
    assert not PackPiece.objects.filter(pack=second).exists()

    third = asked(engagement, uma)
    sealed(where)
    monkeypatch.setattr(building, "MOST_BYTES", -1)
    building.work_on_packs(now=timezone.now, where=where)
    assert "larger than" in Pack.objects.get(pk=third.pk).trouble

    fourth = asked(engagement, uma)
    sealed(where)

    def broken(work, places):
        raise RuntimeError("File size too large, try using force_zip64")

    monkeypatch.setattr(building, "_steps", broken)
    building.work_on_packs(now=timezone.now, where=where)
    fourth.refresh_from_db()
    assert (fourth.state, fourth.trouble) == ("failed", "It could not be built: File size too large, try using force_zip64")
