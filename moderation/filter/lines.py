"""Texts read line by line, as many at a time as there are, and results written as lines."""

import os
import select
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from moderation.errors import InputError, OutputError
from moderation.filter.encoding import SURROGATE, Line, Lines

if TYPE_CHECKING:
    from moderation.filter.filter import Filter
    from moderation.filter.result import Result

AT_ONCE = 1 << 20
"""Bytes read before they are checked, where there are so many."""
PAUSE_S = 0.005
"""Without input, until what there is gets checked."""
PAUSE_AT_MOST_S = 0.05
"""The same where input never pauses, but trickles."""


_LIGHT = ("clean", "suspected")
"""Verdicts that ask for one look only."""


def batches(fd: int, lines: Lines) -> Iterator[tuple[list[str], dict[int, Line]]]:
    """The lines of a file, pipe or terminal, as many at a time as there are; see Lines.feed."""
    ended = False
    while not ended:
        data, ended = _read(fd)
        texts, doubtful = lines.feed(data, ended=ended)
        if texts:
            yield texts, doubtful


def judged(
    made: "Filter", texts: list[str], doubtful: dict[int, Line]
) -> tuple[list[str], "list[Result]", dict[int, str]]:
    """The texts, each in the reading that has the graver verdict, and their results.

    A line that is not read for sure, and is clean or suspected as far as it is, is held for full review: the
    last value says of each of these why.
    """
    results = made.check_many(texts)
    if not doubtful:
        return texts, results, {}
    texts = list(texts)
    held = {}
    for at, line in doubtful.items():
        for other, result in zip(line.others, made.check_many(line.others), strict=True):
            if result.verdict > results[at].verdict:
                texts[at], results[at] = other, result
        if line.unread and results[at].verdict.word in _LIGHT:
            # as for a text that was not checked in time, but with its matches
            late, found = made.late(texts[at]), results[at]
            results[at] = msgspec.structs.replace(
                late, late=False, unread=True, hits=found.hits, version=found.version
            )
            held[at] = line.unread
    return texts, results, held


def _read(fd: int) -> tuple[bytes, bool]:
    """What there is, up to AT_ONCE bytes; waits for the first of it. Also returns whether that was all."""
    pieces: list[bytes] = []
    size = 0
    until = 0.0
    try:
        while piece := os.read(fd, AT_ONCE - size):
            pieces.append(piece)
            size += len(piece)
            until = until or time.monotonic() + PAUSE_AT_MOST_S
            if size >= AT_ONCE or time.monotonic() > until or not select.select([fd], [], [], PAUSE_S)[0]:
                return b"".join(pieces), False
    except OSError as error:
        raise InputError(
            f"standard input cannot be read: {error.strerror}; give texts, one a line"
        ) from error
    return b"".join(pieces), True


class JsonLines:
    """Results as JSON lines. Lone surrogates are written as U+FFFD; positions stay right."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def of(self, texts: list[str], results: "list[Result]") -> bytes:
        try:
            every = self._encoder.encode_lines(texts)
        except UnicodeEncodeError:
            every = self._encoder.encode_lines([writable(text) for text in texts])
        pieces: list[bytes] = []
        clean: Result | None = None
        of_clean = (b"", b"", b"")
        # a JSON string has no line break in it
        for said, result in zip(every.removesuffix(b"\n").split(b"\n"), results, strict=True):
            if result is clean:  # most texts have one and the same
                between, masked, behind = of_clean
            else:
                between, masked, behind = self._parts(result)
                if not result.hits:
                    clean, of_clean = result, (between, masked, behind)
            pieces += (b'{"text":', said, between, masked or said, behind)
        return b"".join(pieces)

    def _parts(self, result: "Result") -> tuple[bytes, bytes, bytes]:
        """What stands between the text and the masked text, that one if there is one, and what follows."""
        encode, severity = self._encoder.encode, result.severity
        between = {
            "verdict": result.verdict.word,
            "severity": severity.word if severity is not None else None,
            "stages": result.stages,
        }
        behind = {
            "reason": {"zh": result.reason_zh, "en": result.reason_en},
            "hits": [
                {
                    "term": hit.term,
                    "list": hit.list,
                    "category": hit.category,
                    "severity": hit.severity.word,
                    "channel": hit.channel.value,
                    "start": hit.start,
                    "end": hit.end,
                }
                for hit in result.hits
            ],
            "version": result.version,
        }
        masked = b"" if result.masked is None else encode(writable(result.masked))
        return b',%b,"masked":' % encode(between)[1:-1], masked, b",%b\n" % encode(behind)[1:]


def as_text(text: str, result: "Result") -> str:
    shown = f"{result.verdict.word:<10}{writable(result.masked or text)}\n"
    if not result.verdict:
        return shown
    return f"{shown}          {writable(result.reason_zh)}\n          {writable(result.reason_en)}\n"


def writable(text: str) -> str:
    return SURROGATE.sub("\ufffd", text)


def write(data: bytes) -> None:
    """Write to standard output without its buffer."""
    if sys.stdout is None:
        raise OutputError("standard output is closed; the results go there")
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(sys.stdout.fileno(), left) :]
    except BrokenPipeError:
        raise  # the reader closed its end; typer ends quietly
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
