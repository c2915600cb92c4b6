"""Plain heads: request heads of POST comments without any header that could change the response. Pure.

A source sends the same few heads again and again. Once the HTTP parser and this module have read a head with
the same result, the same bytes need not be parsed again.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from moderation.public.source_keys import bearer_key

MAX_HEAD = 1024
MAX_BODY = 16 * 1024
_HEAD = re.compile(rb"POST (/api/v1/channels/([A-Za-z0-9_-]+)/comments) HTTP/1\.1\r\n((?:[^\r\n]+\r\n)+)\r\n")
_LINE = re.compile(rb"([A-Za-z0-9-]+): ([\x21-\x7e]+(?: [\x21-\x7e]+)*)")
_NOT_PLAIN = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te"})
_ONCE = (b"host", b"authorization", b"content-length")
Header = tuple[bytes, bytes]


class PlainHead(NamedTuple):
    """The parsed form of a plain head. `length`: of the body, in bytes."""

    channel: str
    key: str
    length: int


def read_plain_head(raw: bytes, url: bytes, headers: Sequence[Header]) -> PlainHead | None:
    """Parse a head; None: it is not plain, or the HTTP parser has read something else.

    `raw`: the head with the empty line at its end. `url`, `headers`: what the HTTP parser has read, names in
    lower case.
    """
    found = _HEAD.fullmatch(raw) if len(raw) <= MAX_HEAD else None
    if found is None or found[1] != url:
        return None
    lines = [_LINE.fullmatch(line) for line in found[3].split(b"\r\n")[:-1]]
    read = [(line[1].lower(), line[2]) for line in lines if line is not None]
    if len(read) != len(lines) or read != list(headers):
        return None
    names = [name for name, _ in read]
    values = dict(read)
    if not _NOT_PLAIN.isdisjoint(names) or any(names.count(name) != 1 for name in _ONCE):
        return None
    if values.get(b"connection", b"keep-alive").lower() != b"keep-alive" or names.count(b"connection") > 1:
        return None
    length, key = values[b"content-length"], bearer_key(values[b"authorization"].decode("ascii"))
    if key is None or not re.fullmatch(rb"[1-9][0-9]{0,4}", length) or int(length) > MAX_BODY:
        return None
    return PlainHead(found[2].decode("ascii"), key, int(length))
