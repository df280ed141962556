"""What somebody typed and has not sent: kept for its author alone, and dropped once it is sent. No evidence, so no entries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from changes.proposals.models import Draft, Revision
from portal.access.models import User
from portal.home.dropped import dropped_by, put_away
from portal.home.models import Dropped

NEW = "new"
"""What a draft is about when there is no change yet; else the change's number."""
LONGEST = 2_000_000
"""Characters of one draft in all its fields."""
KIND = "proposal"
"""What drafts of proposals are among the things that can be taken back."""
MOST = 20
"""Drafts of one person."""


class NotKept(Exception):
    """The draft was not saved. The words say why and what to do; what was kept before is still there."""


@transaction.atomic
def save_draft(*, person: User, about: str, form_key: UUID, fields: Mapping[str, str], at: datetime) -> Draft:
    """Keep what stands in a form. Raises ``NotKept`` when it is too long, there are too many, or the form was sent already."""
    length = sum(map(len, fields.values()))
    if length > LONGEST:
        raise NotKept(f"the draft has {length:,} characters and {LONGEST:,} can be kept. Shorten it, or link a document.")
    sent = Revision.objects.filter(form_key=form_key).select_related("change").first()
    if sent is not None:
        raise NotKept(f"this form was sent already and became {sent}. Send it again to go on from there.")
    # Two saves of one form at once wait for one another here; nobody else is kept waiting.
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=person.pk)
    if Draft.objects.filter(person=person).exclude(form_key=form_key).count() >= MOST:
        raise NotKept(f"you have {MOST} drafts already. Drop one of them first.")
    clean = {name: text.replace("\x00", "") for name, text in fields.items()}
    draft, _ = Draft.objects.update_or_create(
        person=person, form_key=form_key, defaults={"about": about, "fields": clean, "saved_at": at}
    )
    return draft


def drafts_of(*, person: User, about: str) -> list[Draft]:
    """A person's drafts, newest first; without those whose form was sent meanwhile."""
    sent = Revision.objects.filter(form_key=OuterRef("form_key"))
    return list(Draft.objects.filter(~Exists(sent), person=person, about=about).order_by("-saved_at", "-id"))


def draft_of(*, person: User, form_key: UUID) -> Draft | None:
    """One draft of this person; None when there is none, or it is somebody else's."""
    return Draft.objects.filter(person=person, form_key=form_key).first()


def drop_draft(*, person: User, form_key: UUID) -> None:
    """Throw a draft away: it was sent, or its author does not want it. Without one, nothing happens."""
    Draft.objects.filter(person=person, form_key=form_key).delete()


@transaction.atomic
def put_draft_away(*, person: User, form_key: UUID, at: datetime) -> Draft | None:
    """Drop a draft so that its author can take it back for a day. Returns what was dropped; None when there was none."""
    draft = draft_of(person=person, form_key=form_key)
    if draft is not None:
        content = {"form_key": str(draft.form_key), "fields": draft.fields, "saved_at": draft.saved_at.isoformat()}
        put_away(person=person, kind=KIND, about=draft.about, content=content, at=at)
        draft.delete()
    return draft


def dropped_draft(*, person: User, about: str, at: datetime) -> Dropped | None:
    """The last draft about this that its author dropped and can take back; None when its form was sent meanwhile."""
    row = dropped_by(person=person, kind=KIND, about=about, at=at)
    if row is None or Revision.objects.filter(form_key=row.content["form_key"]).exists():
        return None
    return row


@transaction.atomic
def take_draft_back(*, person: User, about: str, at: datetime) -> Draft | None:
    """The dropped draft, as it was; None when there is none. ``NotKept`` where its form has newer text, or there are too many."""
    row = dropped_draft(person=person, about=about, at=at)
    if row is None:
        return None
    content: dict[str, Any] = row.content
    key = UUID(content["form_key"])
    if draft_of(person=person, form_key=key) is not None:
        raise NotKept("what was typed into the same form afterwards is kept already. Go on with that draft.")
    row.delete()
    saved_at = datetime.fromisoformat(content["saved_at"])
    return save_draft(person=person, about=about, form_key=key, fields=content["fields"], at=saved_at)
