"""The index of words follows the facts, and every operator finds what it says, within the scope of the reader."""

from datetime import date, datetime, timedelta
from itertools import product

import pytest
from django.db import connection

from changes.proposals import actions
from changes.proposals.following import follow
from changes.proposals.listing import SORTS, Wanted, find, matching
from changes.proposals.models import ApprovalLapse
from changes.proposals.searching import install
from changes.proposals.searching.models import SearchName, SearchText
from changes.proposals.searching.rereading import reread
from portal.access.scope import EVERYTHING, Scope
from tests.changes.people import linked, person
from tests.changes.proposals.catalogue import AT, approved, made, many, released, repository
from tests.database import cover

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 27)


def found(text, *, scope=EVERYTHING, sort="moved", **more):
    page = find(wanted=Wanted(text=text, today=TODAY, **more), scope=scope, sort=sort)
    return [str(change) for change in page.rows]


@pytest.fixture
def ann():
    return person("Ann Lee")


@pytest.fixture
def shop(ann):
    """Five changes of different sorts: CHG-1001 to CHG-1005, the last one moved last."""
    bob = person("Bob")
    texts = {"why": "Customers wait for the checkout page.", "rollback": "Redeploy the version before."}
    first = made(
        "Raise memory of the web cache", by=ann, repo="acme/web", texts=texts, pull={"number": 17, "labels": ["needs review"]}
    )
    made(
        "Drop a column",
        repo="acme/api",
        kind="database",
        size="large",
        risk_level="high",
        by_login="bo-dev",
        at=AT + timedelta(days=1),
    )
    made("Tighten the cache headers", by=bob, repo="acme/api", category="emergency", at=AT + timedelta(days=2))
    made("Raise the quota", state="proposed", repo="other/web", pull={"author_login": "octo-cat"}, at=AT + timedelta(days=3))
    made("Bump requests to 2.32.4", routine=True, repo="acme/web", at=AT + timedelta(days=4))
    approved(first, by=bob)
    released(first, "staging")


QUESTIONS = {
    "cache": [3, 1],
    "caching": [3, 1],
    "memory cache": [1],
    "raise -memory": [4],
    "-cache": [5, 4, 2],
    '"web cache"': [1],
    '"cache web"': [],
    "checkout": [1],
    "zeppelin": [],
    "memo": [1],
    "memo cache": [],
    "2.32.4": [5],
    "ann": [1],
    "author:ann": [1],
    'author:"ann lee"': [1],
    "author:bob": [3],
    "author:bo-dev": [2],
    "author:bo": [2],
    "author:bob-dev": [],
    "author:oct": [4],
    "author:an": [1],
    "-author:an": [5, 4, 3, 2, 1],
    "approver:bo": [1],
    "an cache": [3, 1],
    "cache -memo": [3, 1],
    "cach": [3, 1],
    "ca": [],
    "author:octo": [4],
    "author:ann,bob": [3, 1],
    "-author:ann,bob": [5, 4, 2],
    "approver:bob": [1],
    "approver:ann": [],
    "state:waiting": [4],
    "state:draft": [5, 3, 2, 1],
    "-state:draft": [4],
    "kind:database": [2],
    "size:large": [2],
    "risk:high": [2],
    "repo:web": [5, 4, 1],
    "repo:acme/web": [5, 1],
    "repo:ACME/Web cache": [1],
    "env:staging": [1],
    "env:stag": [1],
    "env:production": [],
    'label:"needs review"': [1],
    "label:needs": [],
    "is:emergency": [3],
    "is:emergency cache": [3],
    "is:open": [5, 4, 3, 2, 1],
    "is:routine": [5],
    "-is:routine cache": [3, 1],
    "CHG-1002": [2],
    "CHG-1002 column": [2],
    "CHG-1002 cache": [],
    "-CHG-1002": [5, 4, 3, 1],
    "1002": [2],
    "17": [1],
    "#17": [1],
    "web#17": [1],
    "acme/web#17": [1],
    "api#17": [],
    "after:2026-11-05": [5, 4],
    "before:2026-11-03": [1],
    "after:2026-11-03 before:2026-11-05": [3, 2],
    "-before:2026-11-05": [5, 4],
    "cache after:2026-11-03": [3],
    "cache before:2026-11-03": [1],
    "after:23d": [5, 4, 3],
    "author:ann state:draft kind:application": [1],
    "'; DROP TABLE x; -- \\ & | ! ( ) :* <-> %s": [],
    "state:purple": [],
}
"""What is typed, and the numbers of the changes found, after the thousand."""


def test_each_question_finds_what_it_says(shop):
    wanted = {text: [f"CHG-{1000 + number}" for number in numbers] for text, numbers in QUESTIONS.items()}
    everything = {text: matching(wanted=Wanted(text=text, today=TODAY), scope=EVERYTHING) for text in QUESTIONS}

    assert {text: found(text) for text in QUESTIONS} == wanted
    assert {text: sorted(map(str, rows)) for text, rows in everything.items()} == {
        text: sorted(numbers) for text, numbers in wanted.items()
    }


def test_a_commit_finds_its_change_by_its_beginning(shop):
    made("By commit", repo="acme/api", pull={"head_sha": "4be1f0c" + "0" * 33, "merge_sha": "5be1f0c" + "0" * 33})

    assert found("4be1f0c") == found("5BE1F0C0") == found("4be1f0c commit") == ["CHG-1006"]
    assert found("4be1f0c cache") == found("6be1f0c") == []


def test_mine_is_what_the_reader_asked_for(shop, ann):
    assert found("is:mine", reader=ann.pk) == found("is:mine cache", reader=ann.pk) == ["CHG-1001"]
    assert found("is:mine") == found("is:mine cache") == []


def test_filters_and_words_hold_together(shop):
    assert found("cache", category="emergency") == ["CHG-1003"]
    assert found("cache", requester="ann") == found("", requester="Ann L") == ["CHG-1001"]
    assert found("cache", stage="draft", repository="acme/web") == ["CHG-1001"]
    assert found("raise", risk="high") == []


def test_an_auditor_finds_only_what_is_in_scope(shop):
    api_only = Scope(repositories=frozenset({"acme/api"}))
    later = Scope(window_from=AT + timedelta(days=1))
    earlier = Scope(window_to=AT + timedelta(hours=1))
    none = Scope(repositories=frozenset())

    for text in ("cache", "", "author:ann,bob", "-zeppelin", "CHG-1001", "#17"):
        everything = set(found(text))

        assert set(found(text, scope=api_only)) == everything & {"CHG-1002", "CHG-1003"}, text
        assert set(found(text, scope=later)) == everything - {"CHG-1001"}, text
        assert set(found(text, scope=earlier)) == everything & {"CHG-1001"}, text
        assert found(text, scope=none) == [], text


def words_of(change):
    return SearchText.objects.get(change=change)


def test_the_words_follow_the_text(ann):
    change = made("First title", by=ann)

    actions.revise(
        change=change, texts={"title": "Second title", "why": "for pelicans"}, source="form", at=AT, by=ann, actor="portal"
    )

    assert found("pelican") == found("second") == ["CHG-1001"]
    assert found("first") == []


def test_the_words_follow_state_and_movement(ann):
    change = made("Raise the quota", by=ann)
    later = AT + timedelta(days=90)

    actions.press(change=change, verb="propose", by=ann, at=later)

    assert found("quota state:proposed") == ["CHG-1001"]
    assert found("quota state:draft") == []
    assert words_of(change).moved_at == later


def test_the_words_follow_labels_authors_and_releases():
    change = made("Raise the quota", repo="acme/web")
    pull = change.links.get().pull_request

    pull.labels, pull.author_login = ["Urgent"], "zora"
    pull.commit_people = [
        {"uid": 7, "login": "yan", "name": "Yan Q", "email": "", "role": "co-author"},
        {"uid": 8, "login": "web-flow", "name": "GitHub", "email": "", "role": "committer"},
    ]
    pull.save()
    release = released(change, "production")
    follow(pull_request=pull, at=AT, settled=True)

    assert [found(text) for text in ("label:urgent", "author:zora", "author:yan", "env:prod")] == [["CHG-1001"]] * 4
    assert found("author:web-flow") == []
    release.environment = "staging"
    release.save()
    reread(changes=[change])
    assert (found("env:prod"), found("env:staging")) == ([], ["CHG-1001"])


def test_a_failed_release_was_not_released_there():
    change = made("Raise the quota", repo="acme/web")
    release = released(change, "production")
    release.succeeded_at = None
    release.save()
    actions.classify(
        change=change, values={"category": "standard", "size": "large", "kind": "database", "reasons": {}}, actor="portal", at=AT
    )

    assert found("env:production size:large") == []
    assert found("quota size:large kind:database") == ["CHG-1001"]


def test_the_words_follow_approvals_and_their_lapse():
    change, bob = made("Raise the quota"), person("Bob")
    approval = approved(change, by=bob)
    assert found("approver:bob") == ["CHG-1001"]

    lapse = ApprovalLapse.objects.create(approval=approval, reason="test", at=AT)
    cover(lapse)

    assert found("approver:bob") == []


def test_the_words_follow_names_and_linked_accounts(ann):
    made("One", by=ann)
    made("Two", repo="acme/web", pull={"author_uid": 77, "author_login": "al-77"})

    ann.name, ann.email = "Anne Lie", "anne@northwind.example"
    ann.save()
    row = linked(ann, 77, "al-77")

    assert found("author:lie") == ["CHG-1002", "CHG-1001"]
    assert found("author:lee") == []
    row.ended_at = AT + timedelta(days=400)
    row.save()
    cover(row)
    assert found("author:lie") == ["CHG-1001"]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Pay \u202eeciovni\u202c later", "eciovni"),
        ("Pay \u202eeciovni\u202c later", "pay ec\u200biovni"),
        ("The pay\u200bment page", "payment"),
        ("“Quoted” – and dashed…", "quoted dashed"),
        ("Straße ÜBERLAUF", "überlauf straße"),
        ("Update src/app/main.py", "main.py"),
        ("Update src/app/main.py", "src/app"),
        ("Update src/app/main.py", '"app main"'),
        ("Bump lib_name to v1.2.3-rc1", "lib_name v1.2.3"),
        ("Use `user@host:5432`", '"host:5432"'),
    ],
)
def test_a_title_is_found_by_what_people_see_of_it(title, text):
    made(title)
    made("Something else")

    assert found(text) == ["CHG-1001"]


def test_a_text_of_five_megabytes_is_kept_and_its_beginning_found():
    made("Large", texts={"why": "pelican " + "word " * 1_000_000, "what": "x" * 5_000_000})

    assert found("pelican") == ["CHG-1001"]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("text", ["", "cache"])
def test_every_order_pages_through_everything_there_and_back(text, sort):
    rows = many(23, every=timedelta(days=40))
    many(4, at=rows[0].moved_at, every=timedelta(0), risk_points=5)
    made("Something else")
    wanted = Wanted(text=text)
    whole = [row.pk for row in find(wanted=wanted, scope=EVERYTHING, sort=sort, size=100).rows]

    pages = [page := find(wanted=wanted, scope=EVERYTHING, sort=sort, size=4)]
    while page.older:
        pages.append(page := find(wanted=wanted, scope=EVERYTHING, sort=sort, size=4, older=page.older))
    backwards = [page]
    while page.newer:
        backwards.append(page := find(wanted=wanted, scope=EVERYTHING, sort=sort, size=4, newer=page.newer))

    assert len(whole) == (28 if not text else 27)
    assert [row.pk for page in pages for row in page.rows] == whole
    assert [[row.pk for row in page.rows] for page in reversed(backwards)][-len(pages) :] == [
        [row.pk for row in page.rows] for page in pages
    ]
    assert pages[0].newer == pages[-1].older == ""


def test_a_word_is_found_however_long_ago_it_moved():
    old = made("Pelican", at=datetime(1999, 1, 4, 3, tzinfo=AT.tzinfo))
    many(5, every=timedelta(days=400))

    assert found("pelican") == [str(old)]
    assert found("pelican", sort="oldest") == [str(old)]
    assert found("cache -pelican", sort="oldest")[0] == "CHG-1002"


def test_one_row_and_fifty_rows_take_as_many_queries(django_assert_num_queries):
    many(50)

    for text, sort in product(("cache", "cache state:draft", "CHG-1001 cache"), SORTS):
        with django_assert_num_queries(1):
            assert find(wanted=Wanted(text=text), scope=EVERYTHING, sort=sort).rows


def test_what_was_installed_is_left_alone_and_what_differs_is_read_again(monkeypatch):
    change = made("Raise the quota")
    assert install.install(connection) is False

    SearchText.objects.all().delete()
    monkeypatch.setattr(install, "FINGERPRINT", "another")
    monkeypatch.setattr(install, "WATCHED", {"changes_revision": ("INSERT",)})
    assert install.install(connection) is True
    with connection.cursor() as cursor:
        cursor.execute(install.OURS)
        assert cursor.fetchall() == [("changes_revision", "search_insert")]

    assert words_of(change).moved_at == change.moved_at
    assert found("quota") == [str(change)]


def test_many_changes_can_be_read_once_at_the_end():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL countersign.search_later = 'on'")
        rows = many(3)
        assert not SearchText.objects.exists()
        cursor.execute("SELECT changes_search_refresh(%s)", [[row.pk for row in rows]])

        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = 'changes_search_refresh'")
        assert "plan_cache_mode=force_generic_plan" in cursor.fetchone()[0], "planned once a connection, not once a change"

    assert len(found("cache")) == 3


def test_a_repository_of_two_owners_is_told_apart(shop):
    repository("acme/shop")

    assert found("repo:other/web") == ["CHG-1004"]


def test_a_beginning_stands_for_every_name_that_any_change_has(shop, monkeypatch, django_assert_num_queries):
    bobby = person("Bobby Tables")
    later = made("Rotate the keys", by=bobby, repo="acme/api", state="proposed", at=AT + timedelta(days=5))
    assert found("author:bob state:proposed") == [str(later)], "the whole name finds nothing here, the longer one does"
    assert found("author:bobb") == [str(later)]
    assert found("author:zoe state:proposed") == []
    assert sorted(SearchName.objects.filter(name__startswith="by/bob").values_list("name", flat=True)) == [
        "by/bob",
        "by/bobby",
        "by/bobby tables",
        "by/bobby.tables",
    ], "each once, although Bob made two changes"
    with django_assert_num_queries(3):
        found("author:bob state:waiting -author:bobby")
    by_list = {text: found(text) for text in ("author:b", "-author:an", "author:tab state:proposed", "approver:bo")}
    monkeypatch.setattr("changes.proposals.searching.asking.MOST_NAMES", 0)
    assert {text: found(text) for text in by_list} == by_list, "too many to spell out: the index joins them"
