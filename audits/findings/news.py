"""What the ledger says about findings, told to whoever answers for them and to whoever opened them."""

from collections.abc import Iterable

from audits.findings.models import Finding
from audits.findings.needs import address_of
from changes.talk.news import News, Rows, teller
from portal.ledger.queries import Entry

WORDS = {
    "finding.opened": "A finding for you",
    "finding.responded": "A response to a finding",
    "finding.corrected": "A finding is corrected and can be retested",
    "finding.retest_passed": "A finding passed its retest",
    "finding.retest_failed": "A finding failed its retest",
    "finding.closed": "A finding is closed",
    "finding.reopened": "A finding is open again",
}


@teller(*WORDS)
def finding_news(entry: Entry, rows: Rows) -> Iterable[News]:
    """Owner and opener; nobody is told of what they did themselves."""
    pk = entry.stream.removeprefix("finding:")
    found = Finding.objects.filter(pk=int(pk)).first() if pk.isdecimal() else None
    if found is not None:
        people = {found.owner_id: "You answer for this finding.", found.opened_by_id: "You opened this finding."}
        yield News("audit", f"{WORDS[entry.kind]}: {found.title}", address_of(found), people)
