"""Papers as PDF that come out the same for the same words: no clock, no random ids. With title, language and a mark on each page.

reportlab's own fonts know Latin letters; what they do not know stands as its code point, so that nothing vanishes in silence.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib.fonts import addMapping
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

FONTS = Path(reportlab.__file__).parent / "fonts"
REGULAR, BOLD = TTFont("Vera", str(FONTS / "Vera.ttf")), TTFont("VeraBd", str(FONTS / "VeraBd.ttf"))
MARGIN = 18 * mm
LONGEST = 6000
"""Characters of one cell on paper; the whole text is in the JSON beside it."""
TEXT = ParagraphStyle("text", fontName="Vera", fontSize=9, leading=12.5, wordWrap="CJK")
HEAD = ParagraphStyle("head", parent=TEXT, fontName="VeraBd")
TITLE = ParagraphStyle("title", parent=HEAD, fontSize=15, leading=20, spaceAfter=4 * mm)
SECTION = ParagraphStyle("section", parent=HEAD, fontSize=11, leading=15, spaceBefore=5 * mm, spaceAfter=2 * mm)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=7, leading=9)
LINES = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, "#999999"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
)


def _known_fonts() -> None:
    """Register both faces: reportlab asks for a family with each of its four styles."""
    for font in (REGULAR, BOLD):
        pdfmetrics.registerFont(font)
    for bold in (0, 1):
        for italic in (0, 1):
            addMapping("Vera", bold, italic, "VeraBd" if bold else "Vera")
            addMapping("VeraBd", bold, italic, "VeraBd")


_known_fonts()


@dataclass
class Paper:
    """A paper in the making. ``mark`` stands at the foot of each page, ``subject`` in the file's properties."""

    title: str
    mark: str
    subject: str = ""
    _story: list[Flowable] = field(default_factory=list)

    def text(self, words: str) -> None:
        """A paragraph; line feeds stay."""
        self._story += [Paragraph(_shown(part) or " ", TEXT) for part in words.split("\n")]

    def section(self, words: str) -> None:
        """A heading."""
        self._story.append(Paragraph(_shown(words), SECTION))

    def small(self, words: str) -> None:
        """A line in small letters, as for digests."""
        self._story.append(Paragraph(_shown(words), SMALL))

    def facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Names and what they are."""
        self.table((), [[name, value] for name, value in pairs], widths=(42, 132))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], *, widths: Sequence[float]) -> None:
        """A table; ``widths`` in millimetres. Its header stands again on every page."""
        head = [[Paragraph(_shown(cell), HEAD) for cell in header]] if header else []
        body = [[Paragraph(_shown(cell), TEXT if header or place else HEAD) for place, cell in enumerate(row)] for row in rows]
        if head or body:
            self._story.append(
                LongTable([*head, *body], colWidths=[width * mm for width in widths], repeatRows=len(head), style=LINES)
            )
            self._story.append(Spacer(1, 2 * mm))

    def content(self) -> bytes:
        """The file."""
        file = io.BytesIO()
        template = SimpleDocTemplate(
            file,
            pagesize=A4,
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=MARGIN,
            bottomMargin=MARGIN,
            title=self.title,
            author="Countersign",
            subject=self.subject or self.mark,
            creator="Countersign",
            lang="en",
            invariant=1,
            displayDocTitle=1,
        )
        template.build([Paragraph(_shown(self.title), TITLE), *self._story], onFirstPage=self._foot, onLaterPages=self._foot)
        return file.getvalue()

    def _foot(self, canvas: Any, template: Any) -> None:
        canvas.saveState()
        canvas.setFont("Vera", 7)
        canvas.drawString(MARGIN, 9 * mm, known(self.mark)[:150])
        canvas.drawRightString(A4[0] - MARGIN, 9 * mm, f"Page {template.page}")
        canvas.restoreState()


def known(text: str) -> str:
    """The text in letters that the font has; others as <U+…>."""
    widths = REGULAR.face.charToGlyph
    return "".join(letter if ord(letter) in widths else f"<U+{ord(letter):04X}>" for letter in text)


def _shown(text: str) -> str:
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]} … (cut: the whole text is in the JSON)"
    return escape(known(cut))
