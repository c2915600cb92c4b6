"""The form of the ledger: canonical JSON, the chain of hashes, and the check of one file. Pure.

A line is the canonical JSON (RFC 8785) of a record with `,"hash":"..."` put before its last brace. The hash
is SHA-256, in hex, of the canonical JSON without it. Each record counts from 1 (`n`) and names the hash of
the record before (`prev`); a file's first record names the last hash of the process's file before.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from streamgate.errors import ChainError
from streamgate.ledger.record import FileHead, Header

FORM = 1
START = "0" * 64  # `prev` of the very first record of a process
MAX_LINE = 256 * 1024  # bytes, with the line feed
MAX_INTEGER = 2**53 - 1  # up to here doubles hold every integer
_MARK = b',"hash":"'
_END = b'"}\n'
_TAIL = len(_MARK) + 64 + len(_END)
_HASH_AT = 64 + len(_END)
_PREV, _KIND = b'"prev":"', b'"kind":"'
TELLING = frozenset({"header", "seal", "mended"})  # kinds that say something about other files
_TELLING = frozenset(kind[:4].encode() for kind in TELLING)


# ---------------------------------------------------------------- canonical JSON


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of `value` (RFC 8785) in UTF-8: no spaces, members sorted, shortest numbers.

    Raises ValueError for what has no such form: NaN, infinity, integers that a double does not give back,
    lone surrogates, names that are no strings, values of other types.
    """
    return _text(value).encode()


def _text(value: Any) -> str:  # noqa: PLR0911 - one for each type
    match value:
        case None:
            return "null"
        case True:
            return "true"
        case False:
            return "false"
        case str():
            return _string(value)
        case int():
            if abs(value) > MAX_INTEGER and (abs(value) >= 10**21 or _number(float(value)) != str(value)):
                raise ValueError(f"{value} is not exact in JSON; write it as a string")
            return str(value)
        case float():
            return _number(value)
        case Mapping():
            for name in value:
                if not isinstance(name, str):
                    raise ValueError(f"the name {name!r} is no string")  # noqa: TRY004 - one error for all
            members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
            return "{" + ",".join(f"{_string(name)}:{_text(one)}" for name, one in members) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
        case _:
            raise ValueError(f"a {type(value).__name__} has no form in JSON")


def _string(text: str) -> str:
    """Escaped as RFC 8785, 3.2.2.2 says, which is how msgspec does it."""
    return msgspec.json.encode(text).decode()  # UnicodeEncodeError, a ValueError, for a lone surrogate


def _number(value: float) -> str:
    """The shortest decimal that reads as the same double, as ECMAScript writes it (ECMA-262, 6.1.6.1.20)."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        raise ValueError(f"{value} is no number in JSON")
    if value == 0:
        return "0"  # -0 too
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)  # where the point stands in `digits`
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return f"{sign}{digits}{'0' * (point - count)}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"


# ---------------------------------------------------------------- the chain


class Head(NamedTuple):
    """How far a file goes: the number of its records and the hash of the last."""

    records: int
    hash: str


def link(record: Mapping[str, Any], head: Head) -> tuple[bytes, Head]:
    """Return the line of `record` behind `head`, and the head with it.

    Raises ValueError when the record has no canonical form or its line would be longer than MAX_LINE.
    """
    body = canonical({**record, "n": head.records + 1, "prev": head.hash})
    if len(body) + _TAIL > MAX_LINE:
        raise ValueError(f"the record is {len(body)} bytes long; at most {MAX_LINE - _TAIL} fit on a line")
    digest = sha256(body).hexdigest()
    return b"".join((body[:-1], _MARK, digest.encode(), _END)), Head(head.records + 1, digest)


def unlink(line: bytes) -> bytes:
    """Return what a line says without its place in the chain, in canonical JSON: equal for equal records."""
    record = msgspec.json.decode(line)
    return canonical({name: one for name, one in record.items() if name not in ("n", "prev", "hash")})


class _Link(msgspec.Struct):
    kind: str
    n: int
    prev: str


_links = msgspec.json.Decoder(_Link)
_headers = msgspec.json.Decoder(Header)


class Checker:
    """Checks the lines of one file in order, holding nothing but its head.

    `size`: bytes of the lines that were good. `name`: DAY/NAME of the file; `process`, `day`: what its name
    says. Its header must say the same.
    """

    def __init__(self, name: str, process: str, day: str) -> None:
        self.header: Header | None = None
        self.head = Head(0, START)
        self.size = 0
        self._name, self._process, self._day = name, process, day

    def feed(self, line: bytes) -> str:
        """Take the next line, with its line feed; return the kind of its record.

        Raises ChainError, saying why, when it is not what must stand here; `head` then stays where it is.
        """
        if line[-3:] != _END or line[-_TAIL : len(_MARK) - _TAIL] != _MARK:
            raise ChainError(_torn(line))
        digest = sha256(line[:-_TAIL] + b"}").hexdigest()
        if digest.encode() != line[-_HASH_AT:-3]:
            raise ChainError("its hash is not that of its content: the line was changed")
        try:
            found = _links.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ChainError(f"it is no record: {error}") from error
        number, expected = self.head
        if number == 0:
            expected = self._begin(line, found.kind)
        elif found.kind == "header":
            raise ChainError("a header stands in the middle of the file")
        if found.n != number + 1:
            raise ChainError(
                f"it is record {found.n}, where {number + 1} must stand: lines are missing or moved"
            )
        if found.prev != expected:
            raise ChainError("it does not follow the record before: lines were removed, changed or moved")
        self.head = Head(found.n, digest)
        self.size += len(line)
        return found.kind

    def feed_all(
        self, lines: Iterable[bytes], note: Callable[[str, bytes], None], hashes: "Milestones | None" = None
    ) -> None:
        """Take many lines; `note` is given the kind and the line of those in TELLING, `hashes` every hash.

        As `feed`, at a good part of the speed of SHA-256 alone: JSON is read only where a line is not plainly
        good. Raises ChainError.
        """
        number, last = self.head
        expected, size = last.encode(), self.size
        for line in lines:
            digest = sha256(line[:-_TAIL] + b"}").hexdigest()
            said = line[-_HASH_AT:-3]
            prev, kind = line.find(_PREV) + len(_PREV), line.find(_KIND) + len(_KIND)
            if (
                number
                and said == digest.encode()
                and line[prev : prev + 64] == expected
                and line[-3:] == _END
                and line[-_TAIL : len(_MARK) - _TAIL] == _MARK
                and line[kind : kind + 4] not in _TELLING
            ):
                number, expected, size = number + 1, said, size + len(line)
                if hashes is not None:
                    hashes.add(digest)
                continue
            self.head, self.size = Head(number, expected.decode()), size
            found = self.feed(line)
            (number, last), size = self.head, self.size
            expected = last.encode()
            if hashes is not None:
                hashes.add(last)
            if found in TELLING:
                note(found, line)
        self.head, self.size = Head(number, expected.decode()), size

    def _begin(self, line: bytes, kind: str) -> str:
        """Check the header; return what its `prev` must be."""
        if kind != "header":
            raise ChainError(f"a file begins with its header, not with a {kind}")
        try:
            header = _headers.decode(line)
        except msgspec.DecodeError as error:
            raise ChainError(f"the header is not understood: {error}") from error
        if header.form != FORM:
            raise ChainError(f"the file is of form {header.form}; this program reads form {FORM}")
        said = (header.file, header.process, header.day)
        if said != (self._name, self._process, self._day):
            raise ChainError(f"the header says that this is {header.file}: the file was moved or renamed")
        self.header = header
        return START if header.previous is None else header.previous.hash


class Milestones:
    """The hashes of all records of one file, 32 bytes each, to check what others say about it."""

    def __init__(self) -> None:
        self._digests = bytearray()

    def add(self, digest: str) -> None:
        self._digests += bytes.fromhex(digest)

    def __len__(self) -> int:
        return len(self._digests) // 32

    def holds(self, head: FileHead) -> bool:
        """Whether record number `head.records` has that hash; it must be there."""
        end = head.records * 32
        return self._digests[end - 32 : end].hex() == head.hash


def is_torn(rest: bytes) -> bool:
    """Whether the bytes behind a file's last good line are a line that was never finished, and no more.

    A file system that lost power may leave zero bytes there. A whole line is never torn.
    """
    return b"\n" not in rest.rstrip(b"\0")


def _torn(line: bytes) -> str:
    if line[-1:] == b"\n":
        return "it does not end with a hash: the line was changed"
    return (
        "the last line is not whole: the process was killed while it wrote (its next start mends that),"
        " or the file was cut"
    )
