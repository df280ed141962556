"""Lists of authorised mergers, and what gate 9, the detector and the control make of them."""

import pytest

from changes.delivery.models import Repository
from changes.entitlements.mergers import actions, queries
from changes.entitlements.mergers.models import MergerList
from portal.policy.refusal import Refused, Stale
from tests.changes.entitlements.world import AT, DAY, HOUR
from tests.changes.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return Repository.objects.create(name="northwind/shop", vendor_id=1, in_scope_from=AT)


def propose(shop, *people, by, at=AT, **more):
    given = {"branch": "prod", "reason": "They are on call.", **more}
    return actions.propose(repository=shop.pk, people=people, by=by, at=at, **given)


def test_a_list_is_in_force_once_a_second_person_confirms_it_and_until_the_next(shop):
    mia, dev, bob, cleo = (person(name) for name in ("Mia", "Dev", "Bob", "Cleo"))
    first = propose(shop, cleo, bob, by=dev)
    actions.confirm(row=first, digest=first.digest, by=mia, at=AT + HOUR)
    second = propose(shop, by=mia, at=AT + DAY)
    actions.confirm(row=second, digest=second.digest, by=dev, at=AT + 2 * DAY)

    lists = queries.kept_lists(repositories=[shop.pk])
    found = [queries.in_force(lists, repository=shop.pk, branch="prod", at=AT + n * HOUR) for n in (0, 1, 47, 48)]

    assert found == [None, first, first, second]
    assert [one["name"] for one in first.people] == ["Bob", "Cleo"]
    assert queries.in_force(lists, repository=shop.pk, branch="main", at=AT + DAY) is None


def test_what_may_not_be_is_refused(shop):
    mia, dev, bob, ann = (person(name) for name in ("Mia", "Dev", "Bob", "Ann"))
    gone = person("Zoe")
    gone.is_active = False
    gone.save(update_fields=["is_active"])
    for given, why in [({"by": ann}, "may not"), ({"branch": "x"}, "main and prod"), ({"reason": ""}, "reason")]:
        with pytest.raises(Refused, match=why):
            propose(shop, bob, **{"by": mia, **given})
    with pytest.raises(Refused, match="Zoe left"):
        propose(shop, gone, by=mia)
    row = propose(shop, dev, by=mia)
    with pytest.raises(Stale, match="already"):
        propose(shop, bob, by=dev)
    with pytest.raises(Stale, match="you read"):
        actions.confirm(row=row, digest="x", by=dev, at=AT)
    for by, why in [(mia, "yourself"), (dev, "adds yourself"), (ann, "may not")]:
        with pytest.raises(Refused, match=why):
            actions.confirm(row=row, digest=row.digest, by=by, at=AT)
    actions.withdraw(row=row, by=mia, at=AT)
    with pytest.raises(Stale, match="no longer"):
        actions.confirm(row=row, digest=row.digest, by=dev, at=AT)
    late = propose(shop, bob, by=mia)
    assert [one.pk for one in queries.waiting(at=AT)] == [late.pk]
    propose(shop, bob, by=mia, at=AT + 4 * DAY)
    assert MergerList.objects.get(pk=late.pk).withdrawn_at == AT + 4 * DAY
