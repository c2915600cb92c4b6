"""H.264 and HEVC parameter sets (SPS, PPS, VPS): parse, merge, insert in band. Pure.

Sources: ISO/IEC 14496-15 5.3.3 (avcC) and 8.3.3 (hvcC), ITU-T H.264 7.3.2 and annex E, ITU-T H.265 7.4.2.2.
Functions raise only MediaError, for any input bytes.
"""

from collections.abc import Iterator

import msgspec

from streamgate.core.sps import MAX_SPS_ID, parse_pps_ids, parse_sps, parse_sps_id, unescape
from streamgate.errors import MediaError

_IDR, _SPS, _PPS, _AUD = 5, 7, 8, 9
_HEVC_VPS, _HEVC_SPS, _HEVC_PPS, _HEVC_AUD = 32, 33, 34, 35
_HIGH_RECORD = frozenset({100, 110, 122, 144})  # profiles whose avcC carries chroma format and bit depth


class AvcConfig(msgspec.Struct, frozen=True, gc=False):
    """An AVCDecoderConfigurationRecord. `sps`, `pps`: whole NAL units. `ext`: the remaining bytes."""

    profile: int
    compat: int
    level: int
    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    ext: bytes = b""


class HevcConfig(msgspec.Struct, frozen=True, gc=False):
    """An HEVCDecoderConfigurationRecord. `head`: its first 22 bytes; `arrays`: (first byte, NAL units)."""

    head: bytes
    length_size: int
    arrays: tuple[tuple[int, tuple[bytes, ...]], ...]

    @property
    def nals(self) -> tuple[bytes, ...]:
        return tuple(nal for _, nals in self.arrays for nal in nals)


class _Bytes:
    """Reader of a configuration record, field by field; raises MediaError past its end."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._at = 0
        self._name = name

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise MediaError(f"an {self._name} of {len(self._data)} bytes ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count))

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)


# ---------------------------------------------------------------- NAL units in a packet


def iter_nals(payload: bytes, length_size: int = 4) -> Iterator[bytes]:
    """Yield the NAL units of a length-prefixed payload. Raises MediaError for lengths that do not fit it."""
    if not 1 <= length_size <= 4:
        raise MediaError(f"NAL lengths of {length_size} bytes; allowed are 1 to 4")
    at = 0
    size = len(payload)
    while at < size:
        start = at + length_size
        at = start + int.from_bytes(payload[at:start])
        if start > size or at > size:
            raise MediaError(f"a NAL unit reaches {at - size} bytes beyond its packet of {size} bytes")
        if at > start:
            yield payload[start:at]


def _nal_heads(payload: bytes, length_size: int) -> list[int] | None:
    """Return the first byte of each NAL unit without copying any; None for lengths that do not fit."""
    heads = []
    at = 0
    size = len(payload) if 1 <= length_size <= 4 else 0
    while at < size:
        start = at + length_size
        at = start + int.from_bytes(payload[at:start])
        if start > size or at > size:
            return None
        if at > start:
            heads.append(payload[start])
    return heads


def has_idr(payload: bytes, length_size: int = 4) -> bool:
    """Whether a decoder may start at this H.264 packet (an IDR). False if malformed."""
    return any(head & 31 == _IDR for head in _nal_heads(payload, length_size) or ())


def has_irap(payload: bytes, length_size: int = 4) -> bool:
    """Whether a decoder may start at this HEVC packet (H.265 7.4.2.2: BLA, IDR, CRA). False if malformed."""
    return any(16 <= head >> 1 & 63 <= 23 for head in _nal_heads(payload, length_size) or ())


def _add_length(nal: bytes, length_size: int) -> bytes:
    if len(nal) >> (8 * length_size):
        raise MediaError(f"a parameter set of {len(nal)} bytes does not fit a {length_size}-byte length")
    return len(nal).to_bytes(length_size) + nal


def with_parameter_sets(payload: bytes, avcc: bytes) -> bytes:
    """Return the H.264 packet with the record's SPS and PPS in band, unless it has its own.

    They go before the first NAL unit, or after the access unit delimiter, which must stay first.
    """
    config = parse_avcc(avcc)
    nals = list(iter_nals(payload, config.length_size))
    if {_SPS, _PPS} <= {nal[0] & 31 for nal in nals}:
        return payload
    sets = b"".join(_add_length(nal, config.length_size) for nal in config.sps + config.pps)
    head = config.length_size + len(nals[0]) if nals and nals[0][0] & 31 == _AUD else 0
    return payload[:head] + sets + payload[head:]


def with_parameter_sets_hevc(payload: bytes, hvcc: bytes) -> bytes:
    """Return the HEVC packet with the record's VPS, SPS and PPS in band, unless it has its own."""
    config = parse_hvcc(hvcc)
    nals = list(iter_nals(payload, config.length_size))
    if {_HEVC_VPS, _HEVC_SPS, _HEVC_PPS} <= {nal[0] >> 1 & 63 for nal in nals}:
        return payload
    sets = b"".join(_add_length(nal, config.length_size) for nal in config.nals)
    head = config.length_size + len(nals[0]) if nals and nals[0][0] >> 1 & 63 == _HEVC_AUD else 0
    return payload[:head] + sets + payload[head:]


# ---------------------------------------------------------------- configuration records


def parse_avcc(data: bytes) -> AvcConfig:
    """Parse an avcC. Raises MediaError when it is truncated or of another version."""
    reader = _Bytes(data, "avcC")
    version, profile, compat, level = (reader.number(1) for _ in range(4))
    if version != 1:
        raise MediaError(f"an avcC of version {version}; known is 1")
    length_size = (reader.number(1) & 3) + 1
    sps = tuple(_take_nals(reader, reader.number(1) & 31))
    pps = tuple(_take_nals(reader, reader.number(1)))
    return AvcConfig(profile, compat, level, length_size, sps, pps, reader.rest())


def build_avcc(config: AvcConfig) -> bytes:
    """Return the avcC as bytes. Raises MediaError for more sets than its fields can count."""
    if len(config.sps) > 31 or len(config.pps) > 255:
        raise MediaError(
            f"{len(config.sps)} SPS and {len(config.pps)} PPS do not fit one avcC; allowed are 31 and 255"
        )
    out = bytearray((1, config.profile, config.compat, config.level, 0xFC | (config.length_size - 1)))
    out.append(0xE0 | len(config.sps))
    out += b"".join(_add_length(nal, 2) for nal in config.sps)
    out.append(len(config.pps))
    out += b"".join(_add_length(nal, 2) for nal in config.pps)
    return bytes(out + config.ext)


def avcc_from_nals(nals: Iterator[bytes] | list[bytes]) -> bytes:
    """Build an avcC with 4-byte lengths from SPS and PPS NAL units; others are ignored."""
    units = list(nals)
    sps = tuple(nal for nal in units if nal[:1] and nal[0] & 31 == _SPS)
    pps = tuple(nal for nal in units if nal[:1] and nal[0] & 31 == _PPS)
    if not sps or not pps or len(sps[0]) < 4:
        raise MediaError("an H.264 stream without SPS and PPS")
    head = sps[0]
    ext = b""
    if head[1] in _HIGH_RECORD:
        first = parse_sps(head)
        depth = 0xF8 | (first.bit_depth - 8)
        ext = bytes((0xFC | first.chroma_format_idc, depth, depth, 0))
    return build_avcc(AvcConfig(head[1], head[2], head[3], 4, sps, pps, ext))


def parse_hvcc(data: bytes) -> HevcConfig:
    """Parse an hvcC. Raises MediaError when it is truncated or of another version."""
    reader = _Bytes(data, "hvcC")
    head = reader.take(22)
    if head[0] > 1:  # 0 was written before the standard was final
        raise MediaError(f"an hvcC of version {head[0]}; known is 1")
    arrays = []
    for _ in range(reader.number(1)):
        kind = reader.number(1)
        arrays.append((kind, tuple(_take_nals(reader, reader.number(2)))))
    return HevcConfig(head, (head[21] & 3) + 1, tuple(arrays))


def build_hvcc(config: HevcConfig) -> bytes:
    out = bytearray(config.head)
    out.append(len(config.arrays))
    for kind, nals in config.arrays:
        out.append(kind)
        out += len(nals).to_bytes(2)
        out += b"".join(_add_length(nal, 2) for nal in nals)
    return bytes(out)


def hvcc_from_nals(nals: Iterator[bytes] | list[bytes], bit_depth: int) -> bytes:
    """Build an hvcC (4:2:0, 4-byte lengths) from VPS, SPS and PPS NAL units; others are ignored."""
    units = list(nals)
    arrays = tuple(
        (0x80 | kind, found)
        for kind in (_HEVC_VPS, _HEVC_SPS, _HEVC_PPS)
        if (found := tuple(nal for nal in units if nal[:1] and nal[0] >> 1 & 63 == kind))
    )
    if len(arrays) != 3:
        raise MediaError("an HEVC stream without VPS, SPS and PPS")
    # H.265 7.3.2.2: after NAL header and one byte, 12 bytes of profile, tier and level, the same in hvcC.
    general = unescape(arrays[1][1][0])[3:15].ljust(12, b"\0")
    depth = 0xF8 | (bit_depth - 8)
    # min_spatial_segmentation and parallelism: unknown, 4:2:0, one temporal layer, lengths of 4 bytes.
    tail = bytes((0xF0, 0, 0xFC, 0xFC | 1, depth, depth, 0, 0, 1 << 3 | 1 << 2 | 3))
    return build_hvcc(HevcConfig(b"\x01" + general + tail, 4, arrays))


def split_annexb(data: bytes) -> list[bytes]:
    """Return the NAL units of a byte stream with start codes (H.264 annex B, H.265 annex B)."""
    return [unit for piece in data.split(b"\0\0\1") if (unit := piece.rstrip(b"\0"))]


def _take_nals(reader: _Bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        nal = reader.take(reader.number(2))
        if not nal:
            raise MediaError("a configuration record holds an empty parameter set")
        yield nal


# ---------------------------------------------------------------- two encodings in one record


def sps_ids(avcc: bytes) -> frozenset[int]:
    return frozenset(map(parse_sps_id, parse_avcc(avcc).sps))


def pps_ids(avcc: bytes) -> frozenset[int]:
    return frozenset(parse_pps_ids(nal)[0] for nal in parse_avcc(avcc).pps)


def choose_sps_id(avcc: bytes) -> int:
    """Return an id for filler's SPS and PPS (x264 uses one for both): 1 if free, else the lowest free one.

    Raises MediaError when all of 0..31 are taken.
    """
    free = frozenset(range(MAX_SPS_ID + 1)) - sps_ids(avcc) - pps_ids(avcc)
    if free:
        return 1 if 1 in free else min(free)
    raise MediaError(f"the feed uses all {MAX_SPS_ID + 1} SPS ids; none is left for filler")


def merge(feed_avcc: bytes, filler_avcc: bytes) -> bytes:
    """Return one avcC with the parameter sets of both, the feed's first.

    Profile and level are the larger ones, constraint flags those set in both. Identical sets are kept once.
    Raises MediaError when two different sets share an id, or the NAL lengths differ.
    """
    feed, filler = parse_avcc(feed_avcc), parse_avcc(filler_avcc)
    if feed.length_size != filler.length_size:
        raise MediaError(
            f"NAL lengths of {feed.length_size} bytes (feed) and {filler.length_size} (filler) do not mix"
        )
    new_sps = tuple(nal for nal in filler.sps if nal not in feed.sps)
    new_pps = tuple(nal for nal in filler.pps if nal not in feed.pps)
    clash = {parse_sps_id(nal) for nal in new_sps} & {parse_sps_id(nal) for nal in feed.sps}
    if clash:
        raise MediaError(f"feed and filler both use SPS id {min(clash)}")
    clash = {parse_pps_ids(nal)[0] for nal in new_pps} & {parse_pps_ids(nal)[0] for nal in feed.pps}
    if clash:
        raise MediaError(f"feed and filler both use PPS id {min(clash)}")
    profile = max(feed.profile, filler.profile)
    return build_avcc(
        AvcConfig(
            profile=profile,
            compat=feed.compat & filler.compat,
            level=max(feed.level, filler.level),
            length_size=feed.length_size,
            sps=feed.sps + new_sps,
            pps=feed.pps + new_pps,
            ext=feed.ext or (filler.ext if profile in _HIGH_RECORD else b""),
        )
    )


def contains(merged: bytes, part: bytes) -> bool:
    """Whether `merged` has every parameter set of `part`: a stream with that header may carry it."""
    whole, piece = parse_avcc(merged), parse_avcc(part)
    return (
        whole.length_size == piece.length_size
        and set(piece.sps) <= set(whole.sps)
        and set(piece.pps) <= set(whole.pps)
    )
