"""The form of comments: what is stored is text, whole and of bounded length."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.desk.checking import check
from moderation.desk.intake import IncomingComment, IntakeResult

GOOD = IncomingComment("c1", "u1", "小明", "你好", 1.0, 2.0)


def changed(**changes: object) -> IncomingComment | IntakeResult:
    return check(msgspec.structs.replace(GOOD, **changes), 200)


def test_a_valid_comment_is_not_changed() -> None:
    assert check(GOOD, 200) == GOOD
    assert changed(sent_at=None, at_media_s=None) == msgspec.structs.replace(
        GOOD, sent_at=None, at_media_s=None
    )


def test_line_breaks_and_tabs_become_spaces() -> None:
    made = changed(text=" one\r\ntwo\tthree\u2028four\n", author="\n小明 ")
    assert isinstance(made, IncomingComment)
    assert (made.text, made.author) == ("one two three four", "小明")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": "a\0b"}, "U+0000"),
        ({"text": "a\ud800"}, "U+D800"),
        ({"author": "a\x1b[31m"}, "U+001B"),
        ({"author": "\udfff"}, "U+DFFF"),
        ({"text": " \n "}, "text is empty"),
        ({"author": ""}, "author is empty"),
        ({"author": "名" * 65}, "at most 64"),
        ({"client_id": ""}, "client_id must be"),
        ({"client_id": "c" * 129}, "client_id must be"),
        ({"client_id": "\ud800"}, "client_id must be"),
        ({"author_id": "a\nb"}, "author_id must be"),
        ({"sent_at": float("nan")}, "sent_at is nan"),
        ({"at_media_s": -1.0}, "at_media_s is -1.0"),
        ({"at_media_s": float("inf")}, "at_media_s is inf"),
    ],
)
def test_refusals_name_the_fault(changes: dict[str, object], said: str) -> None:
    refused = changed(**changes)
    assert isinstance(refused, IntakeResult)
    assert (refused.id, refused.code) == (None, "bad_comment")
    assert said in refused.error
    assert refused.error_zh


def test_the_length_limit_is_the_channels_and_at_most_the_databases() -> None:
    assert isinstance(check(msgspec.structs.replace(GOOD, text="字" * 200), 200), IncomingComment)
    for length, most in ((201, 200), (2001, 9999)):
        refused = check(msgspec.structs.replace(GOOD, text="字" * length), most)
        assert isinstance(refused, IntakeResult)
        assert refused.code == "too_long"


@given(st.text(st.characters(), max_size=300), st.text(st.characters(), max_size=80))
def test_any_comment_is_encodable_or_refused(text: str, author: str) -> None:
    made = changed(text=text, author=author, client_id=text)
    encoded = msgspec.json.encode(made)  # answers can always be written
    if isinstance(made, IncomingComment):
        assert msgspec.json.decode(encoded, type=IncomingComment) == made
        assert "\n" not in made.text + made.author
