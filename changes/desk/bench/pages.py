"""W1, the change list, and W3, the page of one change, against the bare views of the same server."""

from collections.abc import Iterator

from changes.desk.bench import client, reader
from changes.desk.bench.figures import Line, median, ms, percentile
from changes.proposals.models import Change
from portal.access.models import User
from portal.ui.paging import cursor_of

LIST, LIST_PAGE_BYTES = 6.0, 30.0
RECORD, RECORD_QUERIES = 10.0, 12.0
UNPROMISED = ("the board", "the inbox instead")
"""Shown for information: no target was set for them."""
BARE, SELECT = "/bench/signed-in/", "/bench/one-select/"


def measure_list(*, port: int, cookie: str, person: User, rounds: int, size: str) -> Iterator[Line]:
    """W1 over so many changes (``size`` in words)."""
    paths = _list_paths(person)
    found = client.in_turn(
        port=port, requests={name: get(path, cookie) for name, path in {"bare": BARE, **paths}.items()}, rounds=rounds
    )
    bare = median(found["bare"])
    for name in paths:
        took = median(found[name])
        measured = f"p50 {ms(took)}, p95 {ms(percentile(found[name], 95))}"
        target = None if name in UNPROMISED else LIST
        yield Line(f"W1 list, {size}, {name}", measured, f"signed-in page p50 {ms(bare)}", took / bare, target=target)


def measure_list_size(*, port: int, cookie: str) -> Iterator[Line]:
    """The weight of the list, and that its queries do not grow with its rows."""
    line = client.Line(port)
    plain, packed = line.ask(get("/changes/", cookie, packed=False)), line.ask(get("/changes/", cookie))
    line.close()
    measured = f"50 rows: {len(plain.body) / 1000:.1f} kB of HTML, {packed.size / 1000:.1f} kB over the line"
    yield Line("W13 list over the line", measured, "", packed.size / 1000, "kB", LIST_PAGE_BYTES)
    yield Line("W13 list HTML unpacked", measured, "", len(plain.body) / 1000, "kB", LIST_PAGE_BYTES)
    number = Change.objects.order_by("-number").values_list("number", flat=True)[0]
    one, many = reader.queries_of(f"/changes/?q=CHG-{number}", cookie), reader.queries_of("/changes/", cookie)
    yield Line("W1 queries, 50 rows and 1 row", f"{many} queries for 50 rows", f"{one} for one row", many / one, target=1.0)


def measure_record(*, port: int, cookie: str, long: int, short: int, rounds: int) -> Iterator[Line]:
    """W3: the change ``long`` has a timeline of sixty entries and more, ``short`` has hardly any."""
    paths = {"bare": BARE, "select": f"{SELECT}?number={long}", "long": f"/changes/{long}/", "short": f"/changes/{short}/"}
    found = client.in_turn(port=port, requests={name: get(path, cookie) for name, path in paths.items()}, rounds=rounds)
    select = median(found["select"])
    for name, words in (("long", "60 timeline entries"), ("short", "a draft")):
        took = median(found[name])
        measured = f"p50 {ms(took)}, p95 {ms(percentile(found[name], 95))}"
        yield Line(f"W3 change page, {words}", measured, f"one ORM SELECT p50 {ms(select)}", took / select, target=RECORD)
    few, many = reader.queries_of(paths["short"], cookie), reader.queries_of(paths["long"], cookie)
    yield Line("W3 queries", f"{many} for the long page", f"{few} for the short one", float(many), "queries", RECORD_QUERIES)


def _list_paths(person: User) -> dict[str, str]:
    middle = Change.objects.order_by("-moved_at", "-id")[Change.objects.count() // 2]
    other = Change.objects.exclude(requester=None).order_by("-number")[0]
    return {
        "first page": "/changes/",
        "deep page by cursor": f"/changes/?older={cursor_of(middle.moved_at, middle.pk)}",
        "state with many": "/changes/?state=released",
        "state with few": "/changes/?state=draft",
        "three filters": "/changes/?state=closed&category=emergency&kind=database",
        "one repository": f"/changes/?repository={other.repository_names[0]}",
        "nothing found": "/changes/?state=rolled_back&category=emergency",
        "one's own": "/changes/?mine=1",
        "a number": f"/changes/?q=CHG-{middle.number}",
        "by number": "/changes/?sort=number",
        "by what is due": "/changes/?sort=due",
        "the board": "/changes/?view=board",
        "the inbox instead": "/",
    }


def get(path: str, cookie: str, *, packed: bool = True) -> bytes:
    """The bytes of a request by whoever has the cookie; ``packed`` accepts a compressed answer."""
    return client.request("GET", path, headers={"Cookie": cookie, **({"Accept-Encoding": "gzip"} if packed else {})})
