"""The board: what is under way, by the work that comes next. Evidence moves a change on; nobody drags it."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from changes.desk.columns import COLUMNS, requester_name
from changes.proposals.models import Change
from changes.proposals.stages import ENTERS, Stage
from portal.access.models import User
from portal.ui.text import visible

SHOWN = 12
"""Changes in a column; the others are a link away."""
COUNTED = 100
"""So far a column is counted; beyond that it says "100+"."""


@dataclass(frozen=True)
class Lane:
    """One column of the board."""

    stage: str
    name: str
    enters: str
    count: str
    cards: tuple[SafeString, ...]
    more: bool


def board_of(rows: QuerySet[Change], *, reader: User, at: datetime) -> list[Lane]:
    """The six columns over ``rows``, newest movement first. Two questions, whatever the number of changes."""
    keys = _keys(rows, reader)
    wanted = [pk for stage in keys.values() for pk in stage[:SHOWN]]
    changes = Change.objects.defer("assessment", "reasons", "risk").select_related("requester").in_bulk(wanted) if wanted else {}
    return [
        Lane(
            stage=stage.value,
            name=str(stage.label),
            enters=ENTERS[stage],
            count=f"{COUNTED}+" if len(keys[stage]) > COUNTED else str(len(keys[stage])),
            cards=tuple(_card(changes[pk], at) for pk in keys[stage][:SHOWN] if pk in changes),
            more=len(keys[stage]) > SHOWN,
        )
        for stage in Stage
    ]


def _keys(rows: QuerySet[Change], reader: User) -> dict[str, list[int]]:
    """The keys of the newest of each column. One statement of six parts, each with its index; it hangs on the reader's row."""
    ordered = rows.order_by("-moved_at", "-pk")
    parts = (ArraySubquery(ordered.filter(stage=stage).values("pk")[: COUNTED + 1]) for stage in Stage.values)
    found = User.objects.filter(pk=reader.pk).values_list(*parts).get()
    return {stage: keys or [] for stage, keys in zip(Stage.values, found, strict=True)}


def _card(change: Change, at: datetime) -> SafeString:
    moved, gates, marks = (COLUMNS[name].drawn(change, at) for name in ("moved", "gates", "marks"))
    link = f'<a class="row-link" id="c{change.number}" href="/changes/{change.number}/">{visible(change.title)}</a>'
    line = f'<span class="mono">CHG-{change.number}</span>, {visible(requester_name(change))}, {moved}'
    foot = f'<span class="bcard-f">{gates}{marks}</span>'
    return SafeString(f'<li class="row bcard"><span class="lead">{link}<span class="row-m">{line}</span></span>{foot}</li>')
