"""The clocks of access: the portal's own roles are read, reviews are opened and reminded of."""

from celery import shared_task
from django.utils.timezone import now

from changes.entitlements.own import take_own
from changes.entitlements.reviews.reminding import keep_reviews


@shared_task(name="changes.entitlements.tasks.keep_access")
def keep_access() -> None:
    """Read the portal's own roles; open the review that is due; remind of the one that is open."""
    take_own(at=now())
    keep_reviews(at=now())
