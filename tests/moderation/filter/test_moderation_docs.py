"""docs/filter.md tells the truth: every example of its table, and the table of verdicts."""

import re
from pathlib import Path

from moderation.filter import Filter
from moderation.filter.policy import ROWS, Verdict
from moderation.lists.list_format import parse_list

DOC = (Path(__file__).parents[3] / "docs" / "filter.md").read_text("utf-8")
TERMS = """
@category doc
@alias 微信 = V信
加微信 | important | channels=+initials
广告 | sensitive | channels=+reversal
好朋友 | sensitive
赌博 | block
啤酒 | suspected
hello | suspected
"""


def test_every_example_is_found_as_the_page_says() -> None:
    made = Filter([parse_list(TERMS, "doc.txt")])
    section = DOC[DOC.index("## One example") : DOC.index("Personal data")]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) >= 13
    for texts, hit, _ in rows:
        for text in re.findall("`([^`]+)`", texts):
            (found,) = made.check(text).hits
            assert hit.startswith(f"{found.term}, {found.channel}"), text
            assert found.clean is ("lowered" not in hit)


def test_the_table_is_the_policy() -> None:
    section = DOC[DOC.index("## The table") : DOC.index("Stages")]
    told = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")][1:]
    verdicts = {tuple(cell.strip(" *") for cell in cells[1:]) for cells in told}
    assert verdicts == {tuple(verdict.word for verdict in row) for row in ROWS.values()}
    assert Verdict.BLOCK.word in {cell for row in verdicts for cell in row}
