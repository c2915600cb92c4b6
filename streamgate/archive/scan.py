"""Reads a part through: where its last whole fragment or tag ends, and what it holds."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from streamgate.core.mp4_scan import audio_timescale, box_header, fragment_info
from streamgate.core.packet import Kind
from streamgate.rtmp import flv_file

MAX_BOX_IN_MEMORY = 16 * 1024 * 1024  # moov and moof; an mdat is never read whole


class Scan(msgspec.Struct, frozen=True):
    """What a part's file holds. `whole`: bytes up to the end of its last whole fragment, tag or header."""

    size: int
    whole: int
    sha256: str  # of the first `whole` bytes
    video: int
    audio: int
    length_s: float


def scan(path: Path) -> Scan:
    """Read a part through once.

    Raises:
        OSError
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return _scan_flv(file, size) if path.suffix == ".flv" else _scan_mp4(file, size)


def _scan_mp4(file: BinaryIO, size: int) -> Scan:
    digest = hashlib.sha256()
    whole = position = video = audio = rate = 0
    length_s = 0.0
    waiting: list[bytes] = []  # boxes read since `whole`: they count once their mdat is there
    while True:
        head = file.read(8)
        box = box_header(head)
        if box is None or position + box[1] > size:
            break
        kind, length = box
        position += length
        if kind == b"mdat":
            for part in waiting:
                digest.update(part)
                if part[4:8] == b"moof":
                    info = fragment_info(part, rate)
                    video, audio = video + info.video, audio + info.audio
                    length_s = max(length_s, info.end_s)
            waiting = []
            digest.update(head)
            left = length - 8
            while left and (chunk := file.read(min(left, 1 << 20))):
                digest.update(chunk)
                left -= len(chunk)
            whole = position
        elif length > MAX_BOX_IN_MEMORY:
            break
        else:
            waiting.append(head + file.read(length - 8))
            if kind == b"moov":
                rate = audio_timescale(waiting[-1])
                for part in waiting:
                    digest.update(part)
                waiting, whole = [], position
    return Scan(size, whole, digest.hexdigest(), video, audio, length_s)


def _scan_flv(file: BinaryIO, size: int) -> Scan:
    digest = hashlib.sha256()
    counts = dict.fromkeys(Kind, 0)
    whole = newest_ms = 0
    head = file.read(flv_file.HEADER_BYTES)
    if head == flv_file.file_header():
        digest.update(head)
        whole = len(head)
        while True:
            head = file.read(flv_file.TAG_BYTES)
            tag = flv_file.read_tag_head(head)
            if tag is None or whole + tag.size > size:
                break
            rest = file.read(tag.size - len(head))  # 16 MiB at most
            if int.from_bytes(rest[-4:], "big") != tag.size - 4:
                break
            digest.update(head)
            digest.update(rest)
            whole += tag.size
            newest_ms = max(newest_ms, tag.time_ms)
            counts[tag.kind] += flv_file.is_frame(tag.kind, rest[:16])
    return Scan(size, whole, digest.hexdigest(), counts[Kind.VIDEO], counts[Kind.AUDIO], newest_ms / 1000)
