"""Bodies: one comment, many, malformed ones among good ones, and what is no JSON."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.public.comment_body import (
    MAX_COMMENTS,
    IncomingComment,
    Malformed,
    clean_text,
    read_comments,
    read_viewer_comment,
)
from moderation.public.problems import RequestRefused

GOOD = {"client_id": "1", "author_id": "u", "author": "Ann", "text": "hello"}
COMMENT = IncomingComment("1", "u", "Ann", "hello")


def body(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("value", [GOOD, [GOOD], {"comments": [GOOD]}])
def test_one_comment_in_each_form(value: object) -> None:
    assert list(read_comments(body(value))) == [COMMENT]


def test_optional_members_and_unknown_ones() -> None:
    found = read_comments(body(GOOD | {"sent_at": 5, "at_media_s": 1.5, "bullet": True, "colour": "red"}))
    assert list(found) == [IncomingComment("1", "u", "Ann", "hello", 5.0, 1.5, bullet=True)]


@pytest.mark.parametrize(
    "bad",
    [
        {},
        GOOD | {"text": 5},
        GOOD | {"client_id": None},
        GOOD | {"sent_at": "now"},
        {name: value for name, value in GOOD.items() if name != "author"},
        "text",
        None,
        [],
    ],
)
def test_a_malformed_comment_does_not_spoil_its_batch(bad: object) -> None:
    first, second = read_comments(body([bad, GOOD]))
    assert isinstance(first, Malformed)
    assert first.error
    assert first.error_zh
    assert second == COMMENT


def test_halves_of_characters_become_replacement_characters() -> None:
    found = read_comments(
        rb'[{"client_id":"1","author_id":"u","author":"\ud800Ann","text":"a\udc00b\ud83d\ude00"}]'
    )
    assert list(found) == [IncomingComment("1", "u", "�Ann", "a�b😀")]


def test_infinite_numbers_are_refused_one_by_one() -> None:
    texts = ["1e400", "1" * 5000, "-1e400"]
    numbers = ",".join(
        f'{{"client_id":"{name}","author_id":"u","author":"a","text":"t","sent_at":{number}}}'
        for name, number in enumerate(texts)
    )
    found = read_comments(f"[{numbers}]".encode())
    assert [(type(one), one.client_id) for one in found] == [
        (Malformed, "0"),
        (Malformed, "1"),
        (Malformed, "2"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[",
        b"NaN",
        body([]),
        body([GOOD] * (MAX_COMMENTS + 1)),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        "[1]".encode("utf-16"),
    ],
)
def test_a_body_that_is_not_json_or_too_long_is_refused_as_a_whole(bad: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        read_comments(bad)
    assert refused.value.problem.code == "bad_request"
    assert refused.value.problem.status == 400


def test_a_batch_of_the_maximum_size_is_read() -> None:
    assert len(read_comments(body([GOOD] * MAX_COMMENTS))) == MAX_COMMENTS


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(RequestRefused):  # any other exception is an answer 500
        assert read_comments(data)


@given(st.text(st.characters(categories=["Cs", "L", "So"]), max_size=20))
def test_clean_text_can_be_written_and_keeps_what_is_whole(text: str) -> None:
    clean = clean_text(text)
    clean.encode()  # raises for what cannot be written
    if not any("\ud800" <= one <= "\udfff" for one in text):
        assert clean == text


def test_a_viewers_comment_is_read() -> None:
    found = read_viewer_comment(b'{"text":"hi","author":"the chief","author_id":"somebody else"}')
    assert (found.text, found.client_id, found.bullet) == ("hi", "", False)
    for bad in (b'{"text":5}', b"{}", b"[1]", b'{"text":"a","at_media_s":1e400}'):
        with pytest.raises(RequestRefused) as refused:
            read_viewer_comment(bad)
        assert refused.value.problem.status == 400
