"""Validates an incoming comment: text and names are valid Unicode of bounded length. Pure."""

import math
import re
from collections.abc import Iterator

import msgspec

from moderation.desk.intake import BAD_COMMENT, TOO_LONG, IncomingComment, IntakeResult
from streamgate.store.comment_models import AUTHOR_CHARS, ID_CHARS, TEXT_CHARS
from streamgate.store.models import clip

_BREAKS = re.compile("\r\n|[\n\r\t\v\f\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # either of them
_LATEST = 1e11
"""Seconds: a later time is refused."""


def refuse(
    incoming: IncomingComment, code: str, error: str, error_zh: str, wait_s: float = 0.0
) -> IntakeResult:
    """Return the answer to a comment that is not stored.

    `wait_s`: how long the sender should wait; 0: unknown.
    """
    return IntakeResult(clip(str(incoming.client_id), ID_CHARS), None, "", code, error, error_zh, wait_s)


def check(incoming: IncomingComment, max_chars: int) -> IncomingComment | IntakeResult:
    """Return the comment as it will be stored, or the refusal. `max_chars`: most code points of the text.

    Line breaks and tabs become spaces. Other control characters and lone surrogates are refused.
    """
    most = min(max_chars, TEXT_CHARS)
    if _is_plain(incoming, most):
        return incoming
    fault = next(_faults(incoming, most), None)
    if fault is not None:
        return refuse(incoming, *fault)
    return msgspec.structs.replace(incoming, text=_clean(incoming.text), author=_clean(incoming.author))


def _is_plain(incoming: IncomingComment, most: int) -> bool:
    """Return whether a comment has no fault and needs no cleaning. Most comments do not, so this is fast."""
    client_id, author_id, author, text = (
        incoming.client_id,
        incoming.author_id,
        incoming.author,
        incoming.text,
    )
    return (
        incoming.sent_at is None
        and incoming.at_media_s is None
        and isinstance(client_id, str)
        and isinstance(author_id, str)
        and 0 < len(client_id) <= ID_CHARS
        and 0 < len(author_id) <= ID_CHARS
        and 0 < len(author) <= AUTHOR_CHARS
        and 0 < len(text) <= most
        and not _ODD.search(f"{client_id}{author_id}{author}{text}")
        and author == author.strip()
        and text == text.strip()
    )


def _clean(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()


def _faults(incoming: IncomingComment, most: int) -> Iterator[tuple[str, str, str]]:
    """Yield each fault as (code, English, Chinese). Take only the first."""
    if (length := len(incoming.text)) > most:
        yield (
            TOO_LONG,
            f"the text has {length} characters; at most {most} are allowed here; make it shorter",
            f"评论共 {length} 个字符，最多 {most} 个；请缩短",
        )
    for name, value in (("client_id", incoming.client_id), ("author_id", incoming.author_id)):
        if not isinstance(value, str) or not 0 < len(value) <= ID_CHARS or _FORBIDDEN.search(value):
            yield (
                BAD_COMMENT,
                f"{name} must be 1 to {ID_CHARS} characters without control characters",
                f"{name} 须为 1 至 {ID_CHARS} 个字符，且不含控制字符",
            )
    for name, value in (("text", _clean(incoming.text)), ("author", _clean(incoming.author))):
        if found := _FORBIDDEN.search(value):
            sign = f"U+{ord(found[0]):04X}"
            yield (
                BAD_COMMENT,
                f"{name} holds {sign}, a control character or a lone surrogate; leave it out",
                f"{name} 含有控制字符或残缺字符 {sign}；请去掉",
            )
        if not value:
            yield BAD_COMMENT, f"{name} is empty; write something", f"{name} 为空；请填写"
    if (length := len(_clean(incoming.author))) > AUTHOR_CHARS:
        yield (
            BAD_COMMENT,
            f"author has {length} characters; at most {AUTHOR_CHARS} are allowed",
            f"author 共 {length} 个字符，最多 {AUTHOR_CHARS} 个",
        )
    for name, number in (("sent_at", incoming.sent_at), ("at_media_s", incoming.at_media_s)):
        if number is not None and not (math.isfinite(number) and 0 <= number < _LATEST):
            yield (
                BAD_COMMENT,
                f"{name} is {number}; allowed are seconds from 0",
                f"{name} 为 {number}；须为非负秒数",
            )
