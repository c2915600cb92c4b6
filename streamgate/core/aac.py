"""Parser of AAC's AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). Pure."""

import msgspec

from streamgate.core.packet import AudioTrack
from streamgate.errors import MediaError

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 13: 24, 14: 8}  # table 1.19
_SBR, _PS = 5, 29
_GENERAL = frozenset({1, 2, 3, 4, 6, 7})  # object types followed by a GASpecificConfig
_SYNC_EXTENSION = 0x2B7


class AacConfig(msgspec.Struct, frozen=True, gc=False):
    """A parsed AudioSpecificConfig.

    `sample_rate` (Hz), `frame_samples`, `channels`: of the decoder's output, SBR and PS included.
    """

    object_type: int
    sample_rate: int
    channels: int
    frame_samples: int


class _Bits:
    """Bit reader, most significant bit first. `left`: the number of unread bits."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self.left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self.left:
            raise MediaError("an AudioSpecificConfig that ends too early")
        self.left -= count
        return self._value >> self.left & (1 << count) - 1

    def object_type(self) -> int:
        kind = self.take(5)
        return 32 + self.take(6) if kind == 31 else kind

    def rate(self) -> int:
        index = self.take(4)
        if index == 15:
            return self.take(24)
        if index >= len(_RATES):
            raise MediaError(f"an AudioSpecificConfig with rate index {index}; known are 0 to 12 and 15")
        return _RATES[index]


def parse_asc(config: bytes) -> AacConfig:
    """Parse an AudioSpecificConfig. Raises MediaError when it is truncated or invalid."""
    bits = _Bits(config)
    object_type = bits.object_type()
    core_rate = output_rate = bits.rate()
    channel_config = bits.take(4)
    doubled = False
    stereo = object_type == _PS
    if object_type in {_SBR, _PS}:
        output_rate = bits.rate()
        doubled = True
        object_type = bits.object_type()
    frame_samples = 1024
    channels = _CHANNELS.get(channel_config, 0)
    if object_type in _GENERAL:
        frame_samples = 960 if bits.take(1) else 1024
        if bits.take(1):  # depends on a core coder
            bits.take(14)
        bits.take(1)
        if channel_config == 0:
            channels = _program_channels(bits)
        if not doubled and bits.left >= 16 and bits.take(11) == _SYNC_EXTENSION:
            doubled = bits.object_type() == _SBR and bits.take(1) == 1
            output_rate = bits.rate() if doubled else output_rate
    if not channels or not 7_000 <= core_rate <= 96_000 or not 7_000 <= output_rate <= 192_000:
        raise MediaError(f"an AudioSpecificConfig with {channels} channels at {output_rate} Hz")
    return AacConfig(
        object_type=object_type,
        sample_rate=output_rate,
        channels=2 if stereo and channels == 1 else channels,
        frame_samples=frame_samples * 2 if doubled and output_rate == 2 * core_rate else frame_samples,
    )


def audio_track(config: bytes) -> AudioTrack:
    """Return the track that an AudioSpecificConfig describes. Raises MediaError as `parse_asc`."""
    parsed = parse_asc(config)
    return AudioTrack(
        codec="aac",
        config=config,
        sample_rate=parsed.sample_rate,
        channels=parsed.channels,
        frame_samples=parsed.frame_samples,
    )


def _program_channels(bits: _Bits) -> int:
    """Count the channels of a program_config_element (ISO/IEC 14496-3, 4.4.1.1)."""
    bits.take(4 + 2 + 4)
    counts = [bits.take(4) for _ in range(3)]  # front, side, back
    low, data, coupling = bits.take(2), bits.take(3), bits.take(4)
    for width in (4, 4, 3):  # mono, stereo, matrix mixdown
        if bits.take(1):
            bits.take(width)
    channels = low
    for _ in range(sum(counts)):
        channels += 1 + bits.take(1)
        bits.take(4)
    rest = 4 * low + 4 * data + 5 * coupling
    rest += (bits.left - rest) % 8  # byte alignment, counted from the start of the config
    if bits.left >= rest + 8:  # an extension may follow the comment field
        bits.take(rest)
        bits.take(min(8 * bits.take(8), bits.left))
    return channels
