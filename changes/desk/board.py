"""The board: what is under way, by the work that comes next. Evidence moves a change on; nobody drags it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from changes.desk.columns import COLUMNS, requester_name
from changes.proposals.models import Change
from changes.proposals.stages import ENTERS, Stage
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


def board_of(rows: QuerySet[Change], *, at: datetime) -> list[Lane]:
    """The six columns over ``rows``, newest movement first. Two questions, whatever the number of changes."""
    found = _keys(rows)
    keys = {stage: [pk for where, pk in found if where == stage] for stage in Stage.values}
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


def _keys(rows: QuerySet[Change]) -> Sequence[tuple[str, int]]:
    """(stage, key) of the newest of each column, as one statement of six parts that an index answers each."""
    plain: Any = rows.select_related(None).order_by("-moved_at", "-pk")
    parts = [plain.filter(stage=stage).values_list("stage", "pk")[: COUNTED + 1] for stage in Stage.values]
    return list(parts[0].union(*parts[1:], all=True))


def _card(change: Change, at: datetime) -> SafeString:
    moved, gates, marks = (COLUMNS[name].drawn(change, at) for name in ("moved", "gates", "marks"))
    link = f'<a class="row-link" href="/changes/{change.number}/">{visible(change.title)}</a>'
    line = f'<span class="mono">CHG-{change.number}</span>, {visible(requester_name(change))}, {moved}'
    foot = f'<span class="bcard-f">{gates}{marks}</span>'
    return SafeString(f'<li class="row bcard"><span class="lead">{link}<span class="row-m">{line}</span></span>{foot}</li>')
