"""Reports on broadcasts and incidents: what stands in them, in both languages, as PDF and as DOCX."""

import asyncio
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest
from console_stage import Stage
from docx.oxml.ns import qn
from docx.shared import Emu, Mm
from httpx import Response
from lxml import etree
from recorded_broadcast import record_broadcast
from review_record import BROADCAST, PHONE, fill
from typer.testing import CliRunner

from streamgate.cli import app
from streamgate.ledger.read import read
from streamgate.reports.document import Document, Section, Table, Text
from streamgate.reports.docx import to_docx
from streamgate.reports.html import to_html
from streamgate.store.database import Database

KNOWN = {
    "zh": [
        "网络直播播出报告",
        "延时证明",
        "没有任何直播数据包",
        "陌生人入镜",
        "未审，未发布",
        "录像完整",
        "操作员",
    ],
    "en": [
        "Broadcast report",
        "Delay certificate",
        "No live packet left",
        "Persons on duty",
        "The recording is whole",
    ],
}


@pytest.fixture
async def told(idle: Stage) -> tuple[Stage, str]:
    """A stage with a broadcast on record; the id of its incident."""
    number = await asyncio.to_thread(record_broadcast, idle.data_dir)
    for name, role in (("ann", "reviewer"), ("sue", "senior-reviewer")):
        await idle.person(name, role)
    with Database(idle.database) as database, database.write() as session:
        fill(session)
    return idle, number


def text_of(data: bytes) -> str:
    if data.startswith(b"PK"):
        document = docx.Document(io.BytesIO(data))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])
    with pypdfium2.PdfDocument(data) as pdf:
        return "".join(page.get_textpage().get_text_range() for page in pdf)


# Parts of properties in the order that the format demands: office programs refuse a file with another.
TWIP = 635  # EMU: what positions are rounded to
ORDERS = {
    "pPr": "pStyle keepNext keepLines pageBreakBefore pBdr shd tabs spacing ind jc rPr",
    "rPr": "rStyle rFonts b bCs i iCs color sz szCs u lang",
    "tblPr": "tblStyle tblW jc tblInd tblBorders tblLayout tblCellMar tblLook",
    "tcPr": "tcW gridSpan vMerge tcBorders shd vAlign",
}


def check_form(data: bytes) -> None:
    """Check what an office program needs to open a document and to lay it out as it is meant."""
    document = docx.Document(io.BytesIO(data))
    (page,) = document.sections
    foot = page.footer
    for root in (document.element, foot._element):
        for name, order in ORDERS.items():
            for properties in root.iter(qn(f"w:{name}")):
                found = [order.split().index(etree.QName(one).localname) for one in properties]
                assert found == sorted(found), etree.tostring(properties)
    (line,) = foot.paragraphs
    (right,) = [*line.paragraph_format.tab_stops]
    assert line.style.name == "Normal", "a footer's own style has tab stops for another width"
    edge = page.page_width - page.right_margin - page.left_margin
    assert abs(right.position - edge) <= TWIP
    fields = foot._element.findall(f".//{qn('w:fldSimple')}")
    assert [one.get(qn("w:instr")) for one in fields] == ["PAGE", "NUMPAGES"]
    assert ["".join(text.text for text in one.iter(qn("w:t"))) for one in fields] == ["1", "1"], (
        "until the program has counted"
    )
    language = document.styles.element.find(f".//{qn('w:lang')}")
    assert language.get(qn("w:eastAsia")) == "zh-CN", "or Chinese punctuation is drawn as elsewhere"
    for table in document.tables:
        for shape in table._tbl.iter(qn("wp:extent")):
            assert Emu(int(shape.get("cx"))) <= table.columns[0].width - Mm(3.8), "within a cell's margins"
    for picture in document.element.iter(qn("wp:inline")):
        assert (picture.get("distL"), picture.get("distR")) == ("0", "0"), "or LibreOffice adds its own space"
    heads = [table.rows[0]._tr for table in document.tables if table.style.name == "Table Grid"]
    assert any(one.find(f".//{qn('w:tblHeader')}") is not None for one in heads)


def pictures_of(data: bytes) -> int:
    if data.startswith(b"PK"):
        return len(docx.Document(io.BytesIO(data)).inline_shapes)
    with pypdfium2.PdfDocument(data) as pdf:
        return sum(1 for page in pdf for one in page.get_objects() if one.type == 3)


def fonts_embedded(data: bytes) -> tuple[int, int]:
    """Return how many fonts a PDF describes, and how many of them it embeds."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)
    whole = data
    for stream in streams:
        try:
            whole += zlib.decompress(stream.rstrip(b"\r\n"))
        except zlib.error:
            continue
    return len(re.findall(rb"/FontDescriptor\s*/", whole)), len(re.findall(rb"/FontFile[23]?\s", whole))


def run(stage: Stage, *arguments: str) -> Any:
    done = CliRunner().invoke(app, ["--data-dir", str(stage.data_dir), *arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.output)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_broadcast_is_reported_with_all_that_is_on_record(
    told: tuple[Stage, str], lang: str, tmp_path: Path
) -> None:
    stage, _ = told
    for form in ("pdf", "docx"):
        out = tmp_path / f"report.{form}"
        said = await asyncio.to_thread(
            run, stage, "report", BROADCAST, "--out", str(out), "--lang", lang, "--json"
        )
        data = out.read_bytes()
        assert said["bytes"] == len(data)
        text = "".join(text_of(data).split())
        for known in KNOWN[lang]:
            assert "".join(known.split()) in text, (form, known)
        assert "30.004s" in text, "the least delay, measured"
        assert "138****8000" in text, "comments that nobody reviewed"
        assert PHONE not in text
        assert pictures_of(data) == 6, form
    check_form((tmp_path / "report.docx").read_bytes())
    described, embedded = fonts_embedded((tmp_path / "report.pdf").read_bytes())
    assert described == embedded > 0
    made = [one for one in read(stage.data_dir / "ledger", process="cli") if one.get("what") == "report.make"]
    assert made[-1]["args"]["sha256"] == said["sha256"]


def test_a_comment_that_xml_cannot_hold_keeps_nobody_from_a_report() -> None:
    """Anybody may send U+FFFE and U+FFFF: JSON and the databases take them, XML does not (XML 1.0, 2.2)."""
    said = "一\ufffe二\uffff三\x00四"
    blocks = [Text(said), Table(("评论",), (100,), [(said,)], "")]
    made = to_docx(Document("zh", "报告", "main", [Section("评论", blocks)], said, "第 {n} 页，共 {all} 页"))
    assert text_of(made).count("一\ufffd二\ufffd三\ufffd四") == 2


def test_a_name_in_the_footer_is_no_part_of_the_layout() -> None:
    made = to_html(Document("en", "Report", "main", [], "PAGE FONT FOOTER", "{n} of {all}"))
    assert made.count('content: "PAGE FONT FOOTER";') == 1


async def test_a_copy_is_reported_on_without_database_and_program(
    told: tuple[Stage, str], tmp_path: Path
) -> None:
    stage, number = told
    copy = tmp_path / "copy"
    for name in ("archive", "ledger", "incidents"):
        await asyncio.to_thread(_copy, stage.data_dir / name, copy / name)
    before = sorted(copy.rglob("*"))
    for about in (BROADCAST, number):
        out = tmp_path / f"{about}.docx"
        await asyncio.to_thread(
            run, stage, "report", about, "--out", str(out), "--data", str(copy), "--lang", "en", "--json"
        )
        assert len(text_of(out.read_bytes())) > 500
        check_form(out.read_bytes())
    assert sorted(copy.rglob("*")) == before, "a copy stays as it is"


def _copy(source: Path, target: Path) -> None:
    import shutil

    shutil.copytree(source, target)


async def ask(stage: Stage, path: str) -> Response:
    async with stage.client() as client:
        return await client.get(f"/api/v1/{path}")


async def test_reports_over_http_and_who_may_have_them(told: tuple[Stage, str]) -> None:
    stage, number = told
    async with stage.console():
        await stage.sign_in()
        incident = await ask(stage, f"incidents/main/{number}/report?format=pdf&lang=zh")
        assert incident.headers["content-type"] == "application/pdf", incident.text
        text = "".join(text_of(incident.content).split())
        for known in ("网络直播事件报告", "举牌", "较大", "已劝离", "录像已保留"):
            assert known in text, known
        assert pictures_of(incident.content) == 1, "what was recorded of the four moments"
        whole = await ask(stage, f"archive/main/report?broadcast={BROADCAST}&format=html&lang=en")
        assert "<h1>Broadcast report</h1>" in whole.text
        for path, status, code in (
            ("archive/main/report?broadcast=main-20200101T000000Z", 404, "not_found"),
            (f"archive/hall/report?broadcast={BROADCAST}", 404, "not_found"),
            (f"incidents/hall/{number}/report", 404, "not_found"),
            (f"archive/main/report?broadcast={BROADCAST}&format=odt", 400, "bad_request"),
        ):
            refused = await ask(stage, path)
            assert (refused.status_code, refused.json()["code"]) == (status, code), path
        check = await ask(stage, "selfcheck?format=html&lang=zh")
        assert "网络直播合规自查表" in check.text
        found = (await ask(stage, "selfcheck")).json()
        assert [one["rule"] for one in found["rules"]] == [f"R{n}" for n in range(1, 29)]
        await stage.sign_in("rita", "reviewer")
        for path in (
            f"incidents/main/{number}/report",
            f"archive/main/report?broadcast={BROADCAST}",
            "selfcheck",
        ):
            assert (await ask(stage, path)).status_code == 403, path
    told = list(read(stage.data_dir / "ledger", process="console"))
    checks = [(one["who"], one["args"]) for one in told if one.get("what") == "selfcheck.make"]
    assert [args for _, args in checks] == [{"format": "html", "lang": "zh"}], "to look at it is no document"
    assert checks[0][0].startswith("console:")
    made = [one for one in told if one.get("what") == "report.make"]
    assert [one["args"] for one in made] == [
        {"about": number, "format": "pdf", "lang": "zh"},
        {"about": BROADCAST, "format": "html", "lang": "en"},
    ]
