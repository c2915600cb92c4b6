"""Lays a document out as HTML for A4: a browser prints it, WeasyPrint makes PDF of it. Pure."""

import html
from base64 import b64encode
from typing import assert_never

from streamgate.reports.document import Block, Document, Facts, Pictures, Section, Signatures, Table, Text

_STYLE = """
@page { size: A4; margin: 20mm 18mm 20mm;
  @bottom-left { content: "FOOTER"; font: 8pt FONT; color: #444; }
  @bottom-right { content: PAGE; font: 8pt FONT; color: #444; } }
* { box-sizing: border-box; }
body { font: 10pt/1.5 FONT; color: #000; background: #fff; margin: 0 auto; max-width: 174mm; }
h1 { font-size: 19pt; line-height: 1.3; text-align: center; margin: 0; }
.subtitle { text-align: center; font-size: 10pt; color: #333; margin: 1mm 0 5mm; padding: 0 0 3mm;
  border-bottom: 0.5mm solid #b00; overflow-wrap: anywhere; }
h2 { font-size: 12.5pt; margin: 6mm 0 2mm; break-after: avoid; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; margin: 0 0 3mm; }
th, td { border: 0.25mm solid #555; padding: 1.2mm 1.6mm; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; white-space: pre-wrap; }
th { background: #eef1f4; font-weight: bold; } thead { display: table-header-group; }
tr { break-inside: avoid; } td { font-size: 9pt; }
.facts { break-inside: avoid; } .facts th { width: 28%; font-size: 9pt; }
p { margin: 0 0 2mm; } .alarming { color: #a00000; font-weight: bold; }
.pictures { display: flex; flex-wrap: wrap; gap: 3mm; margin: 0 0 3mm; }
figure { width: 56mm; margin: 0; break-inside: avoid; }
img, .none { display: block; width: 56mm; height: 31.5mm; object-fit: contain; background: #111; }
.none { background: #eee; color: #555; font-size: 8pt; text-align: center; line-height: 31.5mm; }
figcaption { font-size: 8pt; color: #333; }
.signs { display: flex; flex-wrap: wrap; gap: 6mm 8mm; margin: 8mm 0 0; break-inside: avoid; }
.signs div { width: 52mm; border-bottom: 0.3mm solid #333; padding: 0 0 11mm; font-size: 9pt; }
@media screen { body { padding: 8mm; } }
"""
_FONTS = {
    "zh": '"Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", SimSun, sans-serif',
    "en": '"DejaVu Sans", "Noto Sans", Arial, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif',
}


def to_html(document: Document) -> str:
    """Return the whole page. It loads nothing and runs nothing."""
    lang = "zh-CN" if document.language == "zh" else "en"
    before, _, rest = document.page.partition("{n}")
    between, _, after = rest.partition("{all}")
    numbers = f'"{_css(before)}" counter(page) "{_css(between)}" counter(pages) "{_css(after)}"'
    style = (
        _STYLE.replace("PAGE", numbers)
        .replace("FONT", _FONTS[document.language])
        .replace("FOOTER", _css(document.footer))  # last: it holds people's names
    )
    body = "".join(map(_section, document.sections))
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
        f"<title>{_text(document.title)} {_text(document.subtitle)}</title><style>{style}</style></head>"
        f'<body><h1>{_text(document.title)}</h1><p class="subtitle">{_text(document.subtitle)}</p>'
        f"{body}</body></html>\n"
    )


def _section(one: Section) -> str:
    return f"<h2>{_text(one.title)}</h2>{''.join(map(_block, one.blocks))}"


def _block(block: Block) -> str:
    match block:
        case Facts(rows):
            lines = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows)
            return f'<table class="facts"><tbody>{lines}</tbody></table>'
        case Table():
            return _table(block)
        case Text(text, alarming):
            return f'<p class="{"alarming" if alarming else ""}">{_text(text)}</p>'
        case Pictures(pictures, none):
            shown = "".join(
                f"<figure>{_image(one.jpeg, none)}<figcaption>{_text(one.caption)}</figcaption></figure>"
                for one in pictures
            )
            return f'<div class="pictures">{shown}</div>'
        case Signatures(places):
            return f'<div class="signs">{"".join(f"<div>{_text(place)}</div>" for place in places)}</div>'
        case _:
            assert_never(block)


def _table(table: Table) -> str:
    if not table.rows:
        return f"<p>{_text(table.empty)}</p>"
    columns = "".join(f'<col style="width:{width}%">' for width in table.widths)
    head = "".join(f"<th>{_text(one)}</th>" for one in table.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    rest = f"<p>{_text(table.left_out)}</p>" if table.left_out else ""
    return (
        f"<table><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"{rest}"
    )


def _image(jpeg: bytes | None, none: str) -> str:
    if jpeg is None:
        return f'<div class="none">{_text(none)}</div>'
    return f'<img alt="" src="data:image/jpeg;base64,{b64encode(jpeg).decode()}">'


def _text(text: str) -> str:
    return html.escape(text)


def _css(text: str) -> str:
    """Return text as it may stand in a string of a style sheet inside of HTML."""
    return "".join(char if char.isalnum() or char in " .-_" else f"\\{ord(char):x} " for char in text)
