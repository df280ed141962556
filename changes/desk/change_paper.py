"""The record of a change as PDF: what its page shows, with the digests under which the portal finds it again.

No clock and no reader is in it, so the same state of the record gives the same bytes, whoever asks and whenever.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from changes.desk.change_page import ChangePage
from changes.desk.frozen import STATES
from changes.desk.happening import Happening
from changes.desk.timeline import OUTCOMES, SHOWN
from changes.proposals.sections import SECTIONS, texts_of
from portal.pdf import paper_of

DOUBT = " (reported, not confirmed yet)"
OLDER = "Of the ledger's entries the newest {shown} are here; the others stand in its stream change:{number}."


def change_pdf(page: ChangePage) -> bytes:
    """The file. Times are UTC."""
    change, revision = page.change, page.revision
    paper = paper_of(
        title=f"{change} {change.title}",
        mark=f"Confidential. {change}, revision {revision.number}, SHA-256 {revision.digest[:16]}…",
        subject=f"Revision {revision.number} of {change}",
    )
    paper.facts(list(_facts(page)))
    paper.section("Gates")
    paper.table(("Gate", "State", "Why"), list(_gates(page)), widths=(38, 30, 106))
    for name, text in texts_of(revision).items():
        if name != "title" and text.strip():
            paper.section(SECTIONS[name])
            paper.text(text)
    if page.linked:
        paper.section("Pull requests")
        rows = [[row.name, f"{row.title}{_doubt(row.unconfirmed)}", row.checks, row.reviews] for row in page.linked]
        paper.table(("Name", "Title", "Checks", "Reviews"), rows, widths=(38, 72, 32, 32))
    if page.frozen:
        paper.section("Frozen verdicts")
        paper.table(("Moment", "Verdict", "Rules and policy"), list(_verdicts(page)), widths=(74, 40, 60))
    paper.section("Timeline, newest first")
    paper.table(("When (UTC)", "Who", "What"), [_line(one) for one in page.timeline], widths=(31, 33, 110))
    if len(page.timeline) >= SHOWN:
        paper.small(OLDER.format(shown=SHOWN, number=change.number))
    paper.section("Digests (SHA-256)")
    paper.small("The portal finds each of them under /verify/ and the 64 digits.")
    for words in _digests(page):
        paper.small(words)
    return paper.content()


def _facts(page: ChangePage) -> Iterator[tuple[str, str]]:
    change = page.change
    yield "State", change.get_state_display()
    yield "Classes", f"{change.get_category_display()}, {change.get_size_display().lower()}, {change.get_kind_display().lower()}"
    yield "Requester", change.requester.name if change.requester else change.requester_login or "nobody named"
    if change.repository_names:
        yield "Repositories", ", ".join(change.repository_names)
    yield "Verdict", f"{page.headline.rstrip('.')}. {page.sentence}"
    for stage in page.stages:
        when = f", {_utc(stage.at)} UTC" if stage.at else ""
        yield stage.name, f"{stage.label} {stage.note}{when}{_doubt(stage.unconfirmed)}".strip()
    for record in page.exceptions:
        yield "Exception", f"{record.sentence} ({record.get_state_display().lower()})"


def _gates(page: ChangePage) -> Iterator[list[str]]:
    for gate in page.gates:
        yield [gate.name, STATES.get(gate.state, gate.state), f"{gate.reason}{_doubt(gate.unconfirmed)}"]


def _verdicts(page: ChangePage) -> Iterator[list[str]]:
    for row in page.frozen:
        verdict = row.verdict
        moment = f"{verdict.get_moment_display()}, {verdict.subject}, {_utc(verdict.at)} UTC"
        yield [
            moment,
            OUTCOMES.get(verdict.outcome, verdict.outcome),
            f"Rules {verdict.rules_version}, policy {verdict.policy_version}",
        ]


def _line(one: Happening) -> list[str]:
    more = f": {one.sub}" if one.sub else ""
    return [_utc(one.at), one.who, f"{one.text}{more}{_doubt(one.unconfirmed)}"]


def _digests(page: ChangePage) -> Iterator[str]:
    revision = page.revision
    yield f"Revision {revision.number}: {revision.digest}"
    if revision.binds != revision.digest:
        yield f"Approvals bind to: {revision.binds}"
    for row in page.frozen:
        yield f"{row.verdict.get_moment_display()}, facts of the verdict: {row.verdict.facts_digest}"


def _doubt(unconfirmed: bool) -> str:
    return DOUBT if unconfirmed else ""


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
