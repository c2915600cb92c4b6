"""Plain heads: read only where nothing in them could mean anything else."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.public.plain_head import PlainHead, read_plain_head

URL = b"/api/v1/channels/main/comments"
LINES = [b"Host: x", b"Authorization: Bearer key", b"Content-Type: application/json", b"Content-Length: 42"]


class Parsed:
    """What the parser reads."""

    def __init__(self, raw: bytes) -> None:
        self.url, self.headers, self.whole = b"", [], False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(raw)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.whole = True


def raw(*lines: bytes, first: bytes = b"POST " + URL + b" HTTP/1.1") -> bytes:
    return b"\r\n".join([first, *lines, b"", b""])


def read(head: bytes) -> PlainHead | None:
    try:
        parsed = Parsed(head)
    except httptools.HttpParserError:
        return None
    return read_plain_head(head, parsed.url, parsed.headers) if parsed.whole else None


def test_an_ordinary_head_is_plain() -> None:
    assert read(raw(*LINES)) == PlainHead("main", "key", 42)
    assert read(raw(*LINES, b"Connection: Keep-Alive", b"user-agent: a b/1 (c)")) == read(raw(*LINES))


@pytest.mark.parametrize(
    "head",
    [
        raw(*LINES, first=b"GET " + URL + b" HTTP/1.1"),
        raw(*LINES, first=b"POST " + URL + b" HTTP/1.0"),
        raw(*LINES, first=b"POST " + URL + b"?a=b HTTP/1.1"),
        raw(*LINES, first=b"POST /api/v1/channels/ma%69n/comments HTTP/1.1"),
        raw(*LINES, first=b"POST /api/v1/channels/main/viewer HTTP/1.1"),
        raw(*LINES, first=b"POST http://x" + URL + b" HTTP/1.1"),
        raw(*LINES, b"Transfer-Encoding: chunked"),
        raw(*LINES, b"Expect: 100-continue"),
        raw(*LINES, b"Upgrade: websocket"),
        raw(*LINES, b"Connection: close"),
        raw(*LINES, b"Connection: keep-alive, x"),
        raw(*LINES, b"Connection: keep-alive", b"Connection: close"),
        raw(*LINES, b"Content-Length: 42"),
        raw(*LINES, b"Authorization: Bearer other"),
        raw(*LINES, b"Host: y"),
        raw(*LINES[1:]),
        raw(LINES[0], *LINES[2:]),
        raw(*LINES[:3]),
        raw(*LINES[:3], b"Content-Length: 0"),
        raw(*LINES[:3], b"Content-Length: 042"),
        raw(*LINES[:3], b"Content-Length: +42"),
        raw(*LINES[:3], b"Content-Length: 99999"),
        raw(*LINES[:3], b"Content-Length : 42"),
        raw(LINES[0], b"Authorization: Basic key", *LINES[2:]),
        raw(*LINES, b"X-Folded: a", b" b"),
        raw(*LINES, b"X-Tab:\tb"),
        raw(*LINES, b"X-Long: " + b"a" * 1024),
        raw(*LINES).replace(b"\r\n", b"\n"),
        b"\r\n" + raw(*LINES),
    ],
)
def test_heads_with_other_headers_are_not_plain(head: bytes) -> None:
    assert read(head) is None


@given(
    st.lists(
        st.sampled_from([*LINES, b"a:b", b"A: b", b"", b" ", b"\r", b"\n", b"x: \x80", b":"]), max_size=9
    )
)
def test_a_plain_head_is_parsed_as_by_the_http_parser(lines: list[bytes]) -> None:
    found = read(raw(*lines))
    if found is not None:
        parsed = dict(Parsed(raw(*lines)).headers)
        assert found == PlainHead("main", "key", int(parsed[b"content-length"]))
