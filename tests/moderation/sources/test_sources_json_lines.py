"""JSON lines as comments: from pipes that come in pieces, with lines that are none."""

import asyncio
import json
import os
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from moderation.sources.json_lines import MAX_LINE, JsonLines
from moderation.sources.source import IncomingComment

LINE = b'{"client_id":"1","author_id":"u","author":"Ann","text":"hello"}'


def in_pieces(*pieces: bytes) -> Callable[[int], bytes]:
    left = iter(pieces)
    return lambda _: next(left, b"")


async def read(*pieces: bytes) -> tuple[list[IncomingComment], list[int]]:
    bad: list[int] = []
    lines = JsonLines(in_pieces(*pieces), lambda number, _: bad.append(number))
    return [one async for one in lines], bad


async def test_one_comment_a_line() -> None:
    found, bad = await read(LINE + b"\n\n" + LINE.replace(b'"1"', b'"2"') + b"\r\n" + LINE)
    assert [one.client_id for one in found] == ["1", "2", "1"]
    assert found[0] == IncomingComment("1", "u", "Ann", "hello")
    assert bad == []


async def test_invalid_lines_are_reported_and_skipped() -> None:
    found, bad = await read(b"nonsense\n" + LINE + b'\n{"text":5}\n[]\n\xff\n' + b"[" * 5000 + b"\n" + LINE)
    assert len(found) == 2
    assert bad == [1, 3, 4, 5, 6]


async def test_a_line_that_is_too_long_is_skipped() -> None:
    found, bad = await read(*[b"x" * 40_000] * 5, b"\n" + LINE + b"\n")
    assert ([one.text for one in found], bad) == (["hello"], [1])
    exact = LINE[:-2] + b"o" * (MAX_LINE - len(LINE)) + LINE[-2:]
    found, bad = await read(exact + b"\n" + exact[:-2] + b'o"}' + b"\n")
    assert (len(found), bad) == (1, [2])


async def test_a_line_without_client_id_gets_a_stable_one() -> None:
    line = b'{"author_id":"u","author":"Ann","text":"hello"}\n'
    first, _ = await read(line, line)
    second, _ = await read(line + line)
    assert first == second
    assert len({one.client_id for one in first}) == 2
    assert all(len(one.client_id) <= 128 for one in first)


async def test_halves_of_characters() -> None:
    found, bad = await read(rb'{"client_id":"1","author_id":"u","author":"\ud800","text":"a\ud83d\ude00"}')
    assert ([(one.author, one.text) for one in found], bad) == ([("�", "a😀")], [])


@given(st.lists(st.integers(1, 200), max_size=20))
def test_lines_are_read_from_any_split_of_the_bytes(cuts: list[int]) -> None:
    texts = ["one", "zwei\n", "三" * 30]
    whole = b"".join(
        json.dumps({"client_id": text[:3], "author_id": "u", "author": "a", "text": text}).encode() + b"\n"
        for text in texts
    )
    pieces = []
    for cut in cuts:
        pieces.append(whole[:cut])
        whole = whole[cut:]
    pieces = [one for one in (*pieces, whole) if one]
    found, bad = asyncio.run(read(*pieces))
    assert ([one.text for one in found], bad) == (texts, [])


async def test_a_pipe_is_read_as_it_is_written() -> None:
    out, into = os.pipe()
    try:
        lines = aiter(JsonLines(lambda size: os.read(out, size), lambda *_: None))
        os.write(into, LINE + b"\n")
        assert (await asyncio.wait_for(anext(lines), 5)).text == "hello"
        waiting = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        os.write(into, LINE.replace(b"hello", b"again") + b"\n")
        assert (await asyncio.wait_for(waiting, 5)).text == "again"
    finally:
        os.close(into)
        os.close(out)
