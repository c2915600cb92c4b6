"""Classifier of video payloads by NAL unit headers (IDR, IRAP, other). Pure.

Sources: ITU-T H.264 table 7-1, ITU-T H.265 table 7-1.
"""

from enum import IntEnum

CODECS_WITH_NALS = frozenset({"h264", "hevc"})


class Picture(IntEnum):
    """Class of a payload. `RANDOM_ACCESS`: a decoder may start here. `NONE`: no picture (SEI, SPS, PPS)."""

    OTHER = 0
    RANDOM_ACCESS = 1
    NONE = 2
    BROKEN = 3  # the NAL unit lengths do not fit the payload


def classify(codec: str, payload: bytes, length_size: int = 4) -> Picture:
    """Classify a length-prefixed payload of H.264 (IDR) or HEVC (IRAP, types 16 to 21)."""
    avc = codec == "h264"
    at = 0
    size = len(payload)
    found = Picture.NONE
    while at < size:
        start = at + length_size
        at = start + int.from_bytes(payload[at:start])
        if start > size or at > size:
            return Picture.BROKEN
        if at == start:
            continue
        kind = payload[start] & 31 if avc else payload[start] >> 1 & 63
        if kind == 5 if avc else 16 <= kind <= 21:
            found = Picture.RANDOM_ACCESS
        elif found is Picture.NONE and (1 <= kind <= 4 if avc else kind <= 9):
            found = Picture.OTHER
    return found


def with_long_lengths(payload: bytes, length_size: int) -> bytes:
    """Return the payload with 4-byte NAL unit lengths, the only length that the program carries.

    The caller has checked that `classify` does not return BROKEN.
    """
    out = bytearray()
    at = 0
    while at < len(payload):
        start = at + length_size
        at = start + int.from_bytes(payload[at:start])
        out += (at - start).to_bytes(4) + payload[start:at]
    return bytes(out)


def with_long_lengths_config(codec: str, config: bytes) -> bytes:
    """Return a valid avcC or hvcC with its NAL unit length set to 4 bytes."""
    at = 4 if codec == "h264" else 21
    return config[:at] + bytes((config[at] | 3,)) + config[at + 1 :]
