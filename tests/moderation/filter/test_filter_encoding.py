"""Bytes to texts, in whichever encoding they come and wherever the pieces end."""

import pytest

from moderation.filter.encoding import Lines

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]
TEXTS = ["上一上", "一", "操你妈😀", "hello, 世界", "", "二", "last"]


def fed(*pieces: bytes) -> tuple[list[str], dict[int, str], list[str]]:
    """All texts, why which of them are unread, and the notes."""
    lines = Lines()
    texts: list[str] = []
    unread = {}
    for at, piece in enumerate(pieces):
        more, doubtful = lines.feed(piece, ended=at == len(pieces) - 1)
        unread |= {len(texts) + place: line.unread for place, line in doubtful.items() if line.unread}
        texts += more
    return texts, unread, lines.notes


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("size", [7, 64, 1 << 20])
def test_texts_come_whole_wherever_pieces_end(encoding: str, size: int) -> None:
    data = "\n".join(TEXTS * 20).encode(encoding)
    first = data.index("二".encode({"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)))
    pieces = [data[:first], *(data[at : at + size] for at in range(first, len(data), size))]
    texts, unread, _ = fed(*pieces)
    assert (texts, unread) == (TEXTS * 20, {})


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_piece_of_whole_lines_is_answered_with_it(encoding: str) -> None:
    lines = Lines()
    data = "加微信\n好\n".encode(encoding)
    assert lines.feed(data, ended=False)[0] == ["加微信", "好"]


def test_a_line_that_utf_8_and_gb_18030_both_read_has_both_readings() -> None:
    both = "一".encode("gb18030")
    assert both.decode() == "һ"
    _, doubtful = Lines().feed(both + b"\n", ended=False)
    assert (doubtful[0].text, doubtful[0].others, doubtful[0].unread) == ("һ", ("一",), "")
    lines = Lines()
    lines.feed("操你妈\n".encode("gb18030"), ended=False)
    texts, doubtful = lines.feed(both + b"\n", ended=False)
    assert (texts, doubtful[0].others) == (["一"], ("һ",))


def test_chinese_in_utf_8_is_read_one_way_only() -> None:
    lines = Lines()
    texts, doubtful = lines.feed("你好·世界\ncafé你\n你好\n".encode(), ended=False)
    assert (texts, doubtful) == (["你好·世界", "café你", "你好"], {})


def test_utf_8_that_is_damaged_is_not_taken_for_gb_18030() -> None:
    data = "操你妈了".encode()[:-1] + b"\n"
    texts, unread, notes = fed(data)
    assert texts[0].startswith("操你妈")
    assert (list(unread), notes) == ([0], [])


@pytest.mark.parametrize("encoding", ["big5", "latin-1", "shift-jis", "utf-16-le"])
def test_other_encodings_are_never_read_for_sure(encoding: str) -> None:
    text = {"latin-1": "café à la crème", "shift-jis": "今日はいい天気"}.get(encoding, "你媽死了，你去死吧")
    _, doubtful = Lines().feed(b"ok\n" + text.encode(encoding) + b"\n", ended=True)
    assert doubtful[1].unread


def test_letters_with_nul_between_them_are_not_taken_for_utf_16_beside_utf_8() -> None:
    """Nor can who writes the first comment have all others read as something else."""
    texts, unread, _ = fed(b"h\0i\0\n", "加微信\n".encode(), "\0加微信".encode())
    assert texts == ["h\0i\0", "加微信", "\0加微信"]
    assert list(unread) == [0]
    texts, _, _ = fed(b"h\0i\0\n\0", "加微信\n好\n".encode(), "加微信".encode())
    assert texts[-1] == "加微信"


def test_half_a_character_of_utf_16_is_not_read() -> None:
    data = "\ufeff好\n".encode("utf-16-le") + b"\x3d\xd8\n\0" + b"a\0b"
    texts, unread, _ = fed(data)
    assert (texts[0], list(unread)) == ("好", [1, 2])


def test_a_mark_counts_in_front_only() -> None:
    assert fed("\ufeff好\n\ufeff好".encode())[0] == ["好", "\ufeff好"]


def test_the_encoding_is_told_once() -> None:
    assert len(fed(*["操你妈\n".encode("gb18030")] * 3)[2]) == 1


def test_a_first_line_that_looks_like_utf_16_hides_nothing() -> None:
    lines = Lines()
    assert lines.feed("好\n".encode("utf-16-le"), ended=False)[0] == ["好"]
    lines = Lines()
    texts, doubtful = lines.feed(b"fuck it!\0\n", ended=False)
    assert "fuck it!" in (texts[0], *doubtful[0].others)
    assert lines.feed(b"abcdefg\nabcdefg\n", ended=False)[0] == ["abcdefg", "abcdefg"]
