"""The operators' page fits on two sheets of A4: it is printed and kept beside the screen."""

import shutil
from pathlib import Path

import pypdfium2
import pytest
from markdown_it import MarkdownIt
from playwright.async_api import async_playwright

DOCS = Path(__file__).parents[1] / "docs"
MOST_PAGES = 2
STYLE = """
body { font: 10pt/1.32 "Noto Sans CJK SC", "Noto Sans", sans-serif; margin: 0; }
h1 { font-size: 15pt; margin: 0 0 4pt; } h2 { font-size: 11.5pt; margin: 8pt 0 3pt; break-after: avoid; }
p, ul, ol, table, pre { margin: 0 0 4pt; } ul, ol { padding-left: 16pt; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 0.5pt solid #888; padding: 1.5pt 4pt; text-align: left; }
code { font-size: 8.5pt; } pre { background: #eee; padding: 4pt; }
"""


@pytest.mark.parametrize("name", ["operators.md", "operators.zh-CN.md"])
async def test_it_fits_on_two_pages(name: str, tmp_path: Path) -> None:
    body = MarkdownIt("commonmark").enable("table").render((DOCS / name).read_text("utf-8"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.set_content(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}")
        margin = {"top": "12mm", "bottom": "12mm", "left": "14mm", "right": "14mm"}
        pdf = await page.pdf(path=tmp_path / f"{name}.pdf", format="A4", margin=margin)  # type: ignore[arg-type]
        await browser.close()
    assert len(pypdfium2.PdfDocument(pdf)) <= MOST_PAGES
