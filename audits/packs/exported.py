"""Evidence packs of a person among everything that they asked for."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from audits.packs import queries
from audits.packs.models import Pack
from portal.access.models import User
from portal.home import exports
from portal.ui.remaining import left_of

TONES = {Pack.State.READY: "ok", Pack.State.FAILED: "bad"}


@exports.provider
def exported_packs(user: User, at: datetime) -> Iterator[exports.Export]:
    """The newest."""
    rows = Pack.objects.filter(asked_by=user).select_related("engagement", "cancel").order_by("-pk")[: exports.MOST]
    redacted = queries.last_redaction()
    for pack in rows:
        where = [pack.engagement_id, pack.number]
        given_up = queries.is_given_up(pack) and pack.state in (Pack.State.WAITING, Pack.State.READY)
        running = pack.state == Pack.State.WAITING and not given_up
        outdated = redacted is not None and pack.asked_at < redacted
        ready = pack.state == Pack.State.READY and pack.expires_at is not None and at < pack.expires_at
        offered = ready and not given_up and not outdated
        yield exports.Export(
            what=f"{pack.engagement.name}, evidence pack {pack.number}",
            asked_at=pack.asked_at,
            state=Pack.State.CANCELLED.label if given_up else pack.get_state_display(),
            tone=TONES.get(Pack.State(pack.state), "neutral"),
            running=running,
            href=reverse("audit-packs", args=[pack.engagement_id]),
            step=pack.step or "Waiting for a worker",
            done=pack.done,
            total=pack.steps,
            left=left_of(pack, at=at),
            ended_at=pack.ended_at,
            trouble=pack.trouble,
            size=pack.size,
            digest=pack.digest,
            expires_at=pack.expires_at if offered else None,
            file=reverse("pack-file", args=where) if offered else "",
            cancel=reverse("cancel-pack", args=where) if running or offered else "",
        )
