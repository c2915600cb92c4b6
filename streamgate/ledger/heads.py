"""Heads of the ledger's files, to be kept where who can rewrite the ledger cannot write.

A line is JSON: when it was made, the newest record of each file of two days, signed as seals are. A ledger in
which a record that stands in such a line is another one, or missing, was written anew.
"""

import http.client
import os
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.disk import sync_directory, write_all
from streamgate.errors import LedgerError
from streamgate.ledger.chain import MAX_LINE
from streamgate.ledger.places import find_places, read_tail
from streamgate.ledger.record import FileHead
from streamgate.ledger.signing import Signer
from streamgate.ledger.verdict import Finding

HTTP_S = 10.0
_WEB = ("http://", "https://")
_hashed = msgspec.json.Decoder(dict[str, object])


class Heads(msgspec.Struct, tag_field="kind", tag="heads", omit_defaults=True):
    """What is sent. `at`: wall clock, s; `key`, `signature`: as of a seal."""

    at: float
    heads: list[FileHead]
    key: str = ""
    signature: str = ""


class Gathered(NamedTuple):
    """`sealed`: a seal, or the end of a process, is among the newest records."""

    heads: list[FileHead]
    sealed: bool


def gather(root: Path) -> Gathered:
    """Return the heads of the two newest days, and of each process's newest file, on disk. Raises OSError."""
    try:
        places = find_places(root)
    except FileNotFoundError:
        return Gathered([], sealed=False)
    days = sorted({place.day for place in places})[-2:]
    last = {place.process: place for place in places}
    wanted = [place for place in places if place.day in days or last[place.process] == place]
    tails = [tail for place in wanted if (tail := read_tail(root, place)) is not None]
    return Gathered([tail.head for tail in tails], any(tail.kind in ("seal", "close") for tail in tails))


def send(target: str, heads: Heads, signer: Signer) -> None:
    """Append heads to a file, or POST them to an HTTP address; they are there when this returns.

    Raises OSError; a HTTP server that does not answer with 2xx is one, too.
    """
    signer.sign(heads)
    line = msgspec.json.encode(heads) + b"\n"
    if target.startswith(_WEB):
        asked = urllib.request.Request(  # noqa: S310 - http and https only
            target, line, {"Content-Type": "application/json"}, method="POST"
        )
        open_url(asked, HTTP_S, MAX_LINE)
    else:
        append_line(Path(target), line)


def open_url(request: urllib.request.Request, timeout_s: float, most: int) -> bytes:
    """Send a request; return the body of the answer, `most` bytes of it. Raises OSError."""
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            return bytes(answer.read(most))
    except urllib.error.HTTPError as error:
        with error:
            raise OSError(error.code, f"it answers {error.code} {error.reason}", request.full_url) from None
    except (ValueError, http.client.HTTPException) as error:
        raise OSError(f"{request.full_url}: {error}") from error


def append_line(path: Path, line: bytes) -> None:
    """Append a line to a file and have it on disk; a line before it that was torn goes. Raises OSError."""
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        whole = size = os.fstat(descriptor).st_size
        while whole and os.pread(descriptor, 1, whole - 1) != b"\n":
            whole -= 1
        if whole < size:
            os.ftruncate(descriptor, whole)
        write_all(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        sync_directory(path.parent)


def check_heads(root: Path, copy: Path) -> list[Finding]:
    """Compare a ledger with heads that were kept elsewhere. Raises LedgerError: they cannot be read."""
    try:
        heads = read_heads(enumerate(copy.read_bytes().splitlines(), 1))
    except OSError as error:
        raise LedgerError(f"{copy} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise LedgerError(f"{copy} holds no heads: {error}") from error
    return check_kept(root, heads, copy.name)


def read_heads(lines: Iterable[tuple[int, bytes]]) -> list[tuple[int, Heads]]:
    """Read lines, each with its number. Raises ValueError."""
    found = []
    for number, line in lines:
        try:
            found.append((number, msgspec.json.decode(line, type=Heads)))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"line {number}: {error}") from error
    return found


def check_kept(root: Path, kept: Iterable[tuple[int, Heads]], name: str) -> list[Finding]:
    """Compare a ledger with heads, each with its line in the file `name`."""
    wanted: dict[str, dict[int, tuple[str, int]]] = defaultdict(dict)
    for number, heads in kept:
        for head in heads.heads:
            wanted[head.file][head.records] = (head.hash, number)
    return [finding for file in sorted(wanted) for finding in _check_file(root, file, wanted[file], name)]


def _check_file(root: Path, file: str, wanted: dict[int, tuple[str, int]], copy: str) -> Iterator[Finding]:
    count = 0
    try:
        with (root / file).open("rb") as lines:
            for count, line in enumerate(iter(lambda: lines.readline(MAX_LINE), b""), 1):
                if (said := wanted.get(count)) is not None and _hash(line) != said[0]:
                    yield Finding(file, count, f"it is not the record that line {said[1]} of {copy} names")
    except OSError:
        yield Finding(file, 0, f"the file is missing; {copy} names it")
        return
    for number in sorted(number for number in wanted if number > count)[:1]:
        yield Finding(
            file, count + 1, f"records are missing: line {wanted[number][1]} of {copy} names {number}"
        )


def _hash(line: bytes) -> object:
    try:
        return _hashed.decode(line).get("hash")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
