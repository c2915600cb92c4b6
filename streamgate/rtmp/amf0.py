"""AMF0, the value format of RTMP commands and script data ("Action Message Format -- AMF 0"). Pure.

AMF0 maps to Python like this: number float, boolean bool, string and long string str, object and typed
object dict, ECMA array EcmaArray, strict array list, date Date, null, undefined and unsupported None.
The decoder refuses references and AMF3 values: no publisher sends them.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from streamgate.errors import ProtocolError

MAX_DEPTH = 12
MAX_VALUES = 4096
"""Values (nested ones counted) in one message: the largest real onMetaData has about 60."""


class EcmaArray(dict[str, "Value"]):
    """An object that is written as an ECMA array (onMetaData is one)."""


class Date(msgspec.Struct, frozen=True):
    """Milliseconds since the epoch, UTC. The zone is reserved by the standard and always 0."""

    ms: float


Value: TypeAlias = float | bool | str | Date | Mapping[str, "Value"] | Sequence["Value"] | None
"""Sequences decode to list, mappings to dict. `int` is accepted on writing wherever `float` is."""

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL, _UNDEFINED = 0, 1, 2, 3, 5, 6
_ECMA_ARRAY, _OBJECT_END, _STRICT_ARRAY, _DATE, _LONG_STRING = 8, 9, 10, 11, 12
_UNSUPPORTED, _XML, _TYPED_OBJECT = 13, 15, 16
_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")
_DOUBLE = struct.Struct("!d")
_DATE_BODY = struct.Struct("!dh")


def decode(data: bytes) -> list[Value]:
    """Return all values of a message body.

    Bytes that are not UTF-8 become U+FFFD. Raises ProtocolError when the body is cut short, is nested deeper
    than MAX_DEPTH, holds more than MAX_VALUES values, or holds a value of an unknown type.
    """
    decoder = _Decoder(data)
    values = []
    while decoder.position < len(data):
        values.append(decoder.value(0))
    return values


def decode_first(data: bytes) -> Value:
    """Return the first value of a message body; errors as `decode`."""
    return _Decoder(data).value(0)


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.position = 0
        self._data = data
        self._values = 0

    def value(self, depth: int) -> Value:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ProtocolError(f"an AMF0 message of more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise ProtocolError(f"AMF0 values nested deeper than {MAX_DEPTH}")
        marker = self._take(1)[0]
        result: Value
        if marker == _NUMBER:
            (result,) = _DOUBLE.unpack(self._take(8))
        elif marker == _BOOLEAN:
            result = self._take(1)[0] != 0
        elif marker == _STRING:
            result = self._short_text()
        elif marker == _OBJECT:
            result = self._members({}, depth)
        elif marker in (_NULL, _UNDEFINED, _UNSUPPORTED):
            result = None
        elif marker == _ECMA_ARRAY:
            self._take(4)  # the number of members, which encoders get wrong; the end marker decides
            result = self._members(EcmaArray(), depth)
        elif marker == _STRICT_ARRAY:
            # Every value takes a byte or more, so a wrong count raises "cut short" or exceeds MAX_VALUES.
            (count,) = _U32.unpack(self._take(4))
            result = [self.value(depth + 1) for _ in range(count)]
        elif marker == _DATE:
            result = Date(_DATE_BODY.unpack(self._take(10))[0])
        elif marker in (_LONG_STRING, _XML):
            (size,) = _U32.unpack(self._take(4))
            result = self._take(size).decode("utf-8", "replace")
        elif marker == _TYPED_OBJECT:
            self._short_text()
            result = self._members({}, depth)
        else:
            raise ProtocolError(f"AMF0 type {marker}, which is unknown or not supported")
        return result

    def _take(self, size: int) -> bytes:
        start = self.position
        end = start + size
        if end > len(self._data):
            raise ProtocolError("an AMF0 message that is cut short")
        self.position = end
        return self._data[start:end]

    def _short_text(self) -> str:
        (size,) = _U16.unpack(self._take(2))
        return self._take(size).decode("utf-8", "replace")

    def _members(self, into: "dict[str, Value]", depth: int) -> "dict[str, Value]":
        # Some encoders omit the end marker of an ECMA array at the end of the message.
        while not (isinstance(into, EcmaArray) and self.position == len(self._data)):
            name = self._short_text()
            if not name and self._data[self.position : self.position + 1] == b"\x09":
                self.position += 1
                break
            into[name] = self.value(depth + 1)
        return into


def encode(*values: Value) -> bytes:
    """Return the message body holding `values`."""
    out = bytearray()
    for value in values:
        _encode(value, out)
    return bytes(out)


def _encode(value: Value, out: bytearray) -> None:
    if value is None:
        out.append(_NULL)
    elif isinstance(value, bool):
        out += bytes((_BOOLEAN, value))
    elif isinstance(value, int | float):
        out.append(_NUMBER)
        out += _DOUBLE.pack(value)
    elif isinstance(value, str):
        text = value.encode("utf-8", "replace")
        out += (
            bytes((_STRING,)) + _U16.pack(len(text))
            if len(text) < 65536
            else _LONG_HEAD.pack(_LONG_STRING, len(text))
        )
        out += text
    elif isinstance(value, Date):
        out.append(_DATE)
        out += _DATE_BODY.pack(value.ms, 0)
    elif isinstance(value, Mapping):
        if isinstance(value, EcmaArray):
            out += _LONG_HEAD.pack(_ECMA_ARRAY, len(value))
        else:
            out.append(_OBJECT)
        for name, member in value.items():
            text = name.encode("utf-8", "replace")[:65535]
            out += _U16.pack(len(text)) + text
            _encode(member, out)
        out += bytes((0, 0, _OBJECT_END))
    else:
        out += _LONG_HEAD.pack(_STRICT_ARRAY, len(value))
        for item in value:
            _encode(item, out)


_LONG_HEAD = struct.Struct("!BI")
