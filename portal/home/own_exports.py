"""What the portal itself does in the background for a person: files of people, and verifications of the ledger."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from portal.access.importing.models import PeopleImport
from portal.access.models import User
from portal.home import exports
from portal.ledger.models import LedgerVerification
from portal.ledger.progress import share_of
from portal.ui.remaining import words_left


@exports.provider
def imports_of(user: User, at: datetime) -> Iterator[exports.Export]:
    """Files of people that this person uploaded."""
    rows = PeopleImport.objects.defer("content").filter(uploaded_by=user).order_by("-pk")
    for row in rows[: exports.MOST]:
        running = row.state in (PeopleImport.State.CHECKING, PeopleImport.State.WANTED)
        yield exports.Export(
            what=f"People of the file {row.file_name}",
            asked_at=row.uploaded_at,
            state=row.get_state_display(),
            tone="ok" if row.state == PeopleImport.State.DONE else "neutral",
            running=running,
            href=reverse("import", args=[row.pk]),
            step="Rows checked",
            done=row.checked,
            total=row.total,
            left=words_left(began=row.uploaded_at, moved=at, share=row.checked / row.total if row.total else 0.0, at=at),
            ended_at=row.done_at,
            trouble=row.trouble,
        )


@exports.provider
def verifications_of(user: User, at: datetime) -> Iterator[exports.Export]:
    """Verifications of the ledger that this person asked for."""
    rows = LedgerVerification.objects.filter(asked_by=user).order_by("-pk")
    for row in rows[: exports.MOST]:
        share = share_of(checked=row.progress, entries=row.entries)
        yield exports.Export(
            what="Verification of the ledger",
            asked_at=row.asked_at,
            state="Done" if row.finished_at else "Under way",
            tone="ok" if row.finished_at else "neutral",
            running=row.finished_at is None,
            href=reverse("ledger-verification", args=[row.pk]),
            step="Per cent checked" if row.started_at else "Waiting for a worker",
            done=round(100 * share),
            total=100,
            left=words_left(began=row.started_at, moved=at, share=share, at=at),
            ended_at=row.finished_at,
        )
