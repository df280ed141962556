"""Files of people: read, checked row by row, imported as a whole or not at all, and the same again without effect."""

import time
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from portal.access.importing import actions, reading
from portal.access.importing.models import ImportRow, PeopleImport
from portal.access.importing.reading import Unreadable, lines_of
from portal.access.importing.tasks import work_on_imports
from portal.access.models import User
from portal.access.roster.describing import Description
from portal.access.roster.provisioning import provision
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.pace import SHARED
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import everybody, now, person

pytestmark = pytest.mark.django_db
State = PeopleImport.State
HEADER = "name,email,kind,team,employer,joined_on,leaves_on\n"
TWO = HEADER + (
    "Pia Park,Pia.Park@Northwind.example,contractor,Payments,Park Ltd,2026-03-01,2027-02-28\nQuin,quin@northwind.example,,,,,\n"
)


@pytest.fixture
def team():
    return everybody()


@pytest.fixture
def rex(team):
    return team["Rex"]


def uploaded(text: str, by: User) -> PeopleImport:
    held = actions.upload(raw=text.encode(), file_name="people.csv", by=by, at=now())
    work_on_imports()
    held.refresh_from_db()
    return held


def imported(text: str, by: User) -> PeopleImport:
    held = uploaded(text, by)
    actions.want(held=held, by=by, at=now())
    work_on_imports()
    held.refresh_from_db()
    return held


def outcomes(held: PeopleImport) -> list[tuple[int, str]]:
    return list(held.rows.order_by("line").values_list("line", "outcome"))


def notes(held: PeopleImport) -> dict[int, list[str]]:
    return {row.line: row.notes for row in held.rows.exclude(notes=[])}


# The file as a whole


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"name,email\n", "nobody else"),
        (b"name,email\nAnn,\xff\xfe\n", "Line 2 is not UTF-8"),
        (b"name,email\nA\0nn,a@b.example\n", "zero bytes"),
        (b"name,email,shoe size\nAnn,a@b.example,38\n", "“shoe size” is not known"),
        (b"name,email,mail\nAnn,a@b.example,x\n", "email stands there twice"),
        (b"name,team\nAnn,Web\n", "column email is missing"),
        (b'name,email\nAnn,a@b.example\n"Bob,b@b.example\nCleo,c@b.example\n', "begins in line 3 has broken quoting"),
        (b'name,email\n"Ann" Ash,a@b.example\n', "begins in line 2 has broken quoting"),
        (b"name,email\n" + b"x" * 200_000 + b",a@b.example\n", "broken quoting"),
    ],
)
def test_file_that_cannot_be_read_is_refused_in_words_and_leaves_nothing(raw, words, rex):
    with pytest.raises(Refused) as refusal:
        actions.upload(raw=raw, file_name="people.csv", by=rex, at=now())

    assert words in refusal.value.why
    assert not PeopleImport.objects.exists()


def test_file_has_its_limits(monkeypatch):
    monkeypatch.setattr(reading, "MOST_ROWS", 1)
    with pytest.raises(Unreadable, match="2 rows"):
        lines_of(TWO.encode())

    monkeypatch.setattr(reading, "MOST_BYTES", 10)
    with pytest.raises(Unreadable, match="larger than"):
        lines_of(TWO.encode())


def test_spreadsheets_other_habits_are_read_too():
    raw = (
        '\ufeffE-Mail;Name;Last day\r\n"a@b.example";"Ash; ""Ann""\r\nof Web";2027-01-31\r\n\r\n;;\r\nb@b.example;Bob;\r\n'.encode()
    )

    columns, lines = lines_of(raw)

    assert columns == ("email", "name", "leaves_on")
    assert [(line.number, line.cells["name"]) for line in lines] == [(2, 'Ash; "Ann"\r\nof Web'), (6, "Bob")]


# Its rows


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("Ann", "1 cells, but 7 columns"),
        ("Ann,a@b.example,,,,,,extra", "8 cells, but 7 columns"),
        ('"=HYPERLINK(""http://evil.example"")",a@b.example,,,,,', "name: begins as a formula does (“=”)"),
        ("Ann,a@b.example,,+1,,,", "team: begins as a formula does (“+”)"),
        (",a@b.example,,,,,", "name is missing"),
        ("Ann,,,,,,", "email is missing"),
        ("Ann,ann at home,,,,,", "“ann at home” is no e-mail address."),
        (f"Ann,{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example,,,,,", "An e-mail address has at most 254 characters."),  # noqa: E501  # one case, one line
        (f"{'x' * 121},a@b.example,,,,,", "name: longer than 120 characters"),
        ("Ann,a@b.example,robot,,,,", "kind: “robot” is none of employee, contractor, third_party"),
        ("Ann,a@b.example,,,,3 March,", "joined_on: “3 March” is no day; write it as 2026-03-31"),
        ("Ann,a@b.example,,,,2026-03-02,2026-03-01", "leaves_on lies before joined_on"),
        ("Ann,a@b.example,,,,,2026-03-01", "the last day is over"),
        ("Quin,QUIN@northwind.example,,,,,", "quin@northwind.example stands in line 2 already; capital letters make no difference"),
    ],
)  # fmt: skip
def test_mistake_is_named_with_its_line_and_nothing_is_imported(row, words, rex):
    held = uploaded(f"{HEADER}Quin,quin@northwind.example,,,,,\n{row}\n", rex)

    assert outcomes(held) == [(2, "new"), (3, "wrong")]
    assert words in notes(held)[3]
    with pytest.raises(Refused, match="Some rows are wrong"):
        actions.want(held=held, by=rex, at=now())
    assert not User.objects.filter(email__startswith="quin").exists()


def test_somebody_who_left_is_not_opened_by_a_file(team):
    User.objects.filter(pk=team["Bob"].pk).update(is_active=False, left_at=now())

    held = uploaded("name,email\nBob,bob@northwind.example\n", team["Rex"])

    assert notes(held) == {2: ["Bob has left; open the account again first"]}


def test_last_day_before_the_known_first_day_is_a_mistake(team):
    User.objects.filter(pk=team["Bob"].pk).update(joined_on=date(2026, 5, 1))

    held = uploaded("name,email,leaves_on\nBob,bob@northwind.example,2026-04-30\n", team["Rex"])

    assert notes(held) == {2: ["leaves_on lies before joined_on"]}


# Importing


def test_people_are_made_and_brought_up_to_date_and_the_ledger_has_each(team, rex):
    held = imported(TWO + "Bob Barr,BOB@northwind.example,Third party,Ops,,,\n", rex)

    pia = User.objects.get(email="pia.park@northwind.example")
    team["Bob"].refresh_from_db()
    assert (held.state, outcomes(held)) == (State.DONE, [(2, "new"), (3, "new"), (4, "changed")])
    assert (pia.name, pia.kind, pia.team, pia.employer) == ("Pia Park", "contractor", "Payments", "Park Ltd")
    assert (pia.joined_on, pia.leaves_on, pia.has_usable_password()) == (date(2026, 3, 1), date(2027, 2, 28), False)
    assert (team["Bob"].name, team["Bob"].kind, team["Bob"].team) == ("Bob Barr", "third_party", "Ops")
    assert not pia.grants.exists()
    (entry,) = entries_about(stream=f"import:{held.pk}")
    assert (entry.kind, entry.actor, entry.fact["people"]) == ("people.imported", f"user:{rex.pk}", 3)
    assert entry.fact["who"][2]["changed"] == ["name: Bob → Bob Barr", "kind: employee → third_party", "team: nothing → Ops"]
    assert bytes(held.content) == b""


def test_columns_that_the_file_lacks_stay_as_they_are(team, rex):
    User.objects.filter(pk=team["Bob"].pk).update(team="Ops", kind="contractor")

    imported("email,name,employer\nbob@northwind.example,Bob Barr,Barr Ltd\n", rex)

    team["Bob"].refresh_from_db()
    assert (team["Bob"].team, team["Bob"].kind, team["Bob"].employer) == ("Ops", "contractor", "Barr Ltd")


def test_same_file_again_finds_nothing_to_do(rex):
    imported(TWO, rex)
    before = list(User.objects.order_by("pk").values())

    held = imported(TWO, rex)

    assert outcomes(held) == [(2, "same"), (3, "same")]
    assert list(User.objects.order_by("pk").values()) == before


def test_file_that_waits_already_is_not_kept_twice(rex):
    assert uploaded(TWO, rex).pk == uploaded(TWO, rex).pk
    assert ImportRow.objects.count() == 2


def test_a_sixth_file_takes_the_place_of_the_oldest_that_waits_and_none_of_one_that_is_worked_on(team, rex):
    foreign = actions.upload(raw=TWO.encode(), file_name="x.csv", by=team["Mia"], at=now())
    first, *others = [uploaded(TWO.replace("Payments", f"Team {number}"), rex) for number in range(4)]
    browser, answer = post(rex, TWO.replace("Payments", "Team 4"), "fifth.csv")
    work_on_imports()
    assert "gave way" not in browser.get(answer.url).content.decode()
    assert f'The next one takes the place of “<a href="{reverse("import", args=[first.pk])}">people.csv</a>”' in listed(browser)

    browser, answer = post(rex, TWO, "sixth.csv")

    gave_way = "5 of your files waited already, so “people.csv” gave way to this one."
    assert gave_way in browser.get(answer.url).content.decode()
    work_on_imports()
    assert gave_way in browser.get(answer.url).content.decode(), "still there when the page has loaded itself anew"
    others.append(PeopleImport.objects.get(file_name="fifth.csv"))
    sixth = PeopleImport.objects.get(file_name="sixth.csv")
    kept = PeopleImport.objects.filter(uploaded_by=rex).order_by("pk").values_list("pk", flat=True)
    assert list(kept) == [*(each.pk for each in others), sixth.pk]
    assert not ImportRow.objects.filter(of_id=first.pk).exists()
    assert PeopleImport.objects.filter(pk=foreign.pk).exists()
    PeopleImport.objects.filter(uploaded_by=rex).update(state=State.CHECKING)
    with pytest.raises(Refused, match="5 files of yours are being checked or imported"):
        uploaded(HEADER + "Rita,rita@northwind.example,,,,,\n", rex)
    assert "takes the place of" not in listed(browser)


def test_file_is_wanted_once_and_by_those_who_keep_the_roster(team, rex):
    held = uploaded(TWO, rex)

    with pytest.raises(Refused, match="may not keep the roster"):
        actions.want(held=held, by=team["Ann"], at=now())
    with pytest.raises(Refused, match="may not keep the roster"):
        actions.upload(raw=TWO.encode(), file_name="x.csv", by=team["Ann"], at=now())
    actions.want(held=held, by=rex, at=now())
    with pytest.raises(Stale, match="being imported"):
        actions.want(held=held, by=rex, at=now())
    assert actions.check_again(held=held).state == State.WANTED


def test_what_changed_since_the_check_stops_the_whole_file(rex):
    held = uploaded(TWO, rex)
    actions.want(held=held, by=rex, at=now())
    left = provision(email="quin@northwind.example", said=Description("Quin", "employee"), actor="portal")
    User.objects.filter(pk=left.pk).update(is_active=False, left_at=now())

    work_on_imports()

    held.refresh_from_db()
    assert (held.state, outcomes(held)) == (State.READY, [(2, "new"), (3, "wrong")])
    assert "line 3 and perhaps others went wrong. Nothing was imported." in held.trouble
    assert not User.objects.filter(email__startswith="pia").exists()


def test_somebody_made_known_in_the_same_moment_stops_the_whole_file(rex, monkeypatch):
    held = uploaded(TWO, rex)
    actions.want(held=held, by=rex, at=now())
    provision(email="quin@northwind.example", said=Description("Quin", "employee"), actor="portal")
    monkeypatch.setattr(actions, "known", lambda emails: {})

    assert actions.carry_out(held=held, at=now()) is False

    held.refresh_from_db()
    assert (held.state, User.objects.filter(email__startswith="pia").exists()) == (State.CHECKING, False)


def test_file_that_is_not_wanted_is_not_carried_out(rex):
    assert actions.carry_out(held=uploaded(TWO, rex), at=now()) is False
    assert not User.objects.filter(email__startswith="pia").exists()


def test_file_is_one_workers_for_two_minutes(rex):
    actions.upload(raw=TWO.encode(), file_name="people.csv", by=rex, at=now())
    at = now()

    first, second, later = actions.claim(at=at), actions.claim(at=at), actions.claim(at=at + timedelta(minutes=3))

    assert (first is not None, second, later) == (True, None, first)


def test_ten_thousand_rows_show_their_progress_and_are_done_as_a_whole(rex, monkeypatch):
    rows = "".join(f"Person {number},person.{number}@northwind.example,,Team {number % 9},,,\n" for number in range(10_000))
    seen: list[int] = []
    judge = actions._judge_all

    def watched(*args, **kwargs):
        seen.append(PeopleImport.objects.values_list("checked", flat=True).get())
        return judge(*args, **kwargs)

    monkeypatch.setattr(actions, "_judge_all", watched)
    began = time.monotonic()

    held = imported(HEADER + rows, rex)

    assert seen[:20] == list(range(0, 10_000, 500))
    assert (held.state, User.objects.filter(email__startswith="person.").count()) == (State.DONE, 10_000)
    assert sum(len(entry.fact["who"]) for entry in entries_about(stream=f"import:{held.pk}", limit=99)) == 10_000
    assert time.monotonic() - began < 60 * SHARED


# The pages


def post(by: User, text: str, name: str = "people.csv"):
    browser = sign_in(Client(), by, minutes_ago=1)
    return browser, browser.post(reverse("imports"), {"file": SimpleUploadedFile(name, text.encode(), "text/csv")})


def listed(browser) -> str:
    return browser.get(reverse("imports")).content.decode()


def test_file_is_uploaded_shown_and_imported_on_the_pages_without_script(rex):
    browser, answer = post(rex, TWO)
    page = reverse("import", args=[PeopleImport.objects.get().pk])

    waiting = browser.get(page).content.decode()
    work_on_imports()
    ready = browser.get(page).content.decode()
    wanted = browser.post(reverse("want-import", args=[PeopleImport.objects.get().pk]))
    work_on_imports()
    done = browser.get(page).content.decode()

    assert (answer.status_code, answer.url) == (302, page)
    assert "0 of 2 rows checked" in waiting
    assert "Look again" in waiting
    assert "Import 2 people" in ready
    assert wanted.status_code == 302
    assert "Imported." in done
    assert User.objects.filter(email="quin@northwind.example").exists()
    assert "people.csv" in browser.get(reverse("imports")).content.decode()


def test_page_moves_by_itself_while_a_worker_is_at_it(rex):
    browser, _ = post(rex, TWO)
    page = reverse("import", args=[PeopleImport.objects.get().pk])

    during = browser.get(page, headers={"HX-Request": "true"})
    work_on_imports()
    after = browser.get(page, headers={"HX-Request": "true"})

    assert "<html" not in during.content.decode()
    assert after.headers["HX-Refresh"] == "true"


def test_wrong_rows_are_shown_and_given_as_a_file(rex):
    browser, _ = post(rex, HEADER + "=1,a@b.example,,,,,\nQuin,quin@northwind.example,,,,,\n")
    work_on_imports()
    held = PeopleImport.objects.get()

    page = browser.get(reverse("import", args=[held.pk])).content.decode()
    file = browser.get(reverse("import-wrong", args=[held.pk])).content.decode()
    again = browser.post(reverse("check-import", args=[held.pk]))

    assert "1 row is wrong, so nothing is imported" in page
    assert "Import 1" not in page
    assert "2,name: begins as a formula does (“=”),a@b.example,'=1" in file
    assert again.status_code == 302


def test_file_that_cannot_be_read_comes_back_with_the_form(rex):
    _, answer = post(rex, "name;shoe\n")
    _, empty = post(rex, "")

    assert (answer.status_code, empty.status_code) == (422, 422)
    assert "is not known" in answer.content.decode()
    assert not PeopleImport.objects.exists()


def test_nothing_to_do_is_said(rex):
    imported(TWO, rex)
    browser, answer = post(rex, TWO)
    work_on_imports()

    assert "there is nothing to do" in browser.get(answer.url).content.decode()


def test_pages_are_for_those_who_keep_the_roster():
    assert sign_in(Client(), person("Ann")).get(reverse("imports")).status_code == 403
