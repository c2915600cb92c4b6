"""The evasion sets: their reader and their score. As a program it prints a table, or with --json an object.

    python tests/moderation/evasion/score.py [--json] [--misses]

evasions.tsv: class, text, the term of terms.txt that it hides, start and end of the hidden span.
clean/NAME.txt: one text a line in which nothing may be found. The span is right where it differs from the one
by hand by characters that are not drawn (a mark after the last letter belongs to it or not).

heldout/, second/ and third/ are sets of the same form, with terms of their own, by people who had not seen
the filter. On the first two the filter was mended after it had been scored on them once. Of the third nobody
who worked on the filter has seen a line: its score is that of disguises one does not know.
recipe/ has the classes lookalike and alnum, and texts that tempt these; RECIPE.md there says how it was made.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from moderation.filter import Filter
from moderation.filter.policy import Verdict
from moderation.lists.files import load_dir, load_list

HERE = Path(__file__).parent
HELD_OUT = HERE / "heldout"
UNSEEN = HERE / "third"
RECIPE = HERE / "recipe"
FOLDERS = (HERE, HELD_OUT, HERE / "second", UNSEEN, RECIPE)
SHIPPED = HERE.parents[2] / "wordlists"

EXACT = (
    "fullwidth", "case", "math_letters", "traditional", "confusable", "diacritics", "smallcaps", "noise",
    "spaces", "zerowidth", "combining", "tags_and_selectors", "bidi", "radicals", "repeats", "numerals",
)  # fmt: skip
"""One fold undoes them: all must be found."""
AIMS = dict.fromkeys(EXACT, 1.0) | {"alias": 1.0, "initials": 1.0, "reversal": 1.0}
UNSURE = ("homophone", "pinyin_mixed", "pinyin_full", "split", "split_spaced", "emoji", "mixed")
AIMS |= dict.fromkeys((*UNSURE, "leet", "lookalike", "alnum"), 0.9)
CHAT = ("chat-zh", "chat-zh-long", "chat-en")
"""Sets that read like a broadcast's comments: under 1 % may be suspected, none blocked."""

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})")


class Evasion(NamedTuple):
    line: int
    kind: str
    text: str
    term: str
    start: int
    end: int


class Missed(NamedTuple):
    evasion: Evasion
    found: tuple[tuple[str, str, int, int], ...]
    """Term, channel, start, end of what was found instead."""


class Recall(NamedTuple):
    kind: str
    of: int
    found: int
    exact: int
    """Of those found, how many with the span by hand."""
    missed: tuple[Missed, ...]

    @property
    def share(self) -> float:
        return self.found / self.of


class FalseHits(NamedTuple):
    name: str
    of: int
    lines: tuple[tuple[str, str, str], ...]
    """Text, verdict, term and channel of every text that is not clean."""

    @property
    def share(self) -> float:
        return len(self.lines) / self.of

    @property
    def blocked(self) -> int:
        return sum(verdict == "block" for _, verdict, _ in self.lines)


def read_evasions(folder: Path = HERE) -> list[Evasion]:
    rows = []
    for number, line in enumerate((folder / "evasions.tsv").read_text("utf-8").split("\n"), 1):
        if line and not line.startswith("#"):
            kind, text, term, start, end = line.split("\t")
            rows.append(Evasion(number, kind, unescaped(text), term, int(start), int(end)))
    return rows


def read_clean(folder: Path = HERE) -> dict[str, list[str]]:
    files = sorted((folder / "clean").glob("*.txt"))
    return {file.stem: [line for line in file.read_text("utf-8").split("\n") if line] for file in files}


def unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)


def hidden_filter(folder: Path = HERE) -> Filter:
    """With the harmless terms of the set."""
    return Filter([load_list(folder / "terms.txt")])


def shipped_filter() -> Filter:
    return Filter(load_dir(SHIPPED))


def recall(filter_: Filter, evasions: Sequence[Evasion]) -> dict[str, Recall]:
    """Recall by class, in the order of the set."""
    by_kind: dict[str, list[Evasion]] = {}
    for one in evasions:
        by_kind.setdefault(one.kind, []).append(one)
    return {kind: _recall(filter_, kind, rows) for kind, rows in by_kind.items()}


def _recall(filter_: Filter, kind: str, rows: Sequence[Evasion]) -> Recall:
    found = exact = 0
    missed = []
    for row, result in zip(rows, filter_.check_many([row.text for row in rows]), strict=True):
        spans = [(hit.start, hit.end) for hit in result.hits if hit.term == row.term]
        # a find elsewhere in the text is not this one
        here = [span for span in spans if span[0] < row.end and row.start < span[1]]
        found += bool(here)
        exact += any(_same(row.text, span, (row.start, row.end)) for span in here)
        if not any(_same(row.text, span, (row.start, row.end)) for span in here):
            scores = tuple((hit.term, hit.channel.value, hit.start, hit.end) for hit in result.hits)
            missed.append(Missed(row, scores))
    return Recall(kind, len(rows), found, exact, tuple(missed))


def _same(text: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    return _drawn(text, *one) == _drawn(text, *other)


def _drawn(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and _undrawn(text[start]):
        start += 1
    while end > start and _undrawn(text[end - 1]):
        end -= 1
    return start, end


def _undrawn(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Me", "Cf")


def false_hits(filter_: Filter, sets: dict[str, list[str]]) -> dict[str, FalseHits]:
    """What is found where nothing is, by set."""
    scores = {}
    for name, lines in sets.items():
        hits = []
        for text, result in zip(lines, filter_.check_many(lines), strict=True):
            if result.verdict is not Verdict.CLEAN:
                causes = ", ".join(f"{hit.term} ({hit.list}, {hit.channel})" for hit in result.hits)
                hits.append((text, result.verdict.word, causes))
        scores[name] = FalseHits(name, len(lines), tuple(hits))
    return scores


def score(folder: Path) -> dict[str, object]:
    """All figures of a set as plain data: `recall` by class, `false_hits` by list and set."""
    sets = read_clean(folder)
    return {
        "recall": {
            kind: {"of": one.of, "found": one.found, "exact_span": one.exact, "aim": AIMS[kind]}
            for kind, one in recall(hidden_filter(folder), read_evasions(folder)).items()
        },
        "false_hits": {
            which: {
                name: {"of": one.of, "hits": len(one.lines), "blocked": one.blocked}
                for name, one in false_hits(filter_, sets).items()
            }
            for which, filter_ in (("test", hidden_filter(folder)), ("shipped", shipped_filter()))
        },
    }


def main(arguments: Sequence[str]) -> int:
    if "--json" in arguments:
        scores = {folder.name: score(folder) for folder in FOLDERS}
        print(json.dumps(scores, ensure_ascii=False, indent=1))
        return 0
    for folder in FOLDERS:
        _print(folder, with_misses="--misses" in arguments and folder != UNSEEN)
    return 0


def _print(folder: Path, *, with_misses: bool) -> None:
    print(f"\n{folder.name:20}{'of':>5}{'found':>8}{'span':>8}{'aim':>7}")
    for kind, one in recall(hidden_filter(folder), read_evasions(folder)).items():
        share, spans = f"{one.share:.0%}", f"{one.exact / one.of:.0%}"
        flag = "" if one.share >= AIMS[kind] else "   below"
        print(f"{kind:20}{one.of:5}{share:>8}{spans:>8}{AIMS[kind]:>7.0%}{flag}")
        if with_misses:
            for miss in one.missed:
                row = miss.evasion
                print(f"    {row.line}: {row.text!a} {row.term} [{row.start}:{row.end}] got {miss.found}")
    for which, filter_ in (("test", hidden_filter(folder)), ("shipped", shipped_filter())):
        print(f"\n{'must not fire, ' + which + ' lists':35}{'of':>6}{'hits':>6}{'share':>8}{'blocked':>9}")
        for name, scores in false_hits(filter_, read_clean(folder)).items():
            print(f"{name:35}{scores.of:6}{len(scores.lines):6}{scores.share:>8.1%}{scores.blocked:9}")
            if with_misses:
                for text, verdict, causes in scores.lines:
                    print(f"    {text}  {verdict}: {causes}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
