"""The parts of a pack that are pure: CSV and workbook that no spreadsheet runs, and papers that come out the same."""

import csv
import io

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from audits.packs.tables import cell, csv_of
from audits.packs.tools.evidence import cell as cell_of_verifier
from audits.packs.workbook import LONGEST, Row, Sheet, write_workbook
from portal.ledger.canonical import canonical
from portal.paper import Paper

NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "  =1", "＝1", "_x0041_", "a\x01b", "<&>\"'", "ü\n€", ""]
EDGES = [1, -5, 2.5, True, False, None, 10**15, {"b": 1, "a": "="}, ["=", 1]]


class Sunk(io.BytesIO):
    """Takes bytes and cannot go back, as the pieces in the database."""

    def seekable(self):
        return False


def book(*sheets):
    out = Sunk()
    write_workbook(out, sheets)
    return out.getvalue()


def as_read(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def test_cells_that_a_spreadsheet_would_run_get_an_apostrophe_and_rows_come_back_from_csv():
    rows = [{"key": f"CHG-{number}", "text": text, "more": number} for number, text in enumerate([*NASTY, *EDGES])]
    lines = [canonical(row) for row in rows]

    content = b"".join(csv_of(lines, ["key", "text", "more", "missing"])).decode()

    read = list(csv.reader(io.StringIO(content, newline=""), strict=True))
    assert read[0] == ["key", "text", "more", "missing"]
    assert [row[1] for row in read[1:10]] == ["'" + (text.replace("\0", "\ufffd") if text else text) for text in NASTY[:7]] + [
        "\ufffd=1",
        "'  =1",
    ]
    assert [row[1] for row in read[-9:]] == ["1", "-5", "2.5", "true", "false", "", str(10**15), '{"a":"=","b":1}', '["=",1]']
    assert all(row[3] == "" for row in read[1:])
    assert content.endswith("\r\n")


@pytest.mark.parametrize("value", [*NASTY, *EDGES, "plain", "  plain", "'=1"])
def test_portal_and_verifier_write_the_same_cell(value):
    assert cell(value) == cell_of_verifier(value)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_text_becomes_a_formula(text):
    for made in (cell(text), cell_of_verifier(text)):
        assert not made.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝"))
        assert made.removeprefix("'") == text.removeprefix("'")


def test_workbook_holds_texts_numbers_and_links_and_never_a_formula():
    rows = [Row((text, number, None, True, 10**20), f"https://x.example/?a=1&b={number}") for number, text in enumerate(NASTY)]
    long = "x" * (LONGEST + 5)

    content = book(
        Sheet("A/B: [1]", ("Text", "=Number", "Nothing", "Truth", "Big"), rows, "Secret & mine"),
        Sheet("a b   1", ("T",), [Row((long,))]),
    )

    read = as_read(content)
    first, second = read.worksheets
    assert read.sheetnames == ["A B   1", "a b   1 2"]
    assert [value.value for value in first[1]] == ["Text", "=Number", "Nothing", "Truth", "Big"]
    assert [first.cell(place, 2).value for place in range(2, 5)] == [0, 1, 2]
    assert [first.cell(2, column).value for column in (1, 3, 4, 5)] == ["=1+1", None, True, str(10**20)]
    assert first.cell(3, 1).hyperlink.target == "https://x.example/?a=1&b=1"
    assert {value.data_type for sheet in read for row in sheet.iter_rows() for value in row} <= {"s", "inlineStr", "n", "b"}
    assert len(second.cell(2, 1).value) == LONGEST
    assert "(cut:" in second.cell(2, 1).value
    assert first.oddFooter.center.text == "Secret && mine"


def test_same_rows_give_the_same_bytes_of_a_workbook_and_of_a_paper():
    def paper():
        made = Paper("Sample 1, item 2: CHG-1042", "Confidential. Northwind Labs.", subject="Audit")
        made.facts([("Who", "Łukasz <b>&</b> 山"), ("When", "2026-11-28T07:00:00Z")])
        made.section("A  Approved")
        made.text("line\nline" + " long" * 2000)
        made.table(("One", "Two"), [["=1", "2"]] * 60, widths=(80, 80))
        return made.content()

    assert book(Sheet("A", ("T",), [Row(("x",))])) == book(Sheet("A", ("T",), [Row(("x",))]))
    assert paper() == paper()
    read = PdfReader(io.BytesIO(paper()))
    assert read.metadata.title == "Sample 1, item 2: CHG-1042"
    assert read.root_object["/Lang"] == "en"
    text = "\n".join(page.extract_text() for page in read.pages)
    assert "Łukasz <b>&</b> <U+5C71>" in text
    assert text.count("Confidential. Northwind Labs.") == len(read.pages) > 1
