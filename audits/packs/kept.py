"""What a pack keeps once for all its attempts: a run of the controls with all its rows, and the names of people."""

from datetime import datetime

from django.db import transaction

from audits.controls.keeping import Shelf
from audits.controls.models import ControlRows, ControlRun
from audits.controls.result import Window
from audits.controls.running import Tell, Wanted, keep_run, look_at_all
from audits.packs.models import Pack
from portal.access.models import User


def run_for(pack: Pack, *, tell: Tell, at: datetime) -> ControlRun:
    """The pack's run of the controls; made now where there is none, over the records up to when the pack was asked for.

    What ``tell`` raises ends it, and nothing is kept.
    """
    if pack.run is not None:
        return pack.run
    engagement = pack.engagement
    window = Window(engagement.window_from, min(engagement.window_to, pack.asked_at))
    wanted = Wanted(window, None, at, ControlRun.Purpose.ENGAGEMENT, engagement)
    with Shelf() as shelf:
        found = look_at_all(wanted=wanted, tell=tell, shelf=shelf)
        with transaction.atomic():
            pack.run = keep_run(wanted=wanted, found=found, shelf=shelf)
            pack.names = {str(pk): name for pk, name in User.objects.order_by("pk").values_list("pk", "name")}
            pack.save(update_fields=["run", "names"])
            tell(len(found.results), "Keeps the rows of the controls")
    return pack.run


def let_go() -> int:
    """Remove the rows that no pack needs any more: those whose every pack has failed or is over. Returns how many pieces went."""
    over = Pack.objects.filter(state__in=[Pack.State.FAILED, Pack.State.CANCELLED, Pack.State.EXPIRED], run__isnull=False)
    return ControlRows.objects.filter(run__in=over.values("run")).delete()[0]
