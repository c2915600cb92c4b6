import json
import math
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.errors import ChainError
from streamgate.ledger.chain import (
    FORM,
    MAX_LINE,
    START,
    Checker,
    Head,
    Milestones,
    canonical,
    is_torn,
    link,
    unlink,
)
from streamgate.ledger.record import Command, FileHead, Header

NAME = "2026-11-28/gate.jsonl"
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


# ---------------------------------------------------------------- canonical JSON


@given(PLAIN)
def test_canonical_json_reads_as_what_it_was_made_of_and_has_one_form_only(value):
    text = canonical(value)
    assert json.loads(text, parse_int=float) == value
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [  # RFC 8785, appendix B, and where Python writes floats otherwise
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-5e-324, "-5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (999999999999999700000.0, "999999999999999700000"),
        (1e21, "1e+21"),
        (1e16, "10000000000000000"),
        (333333333.3333332, "333333333.3333332"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1795352210.014, "1795352210.014"),
        (30.0, "30"),
        (4.5, "4.5"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(value, text):
    assert canonical(value) == text.encode()


def test_members_are_sorted_by_utf_16_and_nothing_is_escaped_that_need_not_be():
    value = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7}  # RFC 8785, 3.2.3
    assert list(json.loads(canonical(value)).values()) == [2, 4, 6, 7, 1, 5, 3]
    assert canonical({"b": '/\x01"\\', "a": "切"}) == '{"a":"切","b":"/\\u0001\\"\\\\"}'.encode()


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53 + 1,
        -(2**53) - 1,
        10**22,
        "\ud800",
        {"\ud800": 1},
        {1: 2},
        {1, 2},
        b"x",
    ],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        canonical([value])


# ---------------------------------------------------------------- the chain


def make(bodies, previous=None):
    """The lines of a file that holds `bodies`."""
    header = Header(form=FORM, process="gate", day="2026-11-28", file=NAME, previous=previous)
    head = Head(0, START if previous is None else previous.hash)
    lines = []
    for body in (msgspec.to_builtins(header), *bodies):
        line, head = link(body, head)
        lines.append(line)
    return lines


def check(lines, *, fast=True):
    checker = Checker(NAME, "gate", "2026-11-28")
    if fast:
        checker.feed_all(lines, lambda kind, line: None)
    else:
        for line in lines:
            checker.feed(line)
    return checker.head


BODIES = st.lists(
    st.fixed_dictionaries({"kind": st.sampled_from(["command", "notice", "note"]), "x": PLAIN}), max_size=6
)


@given(BODIES, st.booleans())
def test_a_file_verifies_and_its_hashes_are_sha_256_of_what_a_stranger_makes_of_it(bodies, fast):
    lines = make(bodies)
    assert check(lines, fast=fast).records == len(lines)
    before = START
    for line in lines:
        record = json.loads(line)
        said = record.pop("hash")
        assert record["prev"] == before
        assert sha256(canonical(record)).hexdigest() == said
        before = said


@settings(max_examples=300, deadline=None)
@given(BODIES, st.data())
def test_no_byte_of_a_file_can_be_changed_removed_or_added(bodies, data):
    whole = b"".join(make(bodies))
    at = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["change", "remove", "add"]))
    byte = bytes([data.draw(st.integers(0, 255).filter(lambda one: one != whole[at]))])
    changed = whole[:at] + {"change": byte, "remove": b"", "add": byte + whole[at : at + 1]}[kind]
    changed += whole[at + 1 :]
    for fast in (True, False):
        with pytest.raises(ChainError):
            check(changed.splitlines(keepends=True), fast=fast)


@given(BODIES.filter(len), st.data())
def test_lines_can_be_neither_swapped_nor_doubled_nor_taken_out_before_the_last(bodies, data):
    lines = make(bodies)
    one = data.draw(st.integers(0, len(lines) - 2))
    other = data.draw(st.integers(one + 1, len(lines) - 1))
    swapped = list(lines)
    swapped[one], swapped[other] = lines[other], lines[one]
    for bad in (
        swapped,
        lines[:one] + lines[one + 1 :],
        [*lines[: other + 1], lines[one], *lines[other + 1 :]],
    ):
        for fast in (True, False):
            with pytest.raises(ChainError):
                check(bad, fast=fast)


@given(BODIES.filter(len), BODIES)
def test_a_line_of_another_chain_does_not_fit_though_it_is_whole(bodies, others):
    lines, foreign = make(bodies), make([{"kind": "note", "x": "other"}, *others])
    for fast in (True, False):
        with pytest.raises(ChainError):
            check([*lines, foreign[1], *foreign[2:]], fast=fast)


def test_a_record_that_holds_words_of_the_form_is_read_right():
    tricky = {"args": {"kind": "seal", "n": 9, "prev": "0" * 64}, "kind": "command", "a": '"prev":"x'}
    for fast in (True, False):
        assert check(make([tricky, tricky]), fast=fast).records == 3


def test_a_header_says_which_file_it_is_and_stands_first_only():
    lines = make([])
    with pytest.raises(ChainError, match="moved or renamed"):
        Checker("2026-11-29/gate.jsonl", "gate", "2026-11-29").feed(lines[0])
    body = {"kind": "header", "form": FORM, "file": NAME, "process": "gate", "day": "2026-11-28"}
    with pytest.raises(ChainError, match="in the middle"):
        check(make([body]))
    line, _ = link({"kind": "command"}, Head(0, START))
    with pytest.raises(ChainError, match="begins with its header"):
        check([line])
    newer, _ = link({**body, "form": FORM + 1}, Head(0, START))
    with pytest.raises(ChainError, match=f"of form {FORM + 1}"):
        check([newer])


def test_a_file_goes_on_from_the_hash_of_the_one_before():
    previous = FileHead("2026-11-27/gate.jsonl", 7, "a" * 64)
    lines = make([{"kind": "note"}], previous)
    assert json.loads(lines[0])["prev"] == "a" * 64
    assert check(lines).records == 2


def test_a_record_too_long_for_a_line_is_refused():
    with pytest.raises(ValueError, match="at most"):
        link({"kind": "note", "x": "x" * MAX_LINE}, Head(0, START))


def test_unlink_gives_back_what_was_recorded():
    body = msgspec.to_builtins(Command(who="cli:root", at=1.5, args={"seconds": 4.5}))
    line, _ = link(body, Head(3, "b" * 64))
    assert unlink(line) == canonical(body)
    assert json.loads(line)["kind"] == "command"


def test_only_a_line_without_its_end_counts_as_torn():
    assert is_torn(b'{"at":1')
    assert is_torn(b"\0" * 40)
    assert is_torn(b'{"at"\0\0')
    assert not is_torn(b'{"at":1}\n')
    assert not is_torn(b"x\ny")


def test_milestones_tell_every_record_of_a_file():
    stones = Milestones()
    for digit in "abc":
        stones.add(digit * 64)
    assert len(stones) == 3
    assert stones.holds(FileHead("f", 2, "b" * 64))
    assert not stones.holds(FileHead("f", 2, "c" * 64))
