"""The store of last good answers: an unchanged page costs no quota (ETag, 304).

A row holds the page's Link header and its body, deflated, for one source and one whole URL.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime

from changes.connectors.answer import Answer
from changes.connectors.models import Source, StoredAnswer

LONGEST_URL = 800
LONGEST_ETAG = 200
LARGEST = 4 * 1024 * 1024
"""Bytes; a larger body is read anew each time."""


@dataclass(frozen=True)
class Kept:
    etag: str
    link: str
    body: bytes


def kept(*, source: Source, url: str) -> Kept | None:
    """The last good answer of this URL."""
    row = StoredAnswer.objects.filter(source=source, url=url).first()
    if row is None:
        return None
    link, _, body = zlib.decompress(bytes(row.body)).partition(b"\n")
    return Kept(etag=row.etag, link=link.decode("latin-1"), body=body)


def keep(*, source: Source, url: str, answer: Answer, at: datetime) -> None:
    """Remember this answer, when it has an ETag and fits."""
    etag, link = answer.headers.get("etag", ""), answer.headers.get("link", "")
    if not etag or len(etag) > LONGEST_ETAG or len(url) > LONGEST_URL or len(answer.body) > LARGEST:
        return
    body = zlib.compress(link.encode("latin-1") + b"\n" + answer.body, 1)
    StoredAnswer.objects.bulk_create(
        [StoredAnswer(source=source, url=url, etag=etag, body=body, at=at)],
        update_conflicts=True,
        unique_fields=["source", "url"],
        update_fields=["etag", "body", "at"],
    )


def forget(*, before: datetime) -> int:
    """Drop answers that were last changed before this moment. Returns how many."""
    gone, _ = StoredAnswer.objects.filter(at__lt=before).delete()
    return gone
