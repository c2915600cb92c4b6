"""Parser of H.264 SPS, of SPS and PPS ids, and of the HEVC SPS's picture format. Pure.

Source: ITU-T H.264 7.3.2.1, 7.3.2.2 and annex E. Functions raise only MediaError, for any input bytes.
"""

from fractions import Fraction
from math import gcd

import msgspec

from streamgate.errors import MediaError

MAX_SPS_ID = 31
MAX_PPS_ID = 255

_SPS = 7
_HIGH_SPS = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_MAX_RBSP = 4096  # bytes of a parameter set that are read; real ones have fewer than 200
_SAR = (
    (0, 1), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11),
    (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
)  # fmt: skip
_SAR_EXTENDED = 255
_MAX_SIDE = 65536  # pixels


class Sps(msgspec.Struct, frozen=True, gc=False):
    """Content of an H.264 sequence parameter set.

    `width`, `height`: pixels after cropping. `fps`: frames a second when the VUI carries timing.
    `num_reorder_frames`, `max_dec_frame_buffering`: None when the VUI does not restrict them.
    `colour`: (primaries, transfer, matrix) as code points, when given. `sar`: (0, 1) is unspecified.
    """

    id: int
    profile_idc: int
    compat: int
    level_idc: int
    chroma_format_idc: int
    bit_depth: int
    width: int
    height: int
    num_ref_frames: int
    frame_mbs_only: bool
    sar: tuple[int, int] = (0, 1)
    full_range: bool = False
    colour: tuple[int, int, int] | None = None
    fps: Fraction | None = None
    fixed_frame_rate: bool = False
    num_reorder_frames: int | None = None
    max_dec_frame_buffering: int | None = None


class _Bits:
    """Bit reader of a NAL unit's RBSP; raises MediaError past its end."""

    def __init__(self, nal: bytes, header: int) -> None:
        rbsp = unescape(nal[header : header + _MAX_RBSP])
        self._value = int.from_bytes(rbsp)
        self._left = 8 * len(rbsp)

    def u(self, count: int) -> int:
        if count > self._left:
            raise MediaError("a parameter set ends too early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.u(1) == 1

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 31:
                raise MediaError("a parameter set holds a number of more than 32 bits")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def unescape(data: bytes) -> bytes:
    """Remove emulation prevention: 00 00 03 stands for 00 00."""
    if b"\x00\x00\x03" not in data:
        return data
    out = bytearray()
    start = 0
    while (found := data.find(b"\x00\x00\x03", start)) >= 0:
        out += data[start : found + 2]
        start = found + 3
    return bytes(out + data[start:])


def _check_limit(name: str, value: int, high: int) -> int:
    if value > high:
        raise MediaError(f"{name} is {value}; allowed are 0 to {high}")
    return value


def parse_sps_id(nal: bytes) -> int:
    """Return seq_parameter_set_id without reading further, so that an invalid VUI does not matter."""
    bits = _Bits(nal, 1)
    bits.u(24)
    return _check_limit("seq_parameter_set_id", bits.ue(), MAX_SPS_ID)


def parse_pps_ids(nal: bytes) -> tuple[int, int]:
    """Return (pic_parameter_set_id, seq_parameter_set_id)."""
    bits = _Bits(nal, 1)
    pps_id = _check_limit("pic_parameter_set_id", bits.ue(), MAX_PPS_ID)
    return pps_id, _check_limit("seq_parameter_set_id", bits.ue(), MAX_SPS_ID)


def parse_sps(nal: bytes) -> Sps:
    """Parse an SPS NAL unit with its header byte (H.264 7.3.2.1.1). Raises MediaError if malformed."""
    if not nal or nal[0] & 31 != _SPS:
        raise MediaError("not a sequence parameter set")
    bits = _Bits(nal, 1)
    profile, compat, level = bits.u(8), bits.u(8), bits.u(8)
    sps_id = _check_limit("seq_parameter_set_id", bits.ue(), MAX_SPS_ID)
    chroma, depth = _read_chroma(bits) if profile in _HIGH_SPS else (1, 8)
    bits.ue()  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    refs = _check_limit("max_num_ref_frames", bits.ue(), 16)
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    columns, rows = bits.ue() + 1, bits.ue() + 1
    frame_only = bits.flag()
    if not frame_only:
        bits.flag()  # mb_adaptive_frame_field_flag
        rows *= 2
    bits.flag()  # direct_8x8_inference_flag
    left, right, top, bottom = (bits.ue() for _ in range(4)) if bits.flag() else (0, 0, 0, 0)
    unit_x = 2 if chroma in {1, 2} else 1
    unit_y = (2 if chroma == 1 else 1) * (1 if frame_only else 2)
    width = 16 * columns - unit_x * (left + right)
    height = 16 * rows - unit_y * (top + bottom)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise MediaError(f"an SPS gives a picture of {width}x{height}")
    sps = Sps(sps_id, profile, compat, level, chroma, depth, width, height, refs, frame_only)
    return _read_vui(bits, sps) if bits.flag() else sps


def parse_hevc_picture(nal: bytes) -> tuple[int, int, int, int]:
    """Return (width, height, chroma_format_idc, bit depth) of an HEVC SPS NAL unit (H.265 7.3.2.2, 7.3.3).

    Width and height are coded sizes, before cropping. Raises MediaError if malformed.
    """
    bits = _Bits(nal, 2)
    bits.u(4)
    layers = bits.u(3)
    bits.u(1)
    bits.u(96)  # general profile, tier and level
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    bits.u(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.u(88 * profile + 8 * level)
    _check_limit("sps_seq_parameter_set_id", bits.ue(), MAX_SPS_ID)
    chroma = _check_limit("chroma_format_idc", bits.ue(), 3)
    if chroma == 3:
        bits.flag()
    width, height = bits.ue(), bits.ue()
    if bits.flag():  # conformance window
        for _ in range(4):
            bits.ue()
    return width, height, chroma, 8 + _check_limit("bit_depth_luma_minus8", bits.ue(), 8)


def _read_chroma(bits: _Bits) -> tuple[int, int]:
    """Return (chroma_format_idc, bit depth of luma)."""
    chroma = _check_limit("chroma_format_idc", bits.ue(), 3)
    if chroma == 3:
        bits.flag()  # separate_colour_plane_flag
    depth = 8 + _check_limit("bit_depth_luma_minus8", bits.ue(), 6)
    _check_limit("bit_depth_chroma_minus8", bits.ue(), 6)
    bits.flag()  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, depth


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    order_type = _check_limit("pic_order_cnt_type", bits.ue(), 2)
    if order_type == 0:
        bits.ue()
    elif order_type == 1:
        bits.flag()
        bits.se()
        bits.se()
        for _ in range(_check_limit("num_ref_frames_in_pic_order_cnt_cycle", bits.ue(), 255)):
            bits.se()


def _read_vui(bits: _Bits, sps: Sps) -> Sps:
    """Parse the video usability information (H.264 E.1.1) and return `sps` with its fields set."""
    sar = _read_sar(bits) if bits.flag() else (0, 1)
    if bits.flag():
        bits.flag()  # overscan_appropriate_flag
    full_range, colour = _read_colour(bits) if bits.flag() else (False, None)
    if bits.flag():
        bits.ue()  # chroma_sample_loc_type_top_field
        bits.ue()
    fps, fixed = _read_timing(bits) if bits.flag() else (None, False)
    has_hrd = False
    for _ in ("nal", "vcl"):
        if bits.flag():
            _skip_hrd(bits)
            has_hrd = True
    if has_hrd:
        bits.flag()  # low_delay_hrd_flag
    bits.flag()  # pic_struct_present_flag
    reorder, buffering = _read_restriction(bits) if bits.flag() else (None, None)
    return msgspec.structs.replace(
        sps,
        sar=sar,
        full_range=full_range,
        colour=colour,
        fps=fps,
        fixed_frame_rate=fixed,
        num_reorder_frames=reorder,
        max_dec_frame_buffering=buffering,
    )


def _read_sar(bits: _Bits) -> tuple[int, int]:
    code = bits.u(8)
    if code == _SAR_EXTENDED:
        width, height = bits.u(16), bits.u(16)
        divisor = gcd(width, height)
        return (width // divisor, height // divisor) if width and height else (0, 1)
    return _SAR[code] if code < len(_SAR) else (0, 1)


def _read_colour(bits: _Bits) -> tuple[bool, tuple[int, int, int] | None]:
    """Return (full range, (primaries, transfer, matrix))."""
    bits.u(3)  # video_format
    full_range = bits.flag()
    return full_range, (bits.u(8), bits.u(8), bits.u(8)) if bits.flag() else None


def _read_timing(bits: _Bits) -> tuple[Fraction | None, bool]:
    """Return (frames a second, whether it is fixed). A tick is a field: two per frame."""
    tick, scale = bits.u(32), bits.u(32)
    fixed = bits.flag()
    return (Fraction(scale, 2 * tick) if tick and scale else None), fixed


def _read_restriction(bits: _Bits) -> tuple[int, int]:
    """Return (max_num_reorder_frames, max_dec_frame_buffering)."""
    bits.flag()  # motion_vectors_over_pic_boundaries_flag
    for _ in range(4):
        bits.ue()
    return bits.ue(), bits.ue()


def _skip_hrd(bits: _Bits) -> None:
    count = _check_limit("cpb_cnt_minus1", bits.ue(), 31) + 1
    bits.u(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.flag()
    bits.u(20)
