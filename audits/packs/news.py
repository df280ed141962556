"""What the ledger says about evidence packs, told to who asked."""

from collections.abc import Iterable

from audits.packs.models import Pack
from changes.talk.news import News, Rows, teller
from portal.ledger.queries import Entry

WORDS = {"pack.ready": "Evidence pack ready", "pack.failed": "Evidence pack not built"}


@teller(*WORDS)
def pack_news(entry: Entry, rows: Rows) -> Iterable[News]:
    """With the beginning of the digest, as the page shows it."""
    pk = entry.stream.removeprefix("pack:")
    pack = Pack.objects.filter(pk=int(pk)).select_related("engagement").first() if pk.isdecimal() else None
    if pack is not None:
        said = f", SHA-256 {pack.digest[:12]}…" if entry.kind == "pack.ready" else ""
        title = f"{WORDS[entry.kind]}: {pack.engagement.name}, pack {pack.number}{said}"
        yield News("audit", title, f"/audits/{pack.engagement_id}/packs/", {pack.asked_by_id: "You asked for it."})
