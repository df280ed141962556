"""What the ledger says about requests, told to whoever is asked and to whoever asked."""

from collections.abc import Iterable

from audits.requests.models import Request
from changes.talk.news import News, Rows, teller
from portal.ledger.queries import Entry

WORDS = {
    "request.asked": "You are asked in an audit",
    "request.written": "A message about an audit's request",
    "request.answered": "Answered",
    "request.reopened": "An audit's request is open again",
}


@teller(*WORDS)
def request_news(entry: Entry, rows: Rows) -> Iterable[News]:
    """Owner and asker; nobody is told of what they did themselves."""
    pk = entry.stream.removeprefix("request:")
    found = Request.objects.filter(pk=int(pk)).first() if pk.isdecimal() else None
    if found is None:
        return
    people = {found.owner_id: "You answer this request."}
    if entry.kind != "request.asked":
        people.setdefault(found.asked_by_id, "You asked.")
    title = f"{WORDS[entry.kind]}: {found.subject}"
    yield News("audit", title, f"/audits/{found.engagement_id}/requests/{found.number}/", people)
