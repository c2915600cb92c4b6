"""The body of a request that hands in comments: one comment, a list of them, or {"comments": [...]}.

Pure. A malformed comment does not affect the others of its batch. JSON may contain lone surrogates as
escapes; each becomes U+FFFD.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from moderation.desk.intake import IncomingComment
from moderation.public.problems import BAD_REQUEST, RequestRefused, bad_comment

MAX_COMMENTS = 500


class ViewerComment(msgspec.Struct, frozen=True):
    """A comment as the watch page sends it. The author is in the cookie.

    `seen_at`: when the moment that the viewer was watching aired, in seconds since the epoch, from
    EXT-X-PROGRAM-DATE-TIME of the HLS playlist.
    """

    text: str
    client_id: str = ""
    at_media_s: float | None = None
    seen_at: float | None = None
    bullet: bool = False


class Malformed(NamedTuple):
    """A comment that cannot be decoded, and the reason."""

    client_id: str
    error: str
    error_zh: str


_one = msgspec.json.Decoder(IncomingComment)
_many = msgspec.json.Decoder(list[IncomingComment])
_viewer = msgspec.json.Decoder(ViewerComment)


def read_comments(body: bytes) -> Sequence[IncomingComment | Malformed]:
    """Return the comments of a body, in order. Raises RequestRefused unless there are 1 to 500."""
    found: Sequence[IncomingComment | Malformed]
    try:
        found = _many.decode(body) if body.lstrip()[:1] == b"[" else [_one.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = [_convert(one) for one in _batch(_parse(body))]
    if not 1 <= len(found) <= MAX_COMMENTS:
        raise RequestRefused(BAD_REQUEST)
    return [_finite(one) for one in found]


def read_plain(body: bytes) -> IncomingComment | None:
    """Return the comment of a body that is one valid comment; None: use `read_comments`."""
    try:
        found = _one.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if _finite(found) is found else None


def read_viewer_comment(body: bytes) -> ViewerComment:
    """Return the comment of a body. Raises RequestRefused when it is not one valid comment."""
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


def _convert(value: Any) -> IncomingComment | Malformed:
    try:
        return msgspec.convert(value, IncomingComment)
    except msgspec.ValidationError as error:
        named = value.get("client_id") if isinstance(value, dict) else None
        return Malformed(named if isinstance(named, str) else "", *_why(error))


_NOT_FINITE = ("sent_at and at_media_s must be finite numbers", "sent_at 与 at_media_s 必须是有限的数字")


def _finite(one: IncomingComment | Malformed) -> IncomingComment | Malformed:
    if isinstance(one, Malformed) or (one.sent_at is None and one.at_media_s is None):
        return one
    if all(value is None or math.isfinite(value) for value in (one.sent_at, one.at_media_s)):
        return one
    return Malformed(one.client_id, *_NOT_FINITE)


def _why(error: msgspec.ValidationError) -> tuple[str, str]:
    return f"the comment does not have the required form: {error}", f"评论格式不符合要求：{error}"


def _parse(body: bytes) -> Any:
    """Parse JSON that may contain lone surrogates. Raises RequestRefused when it is not JSON."""
    try:
        found = json.loads(body.decode(), parse_int=_number, parse_constant=_refuse)
        return _clean(found)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(BAD_REQUEST) from error


def _number(digits: str) -> float:
    return int(digits) if len(digits) < 19 else float(digits)  # int() of many digits is slow, then refused


def _refuse(name: str) -> Any:
    raise ValueError(name)  # Python reads NaN and Infinity; JSON has neither


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
    """Replace lone surrogates by U+FFFD, and join surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
