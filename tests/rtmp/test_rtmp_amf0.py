import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import ProtocolError
from streamgate.rtmp import amf0
from streamgate.rtmp.amf0 import Date, EcmaArray

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = (
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | TEXT
    | st.builds(Date, st.floats(allow_nan=False))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXT.filter(bool), inner, max_size=4)
        | st.dictionaries(TEXT.filter(bool), inner, max_size=4).map(EcmaArray)
    ),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=4))
def test_what_is_written_is_read(values):
    decoded = amf0.decode(amf0.encode(*values))
    assert values == decoded
    assert [type(value) for value in values] == [type(value) for value in decoded]


@given(st.binary(max_size=300))
def test_any_bytes_give_values_or_a_protocol_error(data):
    with contextlib.suppress(ProtocolError):
        amf0.decode(data)


def test_the_connect_command_as_librtmp_writes_it():
    body = (
        b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03"
        b"\x00\x03app\x02\x00\x04live\x00\x04type\x02\x00\x0anonprivate\x00\x00\x09"
    )
    assert amf0.decode(body) == ["connect", 1.0, {"app": "live", "type": "nonprivate"}]
    assert body == amf0.encode("connect", 1, {"app": "live", "type": "nonprivate"})


def test_long_text_becomes_a_long_string():
    text = "长" * 30_000
    body = amf0.encode(text)
    assert body[0] == 12
    assert [text] == amf0.decode(body)


def test_text_that_is_not_utf_8_is_mended():
    assert amf0.decode(b"\x02\x00\x03a\xffb") == ["a\ufffdb"]


def test_undefined_unsupported_xml_and_typed_objects():
    typed = b"\x10\x00\x03Foo\x00\x01a\x01\x01\x00\x00\x09"
    xml = b"\x0f\x00\x00\x00\x04<a/>"
    assert amf0.decode(b"\x06\x0d" + xml + typed) == [None, None, "<a/>", {"a": True}]


def test_an_ecma_array_may_lie_about_its_count_and_lack_its_end():
    array = b"\x08\xff\xff\xff\xff\x00\x05width" + b"\x00" + struct.pack("!d", 1920)
    assert [EcmaArray(width=1920.0)] == amf0.decode(array)
    assert [EcmaArray(width=1920.0)] == amf0.decode(array + b"\x00\x00\x09")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x00\x00", "cut short"),
        (b"\x02\x00\x05ab", "cut short"),
        (b"\x0c\xff\xff\xff\xffab", "cut short"),
        (b"\x03\x00\x01a", "cut short"),
        (b"\x0a\xff\xff\xff\xff\x05", "cut short"),
        (b"\x07\x00\x01", "type 7"),
        (b"\x11\x0a", "type 17"),
        (b"\x0a\x00\x00\x00\x01" * 20 + b"\x05", "deeper than 12"),
        (b"\x0a\x00\x00\xff\xff" + b"\x05" * 65535, "more than 4096"),
        (b"\x05" * 5000, "more than 4096"),
    ],
)
def test_what_is_refused(body, reason):
    with pytest.raises(ProtocolError, match=reason):
        amf0.decode(body)


def test_lone_surrogates_do_not_stop_an_answer():
    assert amf0.decode(amf0.encode("\ud800")) == ["?"]
