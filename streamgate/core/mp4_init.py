"""MP4 initialization segment (ftyp, moov) and RFC 6381 codec names. Pure.

ISO/IEC 14496-12 (boxes), -14 (mp4a), -15 (avc1, hvc1), the bindings of AV1, VP9 and Opus to ISOBMFF.
Used through `core.fmp4`.
"""

import struct

from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.errors import MediaError

VIDEO_TRACK_ID = 1
AUDIO_TRACK_ID = 2
VIDEO_TIMESCALE = 90_000
SYNC = 0x02000000  # sample_depends_on = 2: on nothing (14496-12, 8.8.3.1)
NON_SYNC = 0x01010000  # sample_depends_on = 1, sample_is_non_sync_sample

# Raw data blocks of AAC-LC whose channels are all silent, by channelConfiguration; the same at every rate,
# since they code no scale factor band at all. Decoded to zeros by FFmpeg (tests/core/test_core_fmp4.py).
_SILENT_AAC = {
    1: bytes.fromhex("00c800802380"),
    2: bytes.fromhex("210049900219002380"),
    3: bytes.fromhex("00c8008020840126400864008e"),
    4: bytes.fromhex("00c80080208401264008640080" + "2c80080238"),
    5: bytes.fromhex("00c80080208401264008640082" + "3004990021900238"),
    6: bytes.fromhex("00c80080208401264008640082" + "3004990021900200b2002008e0"),
}

OPUS_RATE = 48_000  # Opus in ISOBMFF, 4.3: the timescale, at any encoded rate
_AAC_OBJECT_TYPE = 0x40
_MP3_OBJECT_TYPE = 0x6B  # MPEG-1 audio (14496-1, table 5); readers detect MPEG-2 from the frames
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


# ---------------------------------------------------------------- codec names


def codec_string(track: VideoTrack | AudioTrack) -> str:  # noqa: PLR0911 (a table of codecs)
    """Return the RFC 6381 name of a track's codec, for MediaSource.isTypeSupported.

    Raises:
        MediaError: the codec is not supported in MP4 files here, or its configuration is malformed.
    """
    config = track.config
    if track.codec == "h264":
        return "avc1." + _avcc(config)[1:4].hex()
    if track.codec == "hevc":
        return _hevc_string(config)
    if track.codec == "av1":
        return _av1_string(config)
    if track.codec == "vp9":
        profile, level, depth = _vpcc(config)[:3]
        return f"vp09.{profile:02d}.{level:02d}.{depth >> 4:02d}"
    if track.codec == "aac":
        return f"mp4a.40.{_audio_object_type(config)}"
    if track.codec == "mp3":
        return f"mp4a.{_MP3_OBJECT_TYPE:02X}"
    if track.codec == "opus":
        return "opus"
    raise MediaError(_cannot_carry(track.codec))


def mime(feed: FeedFormat) -> str:
    """Return the MIME type with codecs, e.g. `video/mp4; codecs="avc1.64001f,mp4a.40.2"`."""
    names = ",".join(codec_string(track) for track in (feed.video, feed.audio) if track is not None)
    return f'{"video" if feed.video is not None else "audio"}/mp4; codecs="{names}"'


def can_carry(track: VideoTrack | AudioTrack) -> bool:
    """Whether a track can be written: its codec is supported and its configuration is well formed."""
    try:
        _video_entry(track) if isinstance(track, VideoTrack) else _audio_entry(track)
        codec_string(track)
    except MediaError:
        return False
    return True


def silent_frame(track: AudioTrack) -> bytes | None:
    """Return one silent AAC-LC frame for this track; None when none is known (other codecs, HE-AAC)."""
    if track.codec != "aac" or len(track.config) < 2 or _audio_object_type(track.config) != 2:
        return None
    return _SILENT_AAC.get((track.config[1] >> 3) & 0x0F)


def sound_timescale(track: AudioTrack) -> int:
    """Return the timescale of a sound track, in ticks a second."""
    return OPUS_RATE if track.codec == "opus" else track.sample_rate


def frame_ticks(track: AudioTrack) -> int:
    """Return the duration of an audio frame, in ticks of the track's timescale."""
    if track.codec == "opus":
        return OPUS_RATE // 50  # usually 20 ms; each frame carries its duration, see `opus_ticks`
    if track.codec == "mp3":
        return 1152 if track.sample_rate >= 32_000 else 576  # MPEG-1; MPEG-2 and 2.5
    return track.frame_samples


def opus_ticks(frame: bytes) -> int:
    """Return the duration of an Opus packet in ticks of 48 kHz (RFC 6716, 3.1); 20 ms if it has none."""
    if not frame:
        return OPUS_RATE // 50
    config, code = frame[0] >> 3, frame[0] & 3
    if config < 12:  # SILK
        ticks = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:  # hybrid
        ticks = (480, 960)[config & 1]
    else:  # CELT
        ticks = (120, 240, 480, 960)[config & 3]
    frames = (1, 2, 2)[code] if code < 3 else (frame[1] & 0x3F if len(frame) > 1 else 1)
    return ticks * frames or OPUS_RATE // 50


def _cannot_carry(codec: str) -> str:
    return f"codec {codec!r} cannot be written to MP4; allowed are h264, hevc, av1, vp9, aac, mp3 and opus"


def _avcc(config: bytes) -> bytes:
    if len(config) < 7 or config[0] != 1:
        raise MediaError(f"an avcC of {len(config)} bytes is malformed; it starts with 1 and has 7 or more")
    return config


def _hevc_string(config: bytes) -> str:
    """Return the RFC 6381 name for an hvcC (14496-15, annex E.3)."""
    if len(config) < 23 or config[0] != 1:
        raise MediaError(f"an hvcC of {len(config)} bytes is malformed; it starts with 1 and has 23 or more")
    space = ("", "A", "B", "C")[config[1] >> 6]
    compatibility = int(f"{int.from_bytes(config[2:6], 'big'):032b}"[::-1], 2)
    tier = "H" if config[1] & 0x20 else "L"
    name = f"hvc1.{space}{config[1] & 0x1F}.{compatibility:X}.{tier}{config[12]}"
    constraints = config[6:12].rstrip(b"\0")
    return name + "".join(f".{byte:X}" for byte in constraints)


def _av1_string(config: bytes) -> str:
    """Return the RFC 6381 name for an av1C (AV1 Codec ISO Media File Format Binding, clause 5)."""
    if len(config) < 4 or config[0] != 0x81:
        raise MediaError(
            f"an av1C of {len(config)} bytes is malformed; it starts with 0x81 and has 4 or more"
        )
    depth = 8
    if config[2] & 0x40:
        depth = 12 if config[2] & 0x20 else 10
    tier = "H" if config[2] & 0x80 else "M"
    return f"av01.{config[1] >> 5}.{config[1] & 0x1F:02d}{tier}.{depth:02d}"


def _vpcc(config: bytes) -> bytes:
    """Return the fields of a vpcC (VP Codec ISO Media File Format Binding 1.0), without version and flags.

    Encoders send it with or without them. Without, it never begins 01 00: that is profile 1, level 0.
    """
    fields = config[4:] if config.startswith(b"\x01\0\0\0") else config
    if len(fields) < 8:
        raise MediaError(
            f"a vpcC of {len(config)} bytes is malformed; it has 8 or more, or 12 with a version"
        )
    return fields


def _audio_object_type(config: bytes) -> int:
    """Return the audio object type (14496-3, 1.6.2.1): five bits, or 31 and six more."""
    if len(config) < 2:
        raise MediaError(f"an AudioSpecificConfig of {len(config)} bytes is malformed; it has 2 or more")
    kind = config[0] >> 3
    return 32 + ((config[0] & 7) << 3 | config[1] >> 5) if kind == 31 else kind


# ---------------------------------------------------------------- initialisation segment


def init_segment(feed: FeedFormat) -> bytes:
    """Return ftyp + moov: video is track 1 (90 kHz), audio track 2 (timescale: its sample rate, or Opus's).

    Raises:
        MediaError: no track, or one that cannot be carried.
    """
    if feed.video is None and feed.audio is None:
        raise MediaError("an MP4 needs a video or an audio track; the format has neither")
    tracks = []
    extends = []
    if feed.video is not None:
        tracks.append(_video_trak(feed.video))
        extends.append(_full(b"trex", 0, 0, struct.pack(">5I", VIDEO_TRACK_ID, 1, 0, 0, NON_SYNC)))
    if feed.audio is not None:
        tracks.append(_audio_trak(feed.audio))
        extends.append(
            _full(b"trex", 0, 0, struct.pack(">5I", AUDIO_TRACK_ID, 1, frame_ticks(feed.audio), 0, SYNC))
        )
    mvhd = _full(
        b"mvhd",
        0,
        0,
        struct.pack(">4IIH10x", 0, 0, 1000, 0, 0x10000, 0x0100)
        + _MATRIX
        + bytes(24)
        + struct.pack(">I", AUDIO_TRACK_ID + 1),
    )
    ftyp = _box(b"ftyp", b"iso5\0\0\x02\0iso5iso6mp41")
    return ftyp + _box(b"moov", mvhd, *tracks, _box(b"mvex", *extends))


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, version: int, flags: int, body: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), body)


def _video_trak(track: VideoTrack) -> bytes:
    return _trak(
        VIDEO_TRACK_ID,
        timescale=VIDEO_TIMESCALE,
        handler=b"vide",
        name=b"VideoHandler",
        media_header=_full(b"vmhd", 0, 1, bytes(8)),
        entry=_video_entry(track),
        size=(track.width, track.height),
    )


def _audio_trak(track: AudioTrack) -> bytes:
    return _trak(
        AUDIO_TRACK_ID,
        timescale=sound_timescale(track),
        handler=b"soun",
        name=b"SoundHandler",
        media_header=_full(b"smhd", 0, 0, bytes(4)),
        entry=_audio_entry(track),
        size=None,
    )


def _trak(
    number: int,
    *,
    timescale: int,
    handler: bytes,
    name: bytes,
    media_header: bytes,
    entry: bytes,
    size: tuple[int, int] | None,
) -> bytes:
    width, height = size or (0, 0)
    volume = 0x0100 if size is None else 0
    tkhd = _full(
        b"tkhd",
        0,
        3,  # enabled, in movie
        struct.pack(">5I8x4H", 0, 0, number, 0, 0, 0, 1 if size is None else 0, volume, 0)
        + _MATRIX
        + struct.pack(">2I", width << 16, height << 16),
    )
    mdhd = _full(b"mdhd", 0, 0, struct.pack(">4I2H", 0, 0, timescale, 0, 0x55C4, 0))  # language "und"
    hdlr = _full(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + name + b"\0")
    dinf = _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1) + _full(b"url ", 0, 1, b"")))
    stbl = _box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1) + entry),
        _full(b"stts", 0, 0, bytes(4)),
        _full(b"stsc", 0, 0, bytes(4)),
        _full(b"stsz", 0, 0, bytes(8)),
        _full(b"stco", 0, 0, bytes(4)),
    )
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, _box(b"minf", media_header, dinf, stbl)))


def _video_entry(track: VideoTrack) -> bytes:
    config = track.config
    if track.codec == "h264":
        kind, record = b"avc1", _box(b"avcC", _avcc(config))
    elif track.codec == "hevc":
        _hevc_string(config)
        kind, record = b"hvc1", _box(b"hvcC", config)
    elif track.codec == "av1":
        _av1_string(config)
        kind, record = b"av01", _box(b"av1C", config)
    elif track.codec == "vp9":
        kind, record = b"vp09", _full(b"vpcC", 1, 0, _vpcc(config))
    else:
        raise MediaError(_cannot_carry(track.codec))
    if not (0 < track.width < 0x10000 and 0 < track.height < 0x10000):
        raise MediaError(f"a picture of {track.width}x{track.height}; each side is 1 to 65535 pixels")
    head = struct.pack(
        ">6xH16x2H2I4xH32xHh", 1, track.width, track.height, 0x480000, 0x480000, 1, 0x18, -1
    )  # data reference 1, 72 dpi, one frame per sample, depth 24, no colour table
    return _box(kind, head, record)


def _audio_entry(track: AudioTrack) -> bytes:
    if track.codec == "aac":
        _audio_object_type(track.config)
        kind, record = b"mp4a", _esds(_AAC_OBJECT_TYPE, track.config)
    elif track.codec == "mp3":
        kind, record = b"mp4a", _esds(_MP3_OBJECT_TYPE, b"")
    elif track.codec == "opus":
        kind, record = b"Opus", _dops(track)
    else:
        raise MediaError(_cannot_carry(track.codec))
    if track.sample_rate <= 0 or track.frame_samples <= 0:
        raise MediaError(
            f"audio of {track.sample_rate} Hz, {track.frame_samples} samples a frame; both are > 0"
        )
    hz = sound_timescale(track)
    rate = hz << 16 if hz < 0x10000 else 0  # 96 kHz does not fit in 16.16; mdhd has it
    return _box(kind, struct.pack(">6xH8x2H4xI", 1, track.channels, 16, rate), record)


def _descriptor(tag: int, body: bytes) -> bytes:
    """Return a descriptor (14496-1, 8.3.3), its size in four bytes of seven bits as other muxers do."""
    size = len(body)
    return (
        bytes((tag, size >> 21 | 0x80, size >> 14 & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size & 0x7F)) + body
    )


def _esds(object_type: int, config: bytes) -> bytes:
    specific = _descriptor(5, config) if config else b""
    decoder = _descriptor(4, struct.pack(">BB3xII", object_type, 0x15, 0, 0) + specific)
    return _full(b"esds", 0, 0, _descriptor(3, struct.pack(">HB", 0, 0) + decoder + _descriptor(6, b"\x02")))


def _dops(track: AudioTrack) -> bytes:
    """Convert a little-endian OpusHead (RFC 7845, 5.1) to a big-endian dOps; defaults without an OpusHead.

    The default pre-skip is 0: it is the number of samples to drop at the start of a stream, and a file here
    rarely starts there.
    """
    head = track.config
    if not head:
        if track.channels > 2:
            raise MediaError(f"Opus of {track.channels} channels needs an OpusHead that says where each goes")
        return _box(b"dOps", struct.pack(">BBHIhB", 0, track.channels, 0, 48_000, 0, 0))
    if len(head) < 19 or not head.startswith(b"OpusHead"):
        raise MediaError(f"an OpusHead of {len(head)} bytes is malformed; it has 19 or more")
    channels, skip, rate, gain, family = struct.unpack_from("<BHIhB", head, 9)
    if family and len(head) < 21 + channels:
        raise MediaError(f"an OpusHead of {len(head)} bytes lacks the table of its {channels} channels")
    return _box(
        b"dOps", struct.pack(">BBHIhB", 0, channels, skip, rate, gain, family), head[19:] if family else b""
    )
