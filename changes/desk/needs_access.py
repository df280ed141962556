"""What access asks of people: rights to review, removals that are late, lists and limitations to confirm, accounts to explain."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from changes.entitlements.mergers.queries import waiting as waiting_lists
from changes.entitlements.reviews import policy, queries
from changes.entitlements.reviews.models import ReviewAnswer, ReviewEntry
from changes.entitlements.segregation.policy import RULES
from changes.entitlements.segregation.queries import waiting as waiting_limitations
from portal.access.accounts.seeing import unexplained
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.ui import palette


@inbox.provider
def reviews_to_answer(user: User, at: datetime) -> Iterator[inbox.Item]:
    """The reader's share of the open review; for whoever leads it, that it can be closed."""
    if not may(user, P.ACCESS_REVIEW):
        return
    review = queries.open_review()
    if review is not None:
        rows = ReviewEntry.objects.filter(review=review).exclude(Exists(ReviewAnswer.objects.filter(entry=OuterRef("pk"))))
        mine = rows.annotate(asked=queries.ASKED).filter(asked=user.pk).count()
        href = f"/access-reviews/{review.number}/"
        if mine:
            title, why = "Review who has access", "You answer for these systems (P-19)."
            yield _item(title, f"{review}: {mine} rights", why, review.due_at, f"{href}?who=me&state=open", "Review", at)
        if may(user, P.ACCESS_LEAD) and not rows.exists():
            yield _item("Close the access review", str(review), "Every right is answered.", review.due_at, href, "Close", at)
    if may(user, P.ACCESS_LEAD):
        late = [one for one in queries.removals(at=at) if one.state == policy.OVERDUE or one.back]
        if late:
            why = "They were to be removed, and the last reading still shows them (P-19)."
            since = min(one.answer.at for one in late)
            yield _item("Have rights removed", f"{len(late)} rights", why, since, "/access-reviews/", "See", at)


@inbox.provider
def access_to_confirm(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Lists of mergers and limitations that somebody else proposed."""
    if may(user, P.MERGERS_SET):
        for row in waiting_lists(at=at).exclude(proposed_by=user):
            about, why = f"{row.repository.name} {row.branch}", f"{row.proposed_by.name} proposed it (P-20)."
            yield _item("Confirm a list of mergers", about, why, row.expires_at, "/access/mergers/", "Confirm", at)
    if may(user, P.EXCEPTION_ACCEPT):
        for one in waiting_limitations(at=at).exclude(proposed_by=user).exclude(person=user):
            about, why = f"{one.person.name}: {RULES[one.rule].label}", f"{one.proposed_by.name} proposed it."
            yield _item("Confirm a limitation", about, why, one.expires_at, "/access/segregation/", "Confirm", at)


@inbox.provider
def accounts_to_explain(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Accounts that hold a right and that nobody explained, with how long: for compliance."""
    if not may(user, P.ACCESS_LEAD):
        return
    open_ones = [seen for seen in unexplained() if seen.since is not None]
    if open_ones:
        days = max((at - seen.since).days for seen in open_ones if seen.since is not None)
        count = "1 account holds" if len(open_ones) == 1 else f"{len(open_ones)} accounts hold"
        about, why = f"{count} rights; the longest for {days} days", "Nobody said whose they are, or what (P-19)."
        yield _item("Explain accounts at vendors", about, why, None, "/people/accounts/", "Explain", at)


def _item(title: str, about: str, why: str, due_at: datetime | None, href: str, act: str, at: datetime) -> inbox.Item:
    tone = "bad" if due_at is not None and due_at < at else "info"
    return inbox.Item(title=title, about=about, why=why, due_at=due_at, href=href, act=act, tone=tone, icon="key-round")


@palette.provider
def access_called(request: HttpRequest, words: str) -> Iterable[palette.Hit]:
    """The pages of access by their name."""
    if not words.lower().strip().startswith(("acc", "rights", "merger", "segreg")) or not may(request.user, P.ACCESS_SEE):
        return []
    return [
        palette.Hit("key-round", "Access", "/access/", "Who may do what"),
        palette.Hit("list-checks", "Access reviews", "/access-reviews/", "Keep, justify, remove"),
        palette.Hit("git-merge", "Authorised mergers", "/access/mergers/", "Per branch"),
        palette.Hit("users", "Segregation of duties", "/access/segregation/", "Conflicts and limitations"),
    ]
