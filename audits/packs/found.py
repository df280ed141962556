"""What a pack's SHA-256 belongs to, for whoever checks a file that came from somewhere."""

from audits.packs.models import Pack
from audits.proof.lookup import FoundRecord, finder
from portal.access.scope import Scope


@finder
def pack_under(digest: str, scope: Scope) -> FoundRecord | None:
    """The pack whose whole file has this digest, offered still or not."""
    pack = Pack.objects.filter(digest=digest).select_related("engagement").first()
    if pack is None or pack.ended_at is None:
        return None
    words = f"{pack} of the audit {pack.engagement.name}, {pack.size} bytes, {pack.get_state_display().lower()}"
    return FoundRecord(words, f"/audits/{pack.engagement_id}/packs/", pack.ended_at)
