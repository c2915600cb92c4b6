"""A source that reads JSON lines from a file or a pipe: one comment a line.

    {"client_id": "1", "author_id": "u1", "author": "Ann", "text": "hello"}

Without `client_id` a line is named by its number and content: the same file, fed again, stores nothing twice.
"""

import asyncio
import contextlib
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from moderation.public.comment_body import clean_text
from moderation.sources.source import IncomingComment

MAX_LINE = 64 * 1024
_PIECE = 64 * 1024
Complain = Callable[[int, str], None]


Read = Callable[[int], bytes]
"""Waits for at least one byte and returns what there is, b"" at the end, as `os.read` of a file or pipe."""


class _Line(msgspec.Struct, frozen=True):
    author_id: str
    author: str
    text: str
    client_id: str = ""
    sent_at: float | None = None
    at_media_s: float | None = None
    bullet: bool = False


_decoder = msgspec.json.Decoder(_Line)


class JsonLines:
    """`complain` is called with the number of a line that is no comment, and why; it is left out."""

    def __init__(self, read: Read, complain: Complain) -> None:
        self._read, self._complain = read, complain

    async def __aiter__(self) -> AsyncIterator[IncomingComment]:
        number = 0
        async for line in self._lines():
            number += 1
            if not line.strip():
                continue
            try:
                yield read_line(line, number)
            except ValueError as error:
                self._complain(number, str(error))

    async def _lines(self) -> AsyncIterator[bytes]:
        """Yield lines without their ends. A line that is too long is cut short: it is no comment then."""
        rest = b""
        too_long = False
        while piece := await _in_daemon(self._read, _PIECE):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield b"{" if too_long or len(line) > MAX_LINE else line
                too_long = False
            if len(rest) > MAX_LINE:
                rest, too_long = b"", True
        if rest or too_long:
            yield b"{" if too_long else rest


async def _in_daemon(read: Read, size: int) -> bytes:
    """Read in a thread that the program's end does not wait for: nobody may ever write into a pipe again."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()

    def settle(data: bytes, error: OSError | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(data)

    def work() -> None:
        data, failed = b"", None
        try:
            data = read(size)
        except OSError as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, data, failed)

    threading.Thread(target=work, name="lines", daemon=True).start()
    return await answer


def read_line(line: bytes, number: int) -> IncomingComment:
    """Return the comment of a line. Raises ValueError, with why, when it is none."""
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = _with_lone_surrogates(line, error)
    named = found.client_id or f"line-{number}-{hashlib.sha256(line.strip()).hexdigest()[:24]}"
    return IncomingComment(
        named, found.author_id, found.author, found.text, found.sent_at, found.at_media_s, found.bullet
    )


def _with_lone_surrogates(line: bytes, why: Exception) -> _Line:
    """Read a line whose texts hold halves of characters as escapes, as some platforms write them."""
    try:
        value: Any = json.loads(line.decode())
        if isinstance(value, dict):
            value = {name: clean_text(one) if isinstance(one, str) else one for name, one in value.items()}
        return msgspec.convert(value, _Line)
    except (ValueError, RecursionError):
        raise ValueError(str(why)) from None
