"""Combines the filter's results for a comment's text and its author's name into one judgement. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from moderation.filter.policy import Verdict
from moderation.filter.result import Hit, Result
from streamgate.store.comments import Judgement

MAX_HITS = 100
"""Most hits that are stored for one comment."""


class JudgedComment(NamedTuple):
    """The filter's verdict on a comment.

    `stages`: how many approvals the filter asks for. `late`: the filter did not finish in time, so the
    comment needs all stages. `plain_author`: the author's name has the verdict clean.
    """

    verdict: Verdict
    stages: int
    judgement: Judgement
    late: bool
    plain_author: bool


def judge(text: Result, author: Result, versions: Mapping[str, str]) -> JudgedComment:
    """Return the graver of both verdicts with the hits of both. `versions`: of the word lists, by name."""
    by_author = author.verdict > text.verdict
    graver = author if by_author else text
    late = text.late or author.late
    version = "" if late else text.version  # it was checked against none
    en, zh = graver.reason_en, graver.reason_zh
    if by_author:  # not `author is graver`: clean texts share one result
        en, zh = f"In the author's name: {en}", f"昵称：{zh}"
    hits = [_stored(hit, versions, in_author=False) for hit in text.hits]
    hits += [_stored(hit, versions, in_author=True) for hit in author.hits]
    return JudgedComment(
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
