"""Writes the program as it aired into an FLV file, as a platform received it: nothing is transcoded."""

import hashlib
import os
from pathlib import Path

import msgspec

from streamgate.archive.as_aired import AsAired, Missing
from streamgate.core.packet import FeedFormat, Kind
from streamgate.disk import write_all
from streamgate.errors import ArchiveError, Refused
from streamgate.rtmp import flv_file

_WRITE_BYTES = 1 << 20
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Rendered(msgspec.Struct):
    """`packets`: written. `missing`: what no part and no kept filler holds any more."""

    file: str
    bytes: int
    sha256: str
    packets: int
    missing: list[Missing]


def render(rendering: AsAired, out: Path) -> Rendered:
    """Write the program to `out`, which must not exist; a render that fails leaves no file.

    Raises:
        Refused: `out` exists, or its directory does not.
        ArchiveError: the archive cannot be read, or `out` not be written.
    """
    try:
        file = os.open(out, _FLAGS, 0o600)
    except FileExistsError:
        raise Refused(f"{out} exists already; choose another file") from None
    except OSError as error:
        raise Refused(f"{out} cannot be made: {error.strerror}") from error
    try:
        return _write(rendering, out, file)
    except BaseException as error:
        out.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ArchiveError(f"{out} cannot be written: {error.strerror}") from error
        raise
    finally:
        os.close(file)


def _write(rendering: AsAired, out: Path, file: int) -> Rendered:
    digest = hashlib.sha256()
    waiting = bytearray(flv_file.file_header())
    header = FeedFormat()
    packets = size = 0

    def put() -> None:
        nonlocal size
        digest.update(waiting)
        write_all(file, bytes(waiting))
        size += len(waiting)
        waiting.clear()

    for shown in rendering.packets():
        packet = shown.packet
        if shown.header is not None:
            header = shown.header
            waiting += flv_file.header_tags(header, packet.dts, {})
        if packet.kind is Kind.DATA or (header.video if packet.kind is Kind.VIDEO else header.audio):
            waiting += flv_file.packet_tag(packet, header, packet.dts)
            packets += 1
        if len(waiting) > _WRITE_BYTES:
            put()
    put()
    os.fsync(file)
    return Rendered(str(out), size, digest.hexdigest(), packets, rendering.missing)
