"""Who may what at Northwind, kept in order: whose the accounts at Doppler and Cloudflare are, who may merge, who owns what, and a
review of access that is half done."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils.timezone import now

from changes.connectors.github.rights_sync import read_all
from changes.delivery.models import Repository
from changes.desk.demo.people import Person, named
from changes.entitlements.mergers import actions as mergers
from changes.entitlements.mergers.models import MergerList
from changes.entitlements.models import AccessSnapshot
from changes.entitlements.own import take_own
from changes.entitlements.reviews import actions as reviews
from changes.entitlements.reviews import queries
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer
from changes.inventory.keeping import keep
from changes.inventory.models import Asset, Criticality
from portal.access.identities import link_identity
from portal.access.people import actor_of

SECOND = timedelta(seconds=1)
MERGERS = {"main": ("bob", "cleo", "dev"), "prod": ("bob", "cleo")}
WHY = {"main": "Whoever reviews merges.", "prod": "Approvers and the chair promote; nobody alone on call merges to production."}
SYSTEMS = {"github": "cleo", "fly": "dev", "doppler": "dev", "cloudflare": "bob"}
"""Who answers for a source in a review of access."""
OWNERS = {
    "fly.app": ("bob", Criticality.HIGH),
    "doppler.project": ("dev", Criticality.CRITICAL),
    "doppler.config": ("dev", Criticality.HIGH),
    "cloudflare.zone": ("rex", Criticality.CRITICAL),
    "cloudflare.access_app": ("rex", Criticality.NORMAL),
    "github.repository": ("cleo", Criticality.HIGH),
}
"""By kind of asset."""
STRANGER = "kim-contractor"
GONE = "Her contract ended; nobody has asked for it since."


def link_consoles(*, accounts: Mapping[str, Mapping[str, str]], persons: Sequence[Person], at: datetime) -> None:
    """Link the accounts at the consoles (by provider, then by address) to those whose address it is."""
    for provider, known in accounts.items():
        for person in persons:
            if person.email in known:
                user = named(person.login)
                given = {"provider": provider, "uid": known[person.email], "login": person.email}
                link_identity(user=user, **given, by=actor_of(user), at=at)


def keep_in_order() -> None:
    """Lists of mergers, owners, a review: right after the newest reading of rights. Once."""
    read_all(now=now)
    take_own(at=now())
    newest = AccessSnapshot.objects.aggregate(newest=Max("at"))["newest"] or now()
    at = max(newest, now()) + SECOND
    _name_mergers(at)
    _name_owners(at)
    _review(at + 5 * SECOND)


def _name_mergers(at: datetime) -> None:
    """Dev proposes who may merge, Eli confirms it. From now on: nothing that was merged before is judged by it."""
    for repository in Repository.objects.order_by("name"):
        for branch, logins in MERGERS.items():
            if MergerList.objects.filter(repository=repository, branch=branch).exists():
                continue
            people = [named(login) for login in logins]
            row = mergers.propose(
                repository=repository.pk, branch=branch, people=people, reason=WHY[branch], by=named("dev"), at=at
            )
            mergers.confirm(row=row, digest=row.digest, by=named("eli"), at=at + SECOND)


def _name_owners(at: datetime) -> None:
    """Mia says who owns what, and how much depends on it; development is left open."""
    rows = Asset.objects.filter(kind__in=OWNERS, gone_at=None, owner=None).exclude(environment="development").order_by("id")
    for asset in rows:
        login, criticality = OWNERS[asset.kind]
        word = Criticality.NORMAL if asset.environment == "staging" else criticality
        keep(asset=asset, owner=named(login), criticality=word, seen=(None, asset.criticality), by=named("mia"), at=at)


def _review(at: datetime) -> None:
    """Mia opens the review; Cleo has answered her share, Bob has not begun."""
    if AccessReview.objects.exists():
        return
    for source, login in SYSTEMS.items():
        reviews.set_owner(source=source, thing="", person=named(login), by=named("mia"), at=at)
    review = reviews.open_review(by=named("mia"), at=at + SECOND)
    cleo = named("cleo")
    mine = [row for row in queries.entries_of(review) if row.asked == cleo.pk and row.holder_id != cleo.pk]
    strange = [row.pk for row in mine if row.account_name == STRANGER]
    _answer(review, strange, ReviewAnswer.Verdict.REMOVE, GONE, at + 2 * SECOND)
    _answer(review, (row.pk for row in mine if row.pk not in strange), ReviewAnswer.Verdict.KEEP, "", at + 3 * SECOND)


def _answer(review: AccessReview, entries: Iterable[int], verdict: str, reason: str, at: datetime) -> None:
    chosen = list(entries)
    if chosen:
        reviews.answer(review=review, entries=chosen, verdict=verdict, reason=reason, by=named("cleo"), at=at)
