"""The audit at the demo company: Cleo prepares the engagement, Mia confirms it, and Uma can read."""

from datetime import datetime, timedelta

from audits.engagements.actions import confirm_engagement, open_engagement
from audits.engagements.facts import Invited, Wish
from audits.engagements.models import Engagement
from changes.desk.demo_chapters import chapter
from portal.access.models import User

NAME = "Northwind Labs, change management"
LOOKED_AT, OPEN = timedelta(days=90), timedelta(days=60)


@chapter
def audit(at: datetime) -> None:
    """An engagement that is open now, over the last quarter and what the living company goes on to do. Once."""
    uma, cleo, mia = (User.objects.get(email=f"{login}@northwind.example") for login in ("uma", "cleo", "mia"))
    if Engagement.objects.filter(admissions__person=uma).exists():
        return
    wish = Wish(
        name=NAME,
        window_from=at - LOOKED_AT,
        window_to=at + OPEN,
        starts_at=at,
        ends_at=at + OPEN,
        people=(Invited(uma, at + OPEN),),
    )
    engagement = open_engagement(wish=wish, by=cleo, at=at)
    confirm_engagement(engagement=engagement, digest=engagement.digest, by=mia, at=at)
