"""Rows of the list of changes as finished HTML: drawing fifty rows costs more than asking for them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils.safestring import SafeString

from changes.desk.columns import COLUMNS, USUAL
from changes.proposals.models import Change
from portal.ui.text import visible


def list_rows(changes: Iterable[Change], *, at: datetime, columns: Sequence[str] = USUAL) -> list[SafeString]:
    """One row for each of ``changes`` (with requester loaded), its times relative to ``at``."""
    below = [COLUMNS[name].drawn for name in columns if COLUMNS[name].below]
    cells = [(f'<span class="cell cell-{name}">', COLUMNS[name].drawn) for name in columns if not COLUMNS[name].below]
    drawn = []
    for change in changes:
        words = ", ".join(filter(None, (draw(change, at) for draw in below)))
        line = f'<span class="mono">CHG-{change.number}</span>{f", {words}" if words else ""}'
        right = "".join(f"{opening}{draw(change, at)}</span>" for opening, draw in cells)
        # The id lets a refresh of the list find the row again that has the focus.
        link = f'<a class="row-link" id="c{change.number}" href="/changes/{change.number}/">{visible(change.title)}</a>'
        lead = f'<span class="lead">{link}<span class="row-m">{line}</span></span>'
        drawn.append(SafeString(f'<li class="row lrow">{lead}{right}</li>'))
    return drawn
