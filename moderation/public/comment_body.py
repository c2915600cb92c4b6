"""The body of a request that hands in comments: one comment, a list of them, or {"comments": [...]}.

Pure. A comment that is malformed does not spoil the others of its batch. Lone surrogates, which JSON may hold
as escapes and Unicode text may not, become U+FFFD.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from moderation.desk.intake import Incoming
from moderation.public.problems import BAD_REQUEST, RequestRefused, bad_comment

MAX_COMMENTS = 500


class ViewerComment(msgspec.Struct, frozen=True):
    """A comment as the watch page hands it in; who writes stands in the cookie.

    `seen_at`: when the moment of the program aired that the viewer was seeing, by the program's
    EXT-X-PROGRAM-DATE-TIME, in seconds since the epoch.
    """

    text: str
    client_id: str = ""
    at_media_s: float | None = None
    seen_at: float | None = None
    bullet: bool = False


class Malformed(NamedTuple):
    """A comment that cannot be read, and why."""

    client_id: str
    error: str
    error_zh: str


_one = msgspec.json.Decoder(Incoming)
_many = msgspec.json.Decoder(list[Incoming])
_viewer = msgspec.json.Decoder(ViewerComment)


def read_comments(body: bytes) -> Sequence[Incoming | Malformed]:
    """Return the comments of a body, in order. Raises RequestRefused when it holds none, or more than 500."""
    found: Sequence[Incoming | Malformed]
    try:
        found = _many.decode(body) if body.lstrip()[:1] == b"[" else [_one.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = [_convert(one) for one in _batch(_parse(body))]
    if not 1 <= len(found) <= MAX_COMMENTS:
        raise RequestRefused(BAD_REQUEST)
    return [_finite(one) for one in found]


def read_viewer_comment(body: bytes) -> ViewerComment:
    """Return the one comment of a body. Raises RequestRefused when it is not one."""
    try:
        found = _viewer.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            found = msgspec.convert(_parse(body), ViewerComment)
        except msgspec.ValidationError as error:
            raise RequestRefused(bad_comment(*_why(error))) from error
    if not all(value is None or math.isfinite(value) for value in (found.at_media_s, found.seen_at)):
        raise RequestRefused(bad_comment(*_NOT_FINITE))
    return found


def _batch(value: Any) -> list[Any]:
    if isinstance(value, dict) and isinstance(value.get("comments"), list):
        value = value["comments"]
    if not isinstance(value, list):
        return [value]
    if len(value) > MAX_COMMENTS:
        raise RequestRefused(BAD_REQUEST)
    return value


def _convert(value: Any) -> Incoming | Malformed:
    try:
        return msgspec.convert(value, Incoming)
    except msgspec.ValidationError as error:
        named = value.get("client_id") if isinstance(value, dict) else None
        return Malformed(named if isinstance(named, str) else "", *_why(error))


_NOT_FINITE = ("sent_at and at_media_s must be finite numbers", "sent_at 与 at_media_s 必须是有限的数字")


def _finite(one: Incoming | Malformed) -> Incoming | Malformed:
    if isinstance(one, Malformed):
        return one
    if all(value is None or math.isfinite(value) for value in (one.sent_at, one.at_media_s)):
        return one
    return Malformed(one.client_id, *_NOT_FINITE)


def _why(error: msgspec.ValidationError) -> tuple[str, str]:
    return f"the comment is not as it must be: {error}", f"评论格式不符合要求：{error}"


def _parse(body: bytes) -> Any:
    """Parse JSON that holds lone surrogates. Raises RequestRefused for what is no JSON."""
    try:
        found = json.loads(body.decode(), parse_int=_number, parse_constant=_refuse)
        return _clean(found)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(BAD_REQUEST) from error


def _number(digits: str) -> float:
    return int(digits) if len(digits) < 19 else float(digits)  # int() of many digits is slow, then refused


def _refuse(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON


def _clean(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case list():
            return [_clean(one) for one in value]
        case dict():
            return {clean_text(name): _clean(one) for name, one in value.items()}
        case _:
            return value


def clean_text(text: str) -> str:
    """Return text without lone surrogates; each becomes U+FFFD, a pair its character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
