"""One workbook (Office Open XML, ECMA-376) with flat sheets, written while it grows: no list of rows, no clock, no formula. Pure.

Every cell is text in place, a number or a truth value; the format has an element for formulas, and this module never writes it.
A sheet's rows are made when their turn comes, so 100,000 of them need no more memory than ten.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from audits.packs.archive import LEVEL, Sink, Stream, file_info

LONGEST = 32_767
"""Characters that a cell holds."""
MOST_ROWS = 1_048_576
MOST_LINKS = 65_530
EXACT = 2**53
"""Larger whole numbers stand as text: a spreadsheet would round them."""
CUT = " … (cut: the whole text is in the JSON)"
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
NAMES = re.compile(r"[\[\]:*?/\\]")
MANY = 500
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="3"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font>'
    '<font><u/><sz val="11"/><color rgb="FF0B57D0"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="0" fontId="2" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
ROOT = (
    f'{HEAD}<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)


@dataclass(frozen=True)
class Row:
    """The cells of a row, and where its first cell leads: an address or a path beside the workbook; empty for nowhere."""

    cells: Sequence[Any]
    link: str = ""


@dataclass(frozen=True)
class Sheet:
    """A flat sheet: a header and rows. ``mark`` is printed at the foot of every page."""

    title: str
    header: Sequence[str]
    rows: Iterable[Row]
    mark: str = ""
    links: list[str] = field(default_factory=list)


def write_workbook(out: Sink, sheets: Sequence[Sheet]) -> None:
    """Write the workbook. Titles are cut to what the format allows and are told apart by a number where they are equal."""
    titles = list(_titles(sheets))
    archive = zipfile.ZipFile(Stream(out), "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
    archive.writestr(file_info("[Content_Types].xml"), _content_types(len(sheets)))
    archive.writestr(file_info("_rels/.rels"), ROOT)
    archive.writestr(file_info("xl/workbook.xml"), _workbook(titles))
    archive.writestr(file_info("xl/_rels/workbook.xml.rels"), _workbook_relations(len(sheets)))
    archive.writestr(file_info("xl/styles.xml"), STYLES)
    for number, sheet in enumerate(sheets, start=1):
        with archive.open(file_info(f"xl/worksheets/sheet{number}.xml"), "w") as file:
            for piece in _sheet(sheet):
                file.write(piece.encode())
        if sheet.links:
            archive.writestr(file_info(f"xl/worksheets/_rels/sheet{number}.xml.rels"), _sheet_relations(sheet))
    archive.close()


def _titles(sheets: Sequence[Sheet]) -> Iterator[str]:
    seen: set[str] = set()
    for number, sheet in enumerate(sheets, start=1):
        title = NAMES.sub(" ", sheet.title).strip("' ")[:31] or f"Sheet {number}"
        if title.lower() in seen:
            title = f"{title[:26]} {number}"
        seen.add(title.lower())
        yield title


def _content_types(sheets: int) -> str:
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{SHEET}.worksheet+xml"/>'
        for number in range(1, sheets + 1)
    )
    return (
        f'{HEAD}<Types xmlns="{TYPES}"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml"'
        f' ContentType="{SHEET}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="{SHEET}.styles+xml"/>'
        f"{parts}</Types>"
    )


def _workbook(titles: Sequence[str]) -> str:
    parts = "".join(
        f'<sheet name={quoteattr(_clean(title))} sheetId="{number}" r:id="rId{number}"/>'
        for number, title in enumerate(titles, start=1)
    )
    return f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{parts}</sheets></workbook>'


def _workbook_relations(sheets: int) -> str:
    parts = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, sheets + 1)
    )
    styles = f'<Relationship Id="rId{sheets + 1}" Type="{RELATIONS}/styles" Target="styles.xml"/>'
    return f'{HEAD}<Relationships xmlns="{PACKAGE}">{parts}{styles}</Relationships>'


def _sheet_relations(sheet: Sheet) -> str:
    parts = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/hyperlink" Target={quoteattr(_clean(link))} TargetMode="External"/>'
        for number, link in enumerate(sheet.links, start=1)
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}">{parts}</Relationships>'


def _sheet(sheet: Sheet) -> Iterator[str]:
    """The sheet's XML in pieces. Fills ``sheet.links``. Raises ``ValueError`` for more rows than a sheet holds."""
    yield (
        f'{HEAD}<worksheet xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1"'
        ' topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>'
        f'<cols><col min="1" max="{max(len(sheet.header), 1)}" width="22" customWidth="1"/></cols><sheetData>'
        f"<row>{''.join(_cell(name, 1) for name in sheet.header)}</row>"
    )
    places: list[int] = []
    waiting: list[str] = []
    for number, row in enumerate(sheet.rows, start=2):
        linked = bool(row.link) and len(places) < MOST_LINKS
        if linked:
            places.append(number)
            sheet.links.append(row.link)
        waiting.append(_row(row.cells, linked=linked))
        if len(waiting) == MANY:
            yield "".join(waiting)
            waiting.clear()
        if number > MOST_ROWS:
            raise ValueError(f"sheet {sheet.title!r} has more than {MOST_ROWS} rows")
    yield "".join(waiting) + "</sheetData>"
    yield from _links(places)
    foot = escape(_clean(f"&C{sheet.mark.replace('&', '&&')}"))
    yield f"<headerFooter><oddFooter>{foot}</oddFooter></headerFooter></worksheet>" if sheet.mark else "</worksheet>"


def _links(places: Sequence[int]) -> Iterator[str]:
    if places:
        yield "<hyperlinks>"
        for start in range(0, len(places), MANY):
            some = enumerate(places[start : start + MANY], start=start + 1)
            yield "".join(f'<hyperlink ref="A{place}" r:id="rId{number}"/>' for number, place in some)
        yield "</hyperlinks>"


def _row(cells: Sequence[Any], *, linked: bool) -> str:
    if linked:
        return f"<row>{_cell(cells[0], 2)}{''.join(map(_cell, cells[1:]))}</row>"
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(value: Any, style: int = 0) -> str:
    if value is None:
        return "<c/>"
    styled = f' s="{style}"' if style else ""
    if value is True or value is False:
        return f'<c{styled} t="b"><v>{int(value)}</v></c>'
    if type(value) is float or (type(value) is int and -EXACT <= value <= EXACT):
        return f"<c{styled}><v>{value!r}</v></c>"
    return f'<c{styled} t="inlineStr"><is><t xml:space="preserve">{_text(str(value))}</t></is></c>'


def _text(text: str) -> str:
    if len(text) > LONGEST:
        text = text[: LONGEST - len(CUT)] + CUT
    return escape(_clean(text))


def _clean(text: str) -> str:
    """What XML cannot hold, and what would read as an escape, in the format's own escapes (ST_Xstring)."""
    return NO_XML.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    first = found[0][0]
    if first == "_":
        return f"_x005F{found[0]}"
    return "\ufffd" if "\ud800" <= first <= "\udfff" else f"_x{ord(first):04X}_"
