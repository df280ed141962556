"""Files of people that wait: how many one person may have, and which of them gives way to one more."""

from collections.abc import Sequence

from portal.access.importing.models import PeopleImport
from portal.access.models import User

MOST_WAITING = 5
"""Files of one person that are kept and not imported, 40 MiB of them at most."""
State = PeopleImport.State


def waiting_of(by: User) -> list[PeopleImport]:
    """The files of this person that are not imported, oldest first, without what is in them."""
    return list(PeopleImport.objects.defer("content").filter(uploaded_by=by).exclude(state=State.DONE).order_by("pk"))


def gives_way(waiting: Sequence[PeopleImport]) -> PeopleImport | None:
    """The one of these that the next file takes the place of. None while there is room, and when all are being worked on."""
    ready = (row for row in waiting if row.state == State.READY)
    return next(ready, None) if len(waiting) >= MOST_WAITING else None
