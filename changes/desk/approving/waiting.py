"""Which changes wait for an approval that a person could give. For the inbox and for the page with all of them."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, Category, Change, LinkedPullRequest
from portal.access.models import Identity, User

READY = "^[mnc]{7}w"
"""All gates before the approval are done (or cannot be judged), and the approval waits."""


def waiting_for(user: User) -> QuerySet[Change]:
    """Changes in review, with a commit, ready but for the approval, in which the person took no part and said nothing yet.

    Of an emergency a +1 is asked instead (``needs_emergencies``). Newest movement first.
    """
    rows = Change.objects.filter(state=State.PROPOSED, gates__regex=READY, links__isnull=False)
    rows = rows.exclude(category=Category.EMERGENCY).exclude(requester=user)
    said = Approval.objects.filter(change=OuterRef("pk"), by=user, lapse=None)
    rows = rows.exclude(Exists(said)).exclude(pk__in=_parts_of(user).values("change"))
    return rows.defer("assessment", "reasons").select_related("requester").order_by("-moved_at", "-id").distinct()


def _parts_of(user: User) -> QuerySet[LinkedPullRequest]:
    """Links of open changes to pull requests that the person opened, or to work in whose commits they had a hand."""
    uids = Identity.objects.filter(user=user, provider="github", ended_at=None).values_list("uid", flat=True)
    numbers = [int(uid) for uid in uids if uid.isdecimal()]
    part = Q(pull_request__author_uid__in=numbers)
    for number in numbers:
        part |= Q(pull_request__commit_people__contains=[{"uid": number}], role=LinkedPullRequest.Role.WORK)
    rows = LinkedPullRequest.objects.filter(change__state=State.PROPOSED).exclude(role=LinkedPullRequest.Role.BACK_MERGE)
    return rows.filter(part)
