"""The filter's speed beside its public peers: one core, one run, the same terms and comments.

Three kinds of peers, and what they do not do: *matching only* lower-cases and says which terms stand
there; *folded by str.translate* also borrows our table of characters (no repeats, no spans, no edges);
*end to end* is a filter as projects write it: fold with a map of positions, match, spans of the original.

Whole filters from PyPI are timed with their own folding and masking; those that crawl are timed on the
first comments only.

    python -m bench.filter_speed [--terms N] [--comments N]     with PYTHONPATH=tests
"""

import argparse
import functools
import time
import unicodedata
from collections.abc import Callable, Sequence

import ahocorasick
import ahocorasick_rs
import flashtext
import flashtext2
from better_profanity import Profanity
from glin_profanity.filters.filter import Filter as GlinProfanity
from textfilter.textfilter import DFAFilter

from moderation.filter import matcher, speed
from moderation.filter.speed import Speed
from moderation.text.tables import CODE_POINTS, tables

ORDINARY, HEAVY = 0.03, 0.3
FEW = 30
"""Comments that show whether a peer is slower than 10,000 a second; if so, ten times as many are timed."""
Row = tuple[str, str, str, bool | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--terms", type=int, default=100_000)
    parser.add_argument("--comments", type=int, default=250_000)
    chosen = parser.parse_args()
    for name, value, aim, kept in rows(chosen.terms, chosen.comments):
        print(f"{name:<58}{value:>14}  {aim:<26}{'' if kept is None else 'kept' if kept else 'MISSED'}")


def rows(term_count: int = 100_000, comment_count: int = 250_000) -> list[Row]:
    """(What, value, aim, whether it is kept)."""
    terms = speed.make_terms(term_count)
    made: list[Row] = []
    for rate in (ORDINARY, HEAVY):
        comments = speed.make_comments(comment_count, terms, rate)
        ours = {engine: speed.measure_apart(engine, terms, comments, rate) for engine in matcher.available()}
        made += _own_rows(ours[matcher.available()[0]], rate)
        made += [
            (
                f"filter on {engine}, batched, exact-fold, {rate:.0%} hits",
                f"{one.batched_exact:,.0f}/s",
                "",
                None,
            )
            for engine, one in ours.items()
        ]
        peers: dict[str, float] = {}
        for name, make in PEERS.items():
            peers[name] = _rate(make(terms), comments)
        made += [(f"{name}, {rate:.0%} hits", f"{value:,.0f}/s", "", None) for name, value in peers.items()]
        best = ours[matcher.available()[0]].batched_exact
        ratio = best / max(peers[name] for name in END_TO_END)
        made.append(
            (
                f"filter against the best peer end to end, {rate:.0%} hits",
                f"{ratio:.1f} x",
                *(("aim 5 x", ratio >= 5) if rate == ORDINARY else ("", None)),
            )
        )
        if rate == ORDINARY:
            distinct = list(dict.fromkeys(comments))
            others = max(_rate(PEERS[name](terms), distinct) for name in END_TO_END)
            ratio = ours[matcher.available()[0]].different / others
            made.append(
                ("the same, each comment different (no repeats, more hits)", f"{ratio:.1f} x", "", None)
            )
        ratio = best / max(value for name, value in peers.items() if "translate" in name)
        made.append(
            (f"filter against str.translate and a matcher, {rate:.0%} hits", f"{ratio:.1f} x", "", None)
        )
    return made


def _own_rows(own: Speed, rate: float) -> list[Row]:
    if rate != ORDINARY:
        return [(f"filter batched, every channel, {rate:.0%} hits", f"{own.batched:,.0f}/s", "", None)]
    written = own.batched_exact
    return [
        (
            f"filter batched, exact-fold, {own.terms:,} terms",
            f"{written:,.0f}/s",
            "aim 500,000/s",
            written >= 500_000,
        ),
        ("filter batched, every channel", f"{own.batched:,.0f}/s", "aim 200,000/s", own.batched >= 200_000),
        ("filter single, every channel", f"{own.single:,.0f}/s", "", None),
        ("filter single, p50", f"{own.p50_us:.0f} us", "", None),
        ("filter single, p99", f"{own.p99_us:.0f} us", "aim under 200 us", own.p99_us < 200),
        ("filter build", f"{own.build_s:.2f} s", "aim under 2 s", own.build_s < 2),
        ("filter memory", f"{own.memory_mib:.0f} MiB", "aim under 150 MiB", own.memory_mib < 150),
    ]  # fmt: skip


def _rate(check: Callable[[str], object], comments: Sequence[str]) -> float:
    started = time.perf_counter()
    for comment in comments[:FEW]:
        check(comment)
    some = comments[: 50_000 if time.perf_counter() - started < FEW / 10_000 else 10 * FEW]
    best = float("inf")
    for _ in range(2):
        started = time.perf_counter()
        for comment in some:
            check(comment)
        best = min(best, time.perf_counter() - started)
    return len(some) / best


@functools.cache
def _fold_table() -> dict[int, str | None]:
    """The fold a project writes in an afternoon: str.translate over the same characters."""
    table = tables()
    folded = table.fold.tolist()
    return {
        code: None if not to else table.several[to - CODE_POINTS] if to >= CODE_POINTS else chr(to)
        for code, to in enumerate(folded[:0x30000])
        if to != code
    }


def _pyahocorasick(terms: Sequence[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for term in terms:
        automaton.add_word(term, term)
    automaton.make_automaton()
    return automaton


def _with_pyahocorasick(terms: Sequence[str]) -> Callable[[str], object]:
    automaton = _pyahocorasick(terms)
    return lambda text: list(automaton.iter(text.lower()))


def _pyahocorasick_end_to_end(terms: Sequence[str]) -> Callable[[str], object]:
    automaton, table = _pyahocorasick(terms), _fold_table()
    return lambda text: list(automaton.iter(text.translate(table)))


def _with_ahocorasick_rs(terms: Sequence[str]) -> Callable[[str], object]:
    automaton = ahocorasick_rs.AhoCorasick(list(terms))
    return lambda text: automaton.find_matches_as_indexes(text.lower(), overlapping=True)


def _ahocorasick_rs_end_to_end(terms: Sequence[str]) -> Callable[[str], object]:
    automaton, table = ahocorasick_rs.AhoCorasick(list(terms)), _fold_table()
    return lambda text: automaton.find_matches_as_indexes(text.translate(table), overlapping=True)


def _mapped(text: str) -> tuple[str, list[int]]:
    """Fold and remember where each character came from, as filters in Python do."""
    chars: list[str] = []
    places: list[int] = []
    for at, char in enumerate(text):
        for one in unicodedata.normalize("NFKC", char).casefold():
            if one.isalnum():
                chars.append(one)
                places.append(at)
    return "".join(chars), places


def _end_to_end_pyahocorasick(terms: Sequence[str]) -> Callable[[str], object]:
    automaton = _pyahocorasick(terms)

    def check(text: str) -> list[tuple[str, int, int]]:
        folded, places = _mapped(text)
        return [
            (term, places[last - len(term) + 1], places[last] + 1) for last, term in automaton.iter(folded)
        ]

    return check


def _end_to_end_ahocorasick_rs(terms: Sequence[str]) -> Callable[[str], object]:
    automaton = ahocorasick_rs.AhoCorasick(list(terms))

    def check(text: str) -> list[tuple[int, int, int]]:
        folded, places = _mapped(text)
        return [
            (which, places[start], places[end - 1] + 1)
            for which, start, end in automaton.find_matches_as_indexes(folded, overlapping=True)
        ]

    return check


def _with_flashtext(terms: Sequence[str]) -> Callable[[str], object]:
    processor = flashtext.KeywordProcessor()
    processor.add_keywords_from_list(list(terms))
    return lambda text: processor.extract_keywords(text, span_info=True)


def _flashtext2(terms: Sequence[str]) -> Callable[[str], list[tuple[str, int, int]]]:
    processor = flashtext2.KeywordProcessor(case_sensitive=False)
    processor.add_keywords_from_iter(list(terms))
    find: Callable[[str], list[tuple[str, int, int]]] = processor.extract_keywords_with_span
    return find


def _end_to_end_flashtext2(terms: Sequence[str]) -> Callable[[str], object]:
    find = _flashtext2(terms)

    def check(text: str) -> list[tuple[str, int, int]]:
        folded, places = _mapped(text)
        return [(term, places[start], places[end - 1] + 1) for term, start, end in find(folded)]

    return check


def _with_textfilter(terms: Sequence[str]) -> Callable[[str], object]:
    made = DFAFilter()
    for term in terms:
        made.add(term)
    return lambda text: made.filter(text, "*")


def _with_better_profanity(terms: Sequence[str]) -> Callable[[str], object]:
    made = Profanity()
    made.load_censor_words(list(terms))
    check: Callable[[str], object] = made.censor
    return check


def _with_glin_profanity(terms: Sequence[str]) -> Callable[[str], object]:
    made = GlinProfanity({"custom_words": list(terms), "languages": ["english"]})
    check: Callable[[str], object] = made.check_profanity
    return check


PEERS: dict[str, Callable[[Sequence[str]], Callable[[str], object]]] = {
    "pyahocorasick, matching only": _with_pyahocorasick,
    "pyahocorasick, folded by str.translate": _pyahocorasick_end_to_end,
    "ahocorasick_rs, matching only": _with_ahocorasick_rs,
    "ahocorasick_rs, folded by str.translate": _ahocorasick_rs_end_to_end,
    "flashtext (whole words only: of no use for Chinese)": _with_flashtext,
    "flashtext2, matching only (longest match only)": _flashtext2,
    "textfilter, DFAFilter (masks, no spans)": _with_textfilter,
    "better-profanity (finds no Chinese)": _with_better_profanity,
    "glin-profanity": _with_glin_profanity,
    "flashtext2, end to end (longest match only)": _end_to_end_flashtext2,
    "pyahocorasick, end to end": _end_to_end_pyahocorasick,
    "ahocorasick_rs, end to end": _end_to_end_ahocorasick_rs,
}
END_TO_END = tuple(name for name in PEERS if "end to end" in name)


if __name__ == "__main__":
    main()
