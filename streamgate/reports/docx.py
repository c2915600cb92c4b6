"""Lays a document out as DOCX for A4, so that an office can go on writing in it."""

import io
import re
from typing import Any, assert_never

import docx
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from streamgate.reports.document import Block, Document, Facts, Pictures, Section, Signatures, Table, Text

_LATIN = {"zh": "Arial", "en": "Arial"}
_EAST = "Noto Sans CJK SC"  # office programs without it take their own Chinese font
_WIDTH_MM = 174
_PICTURE_MM = 53  # of a cell of 58 without its margins
_ACROSS = 3
_LINE = 24  # characters of a line to sign on: 42 mm of a cell, in a wide font 44
_SHADE = "EEF1F4"
_PAD_TWIPS = "57"  # 1 mm


def to_docx(document: Document) -> bytes:
    """Return the file."""
    made = docx.Document()
    _set_page(made, document)
    title = made.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(title, document.title, size=19, bold=True)
    subtitle = made.add_paragraph()
    subtitle.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(subtitle, document.subtitle, size=10)
    _underline(subtitle)
    for section in document.sections:
        _section(made, section)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _set_page(made: Any, document: Document) -> None:
    made.core_properties.title = f"{document.title} {document.subtitle}"
    made.core_properties.language = "zh-CN" if document.language == "zh" else "en"
    style = made.styles["Normal"]
    style.font.name, style.font.size = _LATIN[document.language], Pt(10)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _EAST)
    # Chinese punctuation is drawn, and the text checked, as Chinese.
    made.styles.element.find(f".//{qn('w:lang')}").set(qn("w:eastAsia"), "zh-CN")
    style.paragraph_format.space_after = Pt(4)
    heading = made.styles["Heading 2"]
    heading.font.name, heading.font.size, heading.font.bold = _LATIN[document.language], Pt(12.5), True
    heading.font.color.rgb = RGBColor(0, 0, 0)
    heading.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _EAST)
    page = made.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(18)
    page.top_margin = page.bottom_margin = Mm(20)
    foot = page.footer.paragraphs[0]
    foot.style = style  # a footer's own has tab stops for another width
    foot.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    before, _, rest = document.page.partition("{n}")
    between, _, after = rest.partition("{all}")
    _run(foot, f"{document.footer}\t{before}", size=8)
    _field(foot, "PAGE")
    _run(foot, between, size=8)
    _field(foot, "NUMPAGES")
    _run(foot, after, size=8)


def _section(made: Any, section: Section) -> None:
    made.add_heading(section.title, level=2)
    for block in section.blocks:
        _block(made, block)


def _block(made: Any, block: Block) -> None:
    match block:
        case Facts(rows):
            _grid(made, [list(row) for row in rows], (28, 72), names=True)
        case Table():
            if block.rows:
                lines = [list(block.heads), *map(list, block.rows)]
                _grid(made, lines, tuple(block.widths), head=True)
            else:
                made.add_paragraph(_plain(block.empty))
            if block.left_out:
                made.add_paragraph(_plain(block.left_out))
        case Text(text, alarming):
            _run(made.add_paragraph(), text, bold=alarming, red=alarming)
        case Pictures():
            _pictures(made, block)
        case Signatures(places):
            _signatures(made, [*places])
        case _:
            assert_never(block)


def _grid(
    made: Any, rows: list[list[str]], widths: tuple[int, ...], *, head: bool = False, names: bool = False
) -> None:
    """Add a table with lines. `head`: its first row is repeated on each page; `names`: its first column."""
    table = made.add_table(rows=len(rows), cols=len(widths))
    table.style = "Table Grid"
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    _pad(table)
    for column, width in enumerate(widths):
        table.columns[column].width = Mm(_WIDTH_MM * width / 100)
    for number, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
        _keep_whole(row, repeat=head and number == 0)
        for column, (cell, text) in enumerate(zip(row.cells, cells, strict=True)):
            cell.width = Mm(_WIDTH_MM * widths[column] / 100)
            strong = (head and number == 0) or (names and column == 0)
            _run(cell.paragraphs[0], text, size=9, bold=strong)
            cell.paragraphs[0].paragraph_format.space_after = Pt(0)
            cell.paragraphs[0].paragraph_format.keep_with_next = number == 0 and len(rows) > 1
            if strong:
                _shade(cell)
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    made.add_paragraph().paragraph_format.space_after = Pt(0)


def _pictures(made: Any, block: Pictures) -> None:
    shown = [*block.pictures]
    table = made.add_table(rows=0, cols=_ACROSS)
    for first in range(0, len(shown), _ACROSS):
        row = table.add_row()
        _keep_whole(row, repeat=False)
        for cell, one in zip(row.cells, shown[first : first + _ACROSS], strict=False):
            place = cell.paragraphs[0]
            if one.jpeg is None:
                _run(place, block.none, size=8)
            else:
                _picture(place, one.jpeg)
            _run(cell.add_paragraph(), one.caption, size=8)


def _picture(paragraph: Any, jpeg: bytes) -> None:
    """Add a picture without space beside it: where none is given, LibreOffice takes 3.2 mm, Word nothing."""
    shape = paragraph.add_run().add_picture(io.BytesIO(jpeg), width=Mm(_PICTURE_MM))
    for side in ("distT", "distB", "distL", "distR"):
        shape._inline.set(side, "0")  # noqa: SLF001


def _signatures(made: Any, places: list[str]) -> None:
    table = made.add_table(rows=0, cols=_ACROSS)
    for first in range(0, len(places), _ACROSS):
        row = table.add_row()
        _keep_whole(row, repeat=False)
        for cell, place in zip(row.cells, places[first : first + _ACROSS], strict=False):
            cell.paragraphs[0].paragraph_format.space_before = Pt(12)
            _run(cell.paragraphs[0], place, size=9)
            line = cell.add_paragraph()
            line.paragraph_format.space_before = Pt(14)
            _run(line, "_" * _LINE, size=9)


def _run(
    paragraph: Any, text: str, *, size: float | None = None, bold: bool = False, red: bool = False
) -> None:
    run = paragraph.add_run(_plain(text))
    run.bold = bold
    if size is not None:
        run.font.size = Pt(size)
    if red:
        run.font.color.rgb = RGBColor(0xA0, 0, 0)
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _EAST)  # noqa: SLF001 - no other way


_NOT_IN_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _plain(text: str) -> str:
    """Return text without what XML cannot hold: control characters, halves of characters, U+FFFE, U+FFFF."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _pad(table: Any) -> None:
    """Leave room above and below the text of each cell."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("top", "bottom"):
        one = OxmlElement(f"w:{side}")
        one.set(qn("w:w"), _PAD_TWIPS)
        one.set(qn("w:type"), "dxa")
        margins.append(one)
    table._tbl.tblPr.insert_element_before(margins, "w:tblLook")  # noqa: SLF001


def _shade(cell: Any) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", _SHADE)):
        shade.set(qn(f"w:{name}"), value)
    cell._element.get_or_add_tcPr().append(shade)  # noqa: SLF001


def _keep_whole(row: Any, *, repeat: bool) -> None:
    """Tear no row between pages; `repeat`: it is a head that stands on each."""
    properties = row._tr.get_or_add_trPr()  # noqa: SLF001
    for name in ("cantSplit", *(["tblHeader"] if repeat else [])):
        properties.append(OxmlElement(f"w:{name}"))


def _field(paragraph: Any, code: str) -> None:
    """Add a number that the reader's program works out; until then "1" stands there."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run = paragraph.add_run("1")
    run.font.size = Pt(8)
    field.append(run._r)  # noqa: SLF001
    paragraph._p.append(field)  # noqa: SLF001


def _underline(paragraph: Any) -> None:
    borders = OxmlElement("w:pBdr")
    line = OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "12"), ("space", "4"), ("color", "BB0000")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    # The order of a paragraph's properties is fixed: lines stand before tabs, spacing and alignment.
    properties = paragraph._p.get_or_add_pPr()  # noqa: SLF001
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
