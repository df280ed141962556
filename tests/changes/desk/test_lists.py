"""The list, the board and the file of changes: what the address asks for is what is shown, kept and written."""

import csv
import io
import re
import tempfile
import tracemalloc
from datetime import timedelta
from itertools import product

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changes.desk import csv_file
from changes.desk.columns import COLUMNS, USUAL
from changes.proposals.listing import SORTS, Wanted, matching
from portal.access.scope import EVERYTHING
from portal.ledger.queries import entries_about
from tests.audits.engagements.opened import admitted
from tests.changes.people import person, sign_in
from tests.changes.proposals.catalogue import AT, made, many

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def shop(ann):
    made(
        "Raise memory of the cache",
        by=ann,
        repo="acme/web",
        state="proposed",
        gates="mmmmmmwwwwww",
        risk_level="high",
        risk_points=40,
    )
    made("Drop <b>a</b> column", repo="acme/api", kind="database", size="large", at=AT + timedelta(days=1))
    made("Restart the cache", category="emergency", at=AT + timedelta(days=2))


@pytest.fixture
def page(client, ann, shop):
    sign_in(client, ann)
    return lambda address: client.get(address).content.decode()


def numbers(text):
    return re.findall(r'class="row-link" id="c\d+" href="/changes/(\d+)/"', text)


LISTED = {
    "": ["1003", "1002", "1001"],
    "view=list": ["1003", "1002", "1001"],
    "q=cache": ["1003", "1001"],
    "q=cache+is:emergency": ["1003"],
    "q=CHG-1002": ["1002"],
    "state=proposed": ["1001"],
    "kind=database&size=large": ["1002"],
    "category=emergency": ["1003"],
    "risk=high": ["1001"],
    "routine=yes": [],
    "routine=no": ["1003", "1002", "1001"],
    "stage=staging": ["1001"],
    "repository=acme/web": ["1001"],
    "requester=ann": ["1001"],
    "mine=1": ["1001"],
    "after=2026-11-03": ["1003", "1002"],
    "before=2026-11-03": ["1001"],
    "sort=oldest": ["1001", "1002", "1003"],
    "sort=risk": ["1001", "1003", "1002"],
    "sort=number": ["1003", "1002", "1001"],
    "q=a%00b&requester=%00": [],
}


def test_the_address_says_what_is_listed(page):
    assert {query: numbers(page(f"/changes/?{query}")) for query in LISTED} == LISTED


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=colour:red", "There is no “colour:” to search by."),
        ("state=purple", "There is no state “purple”. There are: draft, proposed"),
        ("after=yesterdays", "“after:yesterdays” is no day."),
        ("view=board&q=is:green", "“is:green” says nothing that is known."),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_listed(page, query, words):
    text = page(f"/changes/?{query}")

    assert words in text
    assert numbers(text) == []


def test_a_broken_cursor_is_a_bad_request(client, ann, shop):
    sign_in(client, ann)

    for cursor in ("x", "bjQyfDE", "MjAyNi0wMS0wMVQwMDowMDowMHwx"):
        assert client.get(f"/changes/?older={cursor}").status_code == 400


def test_a_title_from_outside_stays_text(page):
    assert "Drop &lt;b&gt;a&lt;/b&gt; column" in page("/changes/")


def test_an_empty_list_says_the_next_step(page, client):
    assert "Take a word or a filter away" in page("/changes/?q=zeppelin")
    assert "Nothing here." in page("/changes/?view=board&q=zeppelin")


def test_columns_are_those_of_the_address(page):
    text = page("/changes/?columns=kind,risk,opened")

    assert 'class="cell cell-kind"' in text
    assert "High risk" in text
    assert "opened <time" in text
    assert "gatestrip" not in text.split('id="listing"')[1].split("</ul>")[0]
    assert 'class="cell' not in page("/changes/?columns=none")
    assert page("/changes/?columns=kind&columns=risk").count('class="cell cell-') == 6


def test_links_keep_what_was_asked(page):
    text = page("/changes/?q=cache&sort=oldest&columns=kind")

    assert 'href="/changes/list.csv?q=cache&amp;sort=oldest&amp;columns=kind"' in text
    assert 'href="/changes/views/?q=cache&amp;sort=oldest&amp;columns=kind"' in text
    assert 'href="?q=cache&amp;sort=oldest&amp;columns=kind&amp;view=board"' in text


def test_the_filter_bar_gets_its_piece_and_a_clean_address(client, ann, shop):
    sign_in(client, ann)
    htmx = {"HX-Request": "true", "HX-Target": "found"}

    answer = client.get("/changes/?q=cache&state=&kind=&mine=&sort=moved", headers=htmx)

    assert answer.headers["HX-Push-Url"] == "/changes/?q=cache"
    text = answer.content.decode()
    assert text.startswith('<div id="listing" hx-get="/changes/?q=cache"')
    assert numbers(text) == ["1003", "1001"]
    assert "HX-Push-Url" not in client.get("/changes/?q=cache", headers={"HX-Request": "true", "HX-Target": "listing"}).headers


def test_one_row_and_fifty_rows_take_as_many_queries(client, ann):
    many(60)
    sign_in(client, ann)
    client.get("/changes/")

    def asked(address):
        with CaptureQueriesContext(connection) as found:
            assert client.get(address).status_code == 200
        return len(found)

    for pair in (
        ("/changes/?q=CHG-1001", "/changes/"),
        ("/changes/?q=59+cache", "/changes/?q=cache"),
        ("/changes/?view=board&q=59", "/changes/?view=board"),
    ):
        assert len({asked(address) for address in pair}) == 1


def test_pages_follow_one_another(client, ann):
    many(120)
    sign_in(client, ann)

    seen, address = [], "/changes/?q=cache"
    while address:
        text = client.get(address).content.decode()
        seen += numbers(text)
        older = re.search(r'href="(\?[^"]*older=[^"]*)"', text)
        address = "/changes/" + older[1].replace("&amp;", "&") if older else ""

    assert seen == [str(number) for number in range(1120, 1000, -1)]


def test_the_board_has_six_columns_and_counts(client, ann, shop):
    many(14, state="merged")
    sign_in(client, ann)

    text = client.get("/changes/?view=board").content.decode()

    assert re.findall(r'<h2 id="lane-(\w+)">[^<]*<span class="text-ink-3">([^<]*)', text) == [
        ("draft", "2"),
        ("review", "0"),
        ("meeting", "0"),
        ("staging", "1"),
        ("approval", "0"),
        ("production", "14"),
    ]
    assert 'href="?stage=production">Show all 14' in text
    assert len(numbers(text)) == 2 + 1 + 12
    assert numbers(client.get("/changes/?view=board&q=cache+is:emergency").content.decode()) == ["1003"]


def test_the_board_opens_one_column_on_phones(page):
    assert 'class="lane" data-open aria-labelledby="lane-draft"' in page("/changes/?view=board")
    assert 'class="lane" data-open aria-labelledby="lane-staging"' in page("/changes/?view=board&lane=staging")
    assert 'class="lane" data-open aria-labelledby="lane-draft"' in page("/changes/?view=board&lane=nowhere")


def rows_of(answer):
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_the_file_says_what_the_list_shows(client, ann, shop):
    sign_in(client, ann)

    answer = client.get("/changes/list.csv?q=cache&sort=oldest&columns=requester,repository,moved,gates,marks,risk,state,due")
    mark, names, *rows = rows_of(answer)

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert re.search(
        r'attachment; filename="countersign-changes-confidential-\d{8}T\d{4}Z.csv"', answer.headers["Content-Disposition"]
    )
    assert mark[0].startswith(
        "Confidential: change records of Countersign; 2 rows; order: oldest movement; filter: q=cache&sort=oldest"
    )
    assert mark[0].endswith("(UTC) by Ann")
    assert names == ["Change", "Title", "Requester", "Repository", "Moved", "Review due", "Gates", "Marks", "Risk", "State"]
    gates = ("6 of 12 gates met, 6 waiting", "0 of 12 gates met, 12 not looked at")
    first = [
        "Raise memory of the cache",
        "Ann",
        "acme/web",
        "2026-11-02T10:00:00Z",
        "",
        gates[0],
        "",
        "High, 40 points",
        "In review",
    ]
    second = ["Restart the cache", "Countersign", "", "2026-11-04T10:00:00Z", "", gates[1], "Emergency", "", "Draft"]
    assert rows == [["CHG-1001", *first], ["CHG-1003", *second]]


QUERIES = ("", "q=cache", "q=memo", "q=author:an", "state=draft", "view=board", "columns=none")


def test_the_file_has_the_rows_of_the_list_in_their_order(client, ann, shop):
    sign_in(client, ann)

    for sort, query in product(SORTS, QUERIES):
        file = [row[0] for row in rows_of(client.get(f"/changes/list.csv?{query}&sort={sort}"))[2:]]
        listed = numbers(client.get(f"/changes/?{query.replace('view=board', '')}&sort={sort}").content.decode())

        assert file == [f"CHG-{number}" for number in listed], (sort, query)


def test_every_column_has_words_in_the_file(client, ann, shop):
    sign_in(client, ann)

    _, names, *rows = rows_of(client.get(f"/changes/list.csv?columns={','.join(COLUMNS)}"))

    assert names[2:] == [column.label for column in COLUMNS.values()]
    assert {len(row) for row in rows} == {len(names)}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("1+1", "1+1"),
        ('a, "b"\nc', 'a, "b"\nc'),
        ("", ""),
    ],
)
def test_no_cell_begins_a_formula(text, cell):
    assert csv_file.harmless(text) == cell


def test_a_formula_in_a_title_stays_text(client, ann):
    made('=HYPERLINK("http://evil.example")', by_login="-2+3")
    sign_in(client, ann)

    row = rows_of(client.get("/changes/list.csv"))[2]

    assert row[1:3] == ['\'=HYPERLINK("http://evil.example")', "'-2+3"]


def test_who_takes_a_file_out_stands_in_the_ledger(client, ann, shop):
    sign_in(client, ann)

    rows_of(client.get("/changes/list.csv?state=draft"))

    entry = entries_about(stream=f"person:{ann.pk}")[0]
    assert entry.kind == "list.exported"
    assert (entry.fact["rows"], entry.fact["asked"]) == (2, "state=draft")


def test_a_question_with_a_problem_makes_no_file(client, ann, shop):
    sign_in(client, ann)

    answer = client.get("/changes/list.csv?q=colour:red")

    assert answer.status_code == 422
    assert "There is no “colour:” to search by." in answer.content.decode()


def test_a_file_ends_at_its_limit_and_says_so(shop):
    rows = matching(wanted=Wanted(), scope=EVERYTHING)

    file = csv_file.file_of(rows=rows, sort="moved", columns=USUAL, asked="", reader="Ann", at=AT, most=2)

    assert file.count == 2
    assert "2 rows; the first of more, since a file has at most 50 000 rows" in file.mark.decode()
    with file.body as body:
        assert len(list(csv.reader(body.read().decode().splitlines()))) == 3


@pytest.fixture
def uma(client):
    """An auditor whose engagement covers one of two repositories."""
    auditor, _ = admitted(repositories=["acme/api"])
    sign_in(client, auditor)
    return client


SCOPED = ["", "q=column", "q=cache", "q=-zeppelin", "q=CHG-1001", "view=board", "sort=due", "q=is:open&sort=risk"]


def test_an_auditor_lists_and_takes_out_only_what_is_in_scope(shop, uma):
    for query in SCOPED:
        listed = numbers(uma.get(f"/changes/?{query}").content.decode())
        answer = uma.get(f"/changes/list.csv?{query}")
        file = [row[0] for row in csv.reader(io.StringIO(answer.content.decode()[1:]))][2:]

        assert set(listed) <= {"1002"}, query
        assert file == [f"CHG-{number}" for number in listed], query
        assert (listed == []) == (query in ("q=cache", "q=CHG-1001")), query


def test_a_file_of_two_thousand_rows_needs_no_more_memory_than_one_of_two_hundred(ann, monkeypatch):
    monkeypatch.setattr(csv_file, "AT_ONCE", 100)
    many(2000, every=timedelta(minutes=1), requester=ann)

    def peak(most):
        tracemalloc.start()
        file = csv_file.file_of(
            rows=matching(wanted=Wanted(text="cache"), scope=EVERYTHING),
            sort="moved",
            columns=USUAL,
            asked="",
            reader="Ann",
            at=AT,
            most=most,
        )
        with file.body:
            pieces = sum(len(piece) for piece in csv_file.Pieces(file))
        peaked = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return file.count, pieces, peaked

    peak(10)
    small, large = peak(200), peak(4000)

    assert (small[0], large[0]) == (200, 2000)
    assert large[1] > 180_000
    assert large[2] < small[2] * 1.5 + 1_000_000, f"{small[2]:,} bytes for two hundred rows, {large[2]:,} for two thousand"


def test_a_file_is_sent_piece_by_piece_while_others_are_served():
    body = tempfile.TemporaryFile("w+b")  # noqa: SIM115  # the answer closes it, which is looked at below
    body.write(b"x" * 200_000)
    body.seek(0)
    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, io.BytesIO())

    answer = csv_file.answer_with(request, csv_file.File(b"mark", body, 1), name="a.csv", whole=False)

    async def read():
        return [len(piece) async for piece in answer.streaming_content]

    assert answer.is_async
    assert async_to_sync(read)() == [4, 65536, 65536, 65536, 3392]
    assert body.closed
