"""Parser of audio tracks other than AAC: from configuration records and frame headers. Pure.

Sources: RFC 7845 5.1 (OpusHead), ISO/IEC 11172-3 2.4.1.3 (MPEG audio header),
ETSI TS 102 366 5.3.1, 5.4.1, E.1.2 (AC-3, E-AC-3), RFC 9639 8.2 (FLAC STREAMINFO). Fields that cannot be
read come from the container's values, or else from the usual ones.
"""

from typing import NamedTuple

from streamgate.core.packet import AudioTrack

_USUAL = (48_000, 2)
_MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_AC3_RATES = (48_000, 44_100, 32_000)
_AC3_CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)
_AC3_BLOCKS = (1, 2, 3, 6)
_SAMPLE_BYTES = {"pcm_alaw": 1, "pcm_mulaw": 1, "pcm_u8": 1, "pcm_s16le": 2}
_OPUS_RATE = 48_000  # at any encoded rate (RFC 7845, 4)
_OPUS_FRAME = 960  # 20 ms, the usual; each packet may differ
_SPEEX_FRAME = 320  # 20 ms at 16 kHz
MAX_FRAME_SAMPLES = 65_536


class _Read(NamedTuple):
    sample_rate: int
    channels: int
    frame_samples: int


def sound_track(codec: str, config: bytes, frame: bytes, said: tuple[int, int] = (0, 0)) -> AudioTrack:
    """Return the track of a codec that is not AAC.

    Args:
        codec: as in `AudioTrack`.
        config: its configuration record, b"" when it has none.
        frame: one encoded frame.
        said: sample rate and channels from the container or the metadata, 0 if missing.
    """
    read = _read(codec, config, frame, said)
    if read is None:
        rate, channels = said
        read = _Read(rate or _USUAL[0], channels or _USUAL[1], _plain_samples(codec, frame, channels))
    return AudioTrack(
        codec=codec,
        config=config,
        sample_rate=read.sample_rate,
        channels=read.channels,
        frame_samples=max(1, min(read.frame_samples, MAX_FRAME_SAMPLES)),
    )


def _read(codec: str, config: bytes, frame: bytes, said: tuple[int, int]) -> _Read | None:
    match codec:
        case "opus":
            head = config[:8] == b"OpusHead" and len(config) >= 19
            channels = (config[9] if head else said[1]) or _USUAL[1]
            return _Read(_OPUS_RATE, channels, _OPUS_FRAME)
        case "mp3":
            return _read_mpeg(frame)
        case "ac3" | "eac3":
            return _read_ac3(frame)
        case "flac":
            return _read_flac(config)
    return None


def _read_mpeg(frame: bytes) -> _Read | None:
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return None
    version, layer = frame[1] >> 3 & 3, frame[1] >> 1 & 3
    rate_index = frame[2] >> 2 & 3
    if version == 1 or layer == 0 or rate_index == 3:
        return None
    channels = 1 if frame[3] >> 6 == 3 else 2
    samples = {3: 384, 2: 1152, 1: 1152 if version == 3 else 576}[layer]
    return _Read(_MPEG_RATES[version][rate_index], channels, samples)


def _read_ac3(frame: bytes) -> _Read | None:
    if len(frame) < 8 or frame[:2] != b"\x0b\x77":
        return None
    if frame[5] >> 3 <= 10:  # bsid: AC-3
        rate_index, mode = frame[4] >> 6, frame[6] >> 5
        if rate_index == 3:
            return None
        bits = int.from_bytes(frame[6:8])  # acmod, then mix levels of 2 bits each by acmod, then lfeon
        skipped = 3 + 2 * (mode & 1 and mode != 1) + 2 * bool(mode & 4) + 2 * (mode == 2)
        lfe = bits >> (15 - skipped) & 1
        return _Read(_AC3_RATES[rate_index], _AC3_CHANNELS[mode] + lfe, 1536)
    rate_index, blocks = frame[4] >> 6, frame[4] >> 4 & 3
    mode, lfe = frame[4] >> 1 & 7, frame[4] & 1
    if rate_index == 3:  # half the rate, always six blocks
        if blocks == 3:
            return None
        return _Read(_AC3_RATES[blocks] // 2, _AC3_CHANNELS[mode] + lfe, 1536)
    return _Read(_AC3_RATES[rate_index], _AC3_CHANNELS[mode] + lfe, 256 * _AC3_BLOCKS[blocks])


def _read_flac(config: bytes) -> _Read | None:
    info = config[8:] if config[:4] == b"fLaC" else config
    if len(info) < 18:
        return None
    rate = int.from_bytes(info[10:13]) >> 4
    return _Read(rate, (info[12] >> 1 & 7) + 1, int.from_bytes(info[2:4])) if rate else None


def _plain_samples(codec: str, frame: bytes, channels: int) -> int:
    if codec == "speex":
        return _SPEEX_FRAME
    size = _SAMPLE_BYTES.get(codec)
    return 1024 if size is None else len(frame) // (size * max(channels, 1))
