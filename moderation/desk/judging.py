"""What the filter says of a comment's text and its author's name, as one judgement. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from moderation.filter.policy import Verdict
from moderation.filter.result import Hit, Result
from streamgate.store.comments import Judgement

MAX_HITS = 100
"""Hits of one comment that are stored."""


class Judged(NamedTuple):
    """`stages`: as the filter asks for. `late`: it could not be checked in time, so it needs full review.

    `plain_author`: the author's name alone is clean.
    """

    verdict: Verdict
    stages: int
    judgement: Judgement
    late: bool
    plain_author: bool


def judge(text: Result, author: Result, versions: Mapping[str, str]) -> Judged:
    """Return the graver of both verdicts, the hits of both. `versions`: of the lists, by name."""
    by_author = author.verdict > text.verdict
    graver = author if by_author else text
    late = text.late or author.late
    version = "" if late else text.version  # nobody checked it against any
    en, zh = graver.reason_en, graver.reason_zh
    if by_author:  # both may be the same result: that of texts in which nothing was found
        en, zh = f"In the author's name: {en}", f"昵称：{zh}"
    hits = [_stored(hit, versions, in_author=False) for hit in text.hits]
    hits += [_stored(hit, versions, in_author=True) for hit in author.hits]
    return Judged(
        graver.verdict,
        max(text.stages, author.stages),
        Judgement(int(graver.verdict), version, hits[:MAX_HITS], zh, en, text.masked, author.masked),
        late,
        author.verdict is Verdict.CLEAN,
    )


def _stored(hit: Hit, versions: Mapping[str, str], *, in_author: bool) -> dict[str, Any]:
    return {
        "term": hit.term,
        "list": hit.list,
        "version": versions.get(hit.list, ""),
        "category": hit.category,
        "severity": hit.severity.word,
        "channel": hit.channel.value,
        "start": hit.start,
        "end": hit.end,
        "in_author": in_author,
    }
