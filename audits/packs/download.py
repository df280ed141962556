"""The answer that hands a pack out: resumable, a piece of the database at a time, never more than one in memory."""

import base64
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from audits.engagements.wall import InPieces
from audits.packs.models import Pack
from audits.packs.pieces import PIECE, bytes_of
from audits.packs.ranges import Bytes, asked_for

KIND = "application/zip"


def answer_with(request: HttpRequest, pack: Pack) -> HttpResponseBase:
    """The file, or the part of it that is asked for: 200, 206, or 416. The tag is the digest, so a file never changes under it."""
    tag = f'"{pack.digest}"'
    kept = request.headers.get("If-Range", tag) == tag
    wanted = asked_for(request.headers.get("Range", "") if kept else "", size=pack.size)
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(pack.digest)).decode()}:",
        "Content-Disposition": f'attachment; filename="{name_of(pack)}"',
        "Content-Encoding": "identity",
        "Cache-Control": "private, no-store",
    }
    if wanted is None:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{pack.size}"})
    headers["Content-Length"] = str(wanted.length)
    if not wanted.whole:
        headers["Content-Range"] = f"bytes {wanted.first}-{wanted.last}/{pack.size}"
    status = 200 if wanted.whole else 206
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=KIND, headers=headers)
    return InPieces(_parts(pack, wanted), status=status, content_type=KIND, headers=headers)


def name_of(pack: Pack) -> str:
    """The file's name says what it is, and that it is confidential."""
    return f"confidential-audit-{pack.engagement_id}-evidence-pack-{pack.number}.zip"


def _parts(pack: Pack, wanted: Bytes) -> list[Callable[[], bytes]]:
    starts = range(wanted.first // PIECE * PIECE, wanted.last + 1, PIECE)
    bounds = [(max(start, wanted.first), min(start + PIECE - 1, wanted.last)) for start in starts]
    return [lambda first=first, last=last: b"".join(bytes_of(pack, first=first, last=last)) for first, last in bounds]  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
