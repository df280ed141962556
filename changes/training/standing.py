"""The question that everything above asks before somebody decides: is this person's training current?"""

from datetime import datetime

from changes.training import policy, queries
from changes.training.models import Course
from portal.access.models import User


def check_trained(*, by: User, at: datetime) -> None:
    """``Refused`` (P-28) for somebody whose training is not current. While no course was ever published, nobody is refused."""
    if Course.objects.filter(published_at__lte=at).exists():
        policy.check_trained(name=by.name, standing=queries.member(by, at=at).standing)
