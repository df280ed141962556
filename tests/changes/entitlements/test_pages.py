"""The pages of access over HTTP: rights and differences, reviews, owners, mergers, segregation; who may; the inbox."""

import pytest
from django.utils import timezone

from changes.delivery.models import Repository
from changes.entitlements.mergers.models import MergerList
from changes.entitlements.own import take_own
from changes.entitlements.reviews import queries
from changes.entitlements.reviews.models import AccessReview, ReviewAnswer, ReviewHandover
from changes.entitlements.segregation.models import Limitation
from portal.access.accounts.seeing import unexplained
from portal.home.inbox import items_for
from tests.architecture.test_secrets import GIVEN_OUT
from tests.audits.engagements.opened import admitted
from tests.changes.entitlements.world import DAY, HOUR, SHOP, held, take
from tests.changes.people import linked, person, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def world(now):
    mia, bob = person("Mia"), person("Bob")
    linked(bob, 2, "bob")
    take(held("bob", "admin", account_id="2"), held("deploy", account_kind="app", account_id="9"), at=now - 3 * DAY)
    take(held("bob", "admin", account_id="2"), held("zed", "read", account_id="3"), at=now - DAY)
    take_own(at=now - HOUR)
    return mia, bob


LEAD = '<td class="lead">deploy'


def text(answer):
    return answer.content.decode()


def titles(user, now):
    return [item.title for item in items_for(user=user, at=now)]


def test_rights_are_shown_of_any_day_with_what_changed(client, world, now):
    sign_in(client, world[0])
    then = (now - 2 * DAY).date().isoformat()

    today, before = text(client.get("/access/?source=github")), text(client.get(f"/access/?on={then}&q=deploy&right=write"))
    changed = text(client.get(f"/access/?since={then}&source=portal"))
    lines = text(client.get("/access/list.csv?source=github")).splitlines()

    assert ("zed" in today, LEAD in today, "1 to 2 of 2" in today) == (True, False, True)
    assert "1 to 1 of 1" in before
    assert changed.index("What changed") < changed.index(LEAD) < changed.index("zed")
    assert lines[0].startswith("\ufeffConfidential: access rights of Countersign; 2 rows; filter: source=github; made ")
    assert lines[2].startswith("github,northwind/1,github.repository:1,bob,2,person,admin,,,Bob,")
    assert client.get("/access/?on=nonsense&from=99&since=1066-01-01").status_code == 200


def test_a_review_goes_through_its_pages(client, world, now):
    mia, bob = world
    sign_in(client, mia)
    client.post("/access-reviews/owners/set/", {"source": "github", "person": str(bob.pk)})
    client.post("/access-reviews/owners/set/", {"source": "github", "thing": SHOP, "person": ""})
    opened = client.post("/access-reviews/open/")
    sign_in(client, bob)

    page = text(client.get("/access-reviews/1/?who=me"))
    zed = AccessReview.objects.get().entries.get(account_name="zed").pk
    refused = client.post("/access-reviews/1/answer/", {"verdict": "remove", "entry": [str(zed)], "who": "me"})
    asked = titles(bob, now)
    token = f"It was {GIVEN_OUT['GitHub']}"
    ours = {"entry": [str(zed)], "reason": token, "to": str(mia.pk)}
    secrets = [client.post(f"/access-reviews/1/{act}/", {"verdict": "remove", **ours}) for act in ("answer", "hand-over")]
    assert [(said.status_code, "looks like a secret (GitHub)" in text(said)) for said in secrets] == [(422, True)] * 2
    assert (ReviewAnswer.objects.count(), ReviewHandover.objects.count()) == (0, 0)
    nobody = client.post("/access-reviews/1/hand-over/", {"entry": [str(zed)], "reason": "On leave."})
    client.post("/access-reviews/1/hand-over/", {"entry": [str(zed)], "reason": "On leave.", "to": str(mia.pk)})
    handed = text(client.get("/access-reviews/1/?who=me"))
    sign_in(client, mia)
    theirs = text(client.get("/access-reviews/1/?who=me"))
    client.post("/access-reviews/1/hand-over/", {"entry": [str(zed)], "reason": "Bob knows it.", "to": str(bob.pk)})
    sign_in(client, bob, fresh=False)
    stale = client.post("/access-reviews/1/answer/", {"verdict": "keep", "entry": [str(zed)]})
    sign_in(client, bob)
    back = text(client.get("/access-reviews/1/?who=me"))
    client.post("/access-reviews/1/answer/", {"verdict": "remove", "entry": [str(zed)], "reason": "Unknown to us."})
    sign_in(client, mia)
    unclosed = client.post("/access-reviews/1/close/", {"note": ""})
    secret = client.post("/access-reviews/1/close/", {"note": token})
    assert (secret.status_code, "looks like a secret (GitHub)" in text(secret)) == (422, True)
    kept = client.post("/access-reviews/1/answer/", {"everything": "1", "state": "open"}, follow=True)
    client.post("/access-reviews/1/close/", {"note": "Nobody else answers for Mia."})
    lines = text(client.get("/access-reviews/1/list.csv?source=github")).splitlines()

    assert opened.headers["Location"] == "/access-reviews/1/"
    assert ("1 to 2 of 2" in page, "zed" in page) == (True, True)
    assert refused.status_code == 422
    assert (nobody.status_code, "Choose who is to review" in text(nobody)) == (422, True)
    assert "zed" not in handed
    assert "reviewed by Mia, handed over by Bob; Bob was asked first" in theirs
    assert "reviewed by Bob, handed over by Mia" in back
    assert "was asked first" not in back
    assert stale.headers["Location"].startswith("/account/reauthenticate/")
    assert "This needs its reason" in text(refused)
    assert f'value="{zed}" checked' in text(refused)
    assert "Review who has access" in asked
    assert (unclosed.status_code, "are not answered" in text(unclosed)) == (422, True)
    assert "2 rights were answered" in text(kept)
    review = queries.reviews().get()
    assert {name: review.outcome[name] for name in ("keep", "remove", "left")} == {"keep": 2, "remove": 1, "left": 1}
    assert ",Bob,Mia,remove,Unknown to us.,Bob," in lines[3]
    overview = text(client.get("/access-reviews/"))
    assert ("Unknown to us" in overview, "zed" in overview, "2 kept" in overview) == (False, True, True)
    assert "Have rights removed" in titles(mia, now + 20 * DAY)
    assert ReviewAnswer.objects.count() == 3
    assert client.post("/access-reviews/1/answer/", {"verdict": "keep", "entry": [str(zed)]}).status_code == 422
    assert client.post("/access-reviews/owners/set/", {"source": "nowhere"}).status_code == 404


def test_mergers_are_proposed_and_confirmed_on_their_page(client, world, now):
    mia, bob = world
    shop = Repository.objects.create(name="northwind/shop", vendor_id=1, in_scope_from=now - DAY)
    sign_in(client, mia)

    wrong = client.post(f"/access/mergers/{shop.pk}/prod/", {"people": [str(bob.pk)]})
    client.post(f"/access/mergers/{shop.pk}/prod/", {"people": [str(bob.pk)], "reason": "On call."})
    twice = client.post(f"/access/mergers/{shop.pk}/prod/", {"people": [], "reason": "Again."})
    row = MergerList.objects.get()
    dev = person("Dev")
    waiting = titles(dev, now)
    sign_in(client, dev)
    stale = client.post(f"/access/mergers/{row.pk}/confirm/list/", {"digest": "x"})
    client.post(f"/access/mergers/{row.pk}/confirm/list/", {"digest": row.digest})
    client.post(f"/access/mergers/{shop.pk}/main/", {"people": [], "reason": "Nobody for now."})
    client.post(f"/access/mergers/{MergerList.objects.latest('pk').pk}/withdraw/list/")
    page = text(client.get("/access/mergers/"))

    assert (wrong.status_code, twice.status_code, stale.status_code) == (422, 422, 409)
    assert "Confirm a list of mergers" in waiting
    assert "Bob; since" in page
    assert client.get(f"/access/mergers/{shop.pk}/dev/").status_code == 404
    assert MergerList.objects.get(branch="main").withdrawn_at


def test_limitations_are_proposed_confirmed_and_ended_on_their_page(client, world, now):
    mia, bob = world
    take(
        held("admins", "bypass", account_id="role:admin", account_kind="team", thing="github.branch:1:prod"),
        things=["github.branch:1:prod"],
        at=now,
    )
    sign_in(client, bob)
    address, until = f"/access/segregation/{bob.pk}/past_the_rules/", (now + 30 * DAY).date().isoformat()
    given = {"reason": "Two of us.", "control": "Weekly reading.", "until": until}

    conflicts = text(client.get("/access/segregation/"))
    wrong = client.post(address, {**given, "until": "2020-01-01"})
    client.post(address, given)
    row = Limitation.objects.get()
    sign_in(client, mia)
    waiting = titles(mia, now)
    client.post(f"/access/limitations/{row.pk}/confirm/", {"digest": row.digest})
    page = text(client.get("/access/segregation/"))
    client.post(f"/access/limitations/{row.pk}/end/")

    assert "1 conflict without an accepted limitation" in conflicts
    assert wrong.status_code == 422
    assert "Confirm a limitation" in waiting
    assert "Each conflict has an accepted limitation" in page
    assert "1 conflict without" in text(client.get("/access/segregation/"))
    assert client.get(f"/access/segregation/{bob.pk}/other/").status_code == 302


def test_accounts_with_rights_are_listed_until_explained_and_compliance_is_asked(client, world, now):
    mia, _ = world
    found = {seen.login: seen for seen in unexplained()}
    item = next(item for item in items_for(user=mia, at=now) if item.title == "Explain accounts at vendors")
    sign_in(client, mia)
    page = text(client.get("/people/accounts/"))
    client.post("/people/accounts/at/github/3/explain/", {"what": "outsider", "reason": "A freelancer."})

    assert (list(found), found["zed"].doings) == (["zed"], "holds 1 right")
    assert item.about == "1 account holds rights; the longest for 1 days"
    assert "holds 1 right" in page
    assert "Explain accounts at vendors" not in titles(mia, now)
    assert not unexplained()


def test_auditors_read_and_change_nothing_and_engineers_see_nothing(client, world, now):
    uma, _ = admitted()
    pages = ("/access/", "/access-reviews/", "/access-reviews/owners/", "/access/mergers/", "/access/segregation/")
    sign_in(client, uma)
    read = [client.get(page).status_code for page in pages]
    tried = client.post("/access-reviews/open/").status_code
    sign_in(client, person("Ann"))

    assert (read, tried) == ([200] * 5, 403)
    assert [client.get(page).status_code for page in pages] == [403] * 5
