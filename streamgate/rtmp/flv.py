"""FLV tag bodies, as in RTMP audio, video and data messages: parser and writer. Pure.

Sources: "Adobe Flash Video File Format Specification" 10.1, annex E.4 (the legacy tags, H.264 and AAC), and
"Enhanced RTMP" v1 and v2 (Veovera): FourCC codecs, ModEx, multitrack. Codec names are those of
`streamgate.core.packet`: h264, hevc, av1, vp9, vp8; aac, opus, mp3, flac, ac3, eac3; others as their FourCC;
the codecs that only legacy tags carry: h263, screen, vp6, vp6a, screen2; adpcm, nellymoser, pcm_alaw,
pcm_mulaw, pcm_s16le, pcm_u8, speex, device.

Parsing never raises: a body that cannot be used returns `Unsupported` with a reason.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.errors import ProtocolError
from streamgate.rtmp import amf0


class VideoTag(msgspec.Struct, frozen=True, gc=False):
    """A parsed video message.

    `kind`: config (payload: avcC, hvcC, ...), frame (payload: the packet's data), end (of sequence), other.
    `cts`: composition time, pts - dts, signed milliseconds.
    """

    codec: str
    kind: Literal["config", "frame", "end", "other"]
    keyframe: bool
    cts: int
    payload: bytes


class AudioTag(msgspec.Struct, frozen=True, gc=False):
    """A parsed audio message. `kind`: config (payload: AudioSpecificConfig, OpusHead), frame, end, other."""

    codec: str
    kind: Literal["config", "frame", "end", "other"]
    payload: bytes


class ScriptData(msgspec.Struct, frozen=True):
    """A parsed data message. `name`: onMetaData, onTextData, onCuePoint ...; @setDataFrame is removed."""

    name: str
    values: list[amf0.Value]


class Unsupported(msgspec.Struct, frozen=True):
    """A message that cannot be used. `reason`: a text for operators."""

    reason: str


VIDEO_FOURCC = {"h264": b"avc1", "hevc": b"hvc1", "av1": b"av01", "vp9": b"vp09", "vp8": b"vp08"}
AUDIO_FOURCC = {
    "aac": b"mp4a",
    "opus": b"Opus",
    "mp3": b".mp3",
    "flac": b"fLaC",
    "ac3": b"ac-3",
    "eac3": b"ec-3",
}
_VIDEO_NAME = {fourcc: name for name, fourcc in VIDEO_FOURCC.items()}
_AUDIO_NAME = {fourcc: name for name, fourcc in AUDIO_FOURCC.items()}
_LEGACY_VIDEO = {2: "h263", 3: "screen", 4: "vp6", 5: "vp6a", 6: "screen2", 7: "h264", 12: "hevc", 13: "av1"}
"""7 is in the standard; 12 and 13 are not: several Chinese networks use them."""
_LEGACY_AUDIO = {
    0: "pcm_s16le", 1: "adpcm", 2: "mp3", 3: "pcm_s16le", 4: "nellymoser", 5: "nellymoser", 6: "nellymoser",
    7: "pcm_alaw", 8: "pcm_mulaw", 10: "aac", 11: "speex", 13: "opus", 14: "mp3", 15: "device",
}  # fmt: skip
"""0 is PCM in the encoder's own byte order: little-endian on the machines that still encode."""
_LEGACY_FIXED = {4: (16_000, 1), 5: (8_000, 1), 7: (8_000, 0), 8: (8_000, 0), 11: (16_000, 1), 14: (8_000, 0)}
"""Sample rate and channels where the flags do not give them (FLV 10.1, E.4.2.1); 0: the flag does."""
_LEGACY_RATES = (5512, 11025, 22050, 44100)

_KEYFRAME, _INTERFRAME, _COMMAND_FRAME = 1, 2, 5
_EX_AUDIO = 9
_SEQUENCE_START, _CODED_FRAMES, _SEQUENCE_END, _CODED_FRAMES_X, _MULTITRACK, _MOD_EX = 0, 1, 2, 3, 5, 7
_VIDEO_MULTITRACK = 6
_ONE_TRACK, _MANY_TRACKS, _MANY_TRACKS_MANY_CODECS = 0, 1, 2
_CUT_SHORT = Unsupported("a media message that is cut short")


def parse_video(body: bytes) -> VideoTag | Unsupported:  # noqa: PLR0911 (a table of forms)
    """Parse a video message (type 9); of a multitrack message, track 0."""
    if not body:
        return Unsupported("an empty video message")
    head = body[0]
    frame_type = head >> 4 & 7
    keyframe = frame_type == _KEYFRAME
    if head & 0x80:
        return _parse_enhanced_video(body, head & 15, frame_type, keyframe=keyframe)
    codec = _LEGACY_VIDEO.get(head & 15)
    if codec is None:
        return Unsupported(f"video of the unknown codec number {head & 15}")
    if frame_type == _COMMAND_FRAME:
        return VideoTag(codec, "other", False, 0, b"")
    if codec not in ("h264", "hevc", "av1"):
        return VideoTag(codec, "frame", keyframe, 0, body[1:])
    if len(body) < 5:
        # ffmpeg and others end a stream with a bare two- or three-byte tag.
        return VideoTag(codec, "end", False, 0, b"") if body[1:2] == b"\x02" else _CUT_SHORT
    kind = body[1]
    if kind == 0:
        return VideoTag(codec, "config", keyframe, 0, body[5:])
    if kind == 1:
        return VideoTag(codec, "frame", keyframe, int.from_bytes(body[2:5], "big", signed=True), body[5:])
    return VideoTag(codec, "end" if kind == 2 else "other", False, 0, b"")


def _parse_enhanced_video(  # noqa: PLR0911 (a table of forms)
    body: bytes, kind: int, frame_type: int, *, keyframe: bool
) -> VideoTag | Unsupported:
    found = _enhanced(body, kind, _VIDEO_MULTITRACK, command=frame_type == _COMMAND_FRAME)
    if isinstance(found, Unsupported):
        return found
    kind, fourcc, payload = found
    codec = _VIDEO_NAME.get(fourcc) or fourcc.decode("latin-1")
    if kind == _SEQUENCE_START:
        return VideoTag(codec, "config", keyframe, 0, payload)
    if kind == _CODED_FRAMES:
        if codec not in ("h264", "hevc"):
            return VideoTag(codec, "frame", keyframe, 0, payload)
        if len(payload) < 3:
            return _CUT_SHORT
        return VideoTag(
            codec, "frame", keyframe, int.from_bytes(payload[:3], "big", signed=True), payload[3:]
        )
    if kind == _CODED_FRAMES_X:
        return VideoTag(codec, "frame", keyframe, 0, payload)
    return VideoTag(codec, "end" if kind == _SEQUENCE_END else "other", False, 0, payload)


def parse_audio(body: bytes) -> AudioTag | Unsupported:  # noqa: PLR0911 (a table of forms)
    """Parse an audio message (type 8); of a multitrack message, track 0."""
    if not body:
        return Unsupported("an empty audio message")
    number = body[0] >> 4
    if number == _EX_AUDIO:
        found = _enhanced(body, body[0] & 15, _MULTITRACK, command=False)
        if isinstance(found, Unsupported):
            return found
        kind, fourcc, payload = found
        codec = _AUDIO_NAME.get(fourcc) or fourcc.decode("latin-1")
        if kind == _SEQUENCE_START:
            return AudioTag(codec, "config", payload)
        if kind == _CODED_FRAMES:
            return AudioTag(codec, "frame", payload)
        return AudioTag(codec, "end" if kind == _SEQUENCE_END else "other", payload)
    name = _LEGACY_AUDIO.get(number)
    if name is None:
        return Unsupported(f"audio of the unknown codec number {number}")
    if name == "pcm_s16le" and not body[0] & 2:
        name = "pcm_u8"
    if name != "aac":
        return AudioTag(name, "frame", body[1:])
    if len(body) < 2:
        return _CUT_SHORT
    return AudioTag("aac", "config" if body[1] == 0 else "frame", body[2:])


def legacy_sound(body: bytes) -> tuple[int, int]:
    """Return (sample rate, channels) from the flags of a legacy audio message; (0, 0) when it has none."""
    number = body[0] >> 4 if body else _EX_AUDIO
    if number == _EX_AUDIO:
        return 0, 0
    rate, channels = _LEGACY_FIXED.get(number, (_LEGACY_RATES[body[0] >> 2 & 3], 0))
    return rate, channels or 1 + (body[0] & 1)


def _enhanced(  # noqa: PLR0911 (one header, read from front to back)
    body: bytes, kind: int, multitrack: int, *, command: bool
) -> tuple[int, bytes, bytes] | Unsupported:
    """Parse an enhanced RTMP header: return (packet type, FourCC, payload) of track 0, ModEx skipped."""
    position = 1
    while kind == _MOD_EX:  # modifiers, such as nanosecond offsets: not used here
        if position + 1 > len(body):
            return _CUT_SHORT
        size = body[position] + 1
        position += 1
        if size == 256:
            size = int.from_bytes(body[position : position + 2], "big") + 1
            position += 2
        position += size
        if position + 1 > len(body):
            return _CUT_SHORT
        kind = body[position] & 15
        position += 1
    if command and kind != 4:
        return Unsupported("a video command message")
    if kind != multitrack:
        fourcc = body[position : position + 4]
        return (kind, fourcc, body[position + 4 :]) if len(fourcc) == 4 else _CUT_SHORT
    if position + 1 > len(body):
        return _CUT_SHORT
    layout, kind = body[position] >> 4, body[position] & 15
    position += 1
    if layout > _MANY_TRACKS_MANY_CODECS or kind in (multitrack, _MOD_EX):
        return Unsupported(f"a multitrack message of the unknown layout {layout}")
    fourcc = b""
    if layout != _MANY_TRACKS_MANY_CODECS:
        fourcc = body[position : position + 4]
        position += 4
    while position < len(body):
        if layout == _MANY_TRACKS_MANY_CODECS:
            fourcc = body[position : position + 4]
            position += 4
        track = body[position : position + 1]
        position += 1
        end = len(body)
        if layout != _ONE_TRACK:
            end = position + 3 + int.from_bytes(body[position : position + 3], "big")
            position += 3
        if len(fourcc) < 4 or position > len(body) or end > len(body):
            return _CUT_SHORT
        if track == b"\x00":
            return kind, fourcc, body[position:end]
        position = end
    return Unsupported("a multitrack message without track 0")


def parse_data(body: bytes) -> ScriptData | Unsupported:
    """Parse a data message (type 18; type 15 without its leading zero byte)."""
    try:
        values = amf0.decode(body)
    except ProtocolError as error:
        return Unsupported(f"script data: {error}")
    if values and values[0] == "@setDataFrame":
        del values[0]
    if not values or not isinstance(values[0], str):
        return Unsupported("script data without a name")
    return ScriptData(values[0], values[1:])


# ---------------------------------------------------------------- writing
#
# H.264, AAC, MP3 and the codecs that only legacy tags carry are written as legacy tags, which every server
# accepts. All others are written as enhanced RTMP.

_LEGACY_RATE = {5512: 0, 11025: 1, 22050: 2, 44100: 3}
_OLD_VIDEO = {"h263": 2, "screen": 3, "vp6": 4, "vp6a": 5, "screen2": 6}
_OLD_AUDIO = {
    "pcm_s16le": 3, "pcm_u8": 3, "adpcm": 1, "mp3": 2, "nellymoser": 6, "pcm_alaw": 7, "pcm_mulaw": 8,
    "speex": 11, "device": 15,
}  # fmt: skip


def can_write(track: VideoTrack | AudioTrack) -> bool:
    """Whether a message can name the codec of `track`."""
    known, old = (VIDEO_FOURCC, _OLD_VIDEO) if isinstance(track, VideoTrack) else (AUDIO_FOURCC, _OLD_AUDIO)
    codec = track.codec
    return codec in known or codec in old or len(codec.encode("latin-1", "replace")) == 4


def video_fourcc(codec: str) -> bytes:
    return VIDEO_FOURCC.get(codec) or _fourcc(codec)


def audio_fourcc(codec: str) -> bytes:
    return AUDIO_FOURCC.get(codec) or _fourcc(codec)


def _fourcc(codec: str) -> bytes:
    return codec.encode("latin-1", "replace")[:4].ljust(4)


def video_body(packet: Packet, codec: str) -> bytes:
    """Return the body of a video message holding `packet`."""
    frame_type = _KEYFRAME if packet.keyframe else _INTERFRAME
    cts = max(-0x800000, min(packet.pts - packet.dts, 0x7FFFFF))
    if codec == "h264":
        return b"%c\x01%b%b" % (frame_type << 4 | 7, (cts & 0xFFFFFF).to_bytes(3, "big"), packet.data)
    if codec == "hevc" and cts:
        time = (cts & 0xFFFFFF).to_bytes(3, "big")
        return b"%chvc1%b%b" % (0x80 | frame_type << 4 | _CODED_FRAMES, time, packet.data)
    if codec in _OLD_VIDEO:
        return b"%c%b" % (frame_type << 4 | _OLD_VIDEO[codec], packet.data)
    kind = _CODED_FRAMES_X if codec == "hevc" else _CODED_FRAMES
    return b"%c%b%b" % (0x80 | frame_type << 4 | kind, video_fourcc(codec), packet.data)


def audio_body(packet: Packet, track: AudioTrack) -> bytes:
    """Return the body of an audio message holding `packet`."""
    if track.codec == "aac":
        return b"\xaf\x01" + packet.data
    number = _OLD_AUDIO.get(track.codec)
    if number is not None:
        if track.codec == "nellymoser" and track.channels == 1:
            number = {16_000: 4, 8_000: 5}.get(track.sample_rate, 6)
        rate = _LEGACY_RATE.get(track.sample_rate, 3)
        wide = 0 if track.codec == "pcm_u8" else 2
        return bytes((number << 4 | rate << 2 | wide | (track.channels > 1),)) + packet.data
    return bytes((_EX_AUDIO << 4 | _CODED_FRAMES,)) + audio_fourcc(track.codec) + packet.data


def packet_body(packet: Packet, feed: FeedFormat) -> bytes:
    """Return the body of the message that carries `packet` of `feed`; empty when `feed` has no such track."""
    if packet.kind is Kind.VIDEO:
        return video_body(packet, feed.video.codec) if feed.video is not None else b""
    if packet.kind is Kind.AUDIO:
        return audio_body(packet, feed.audio) if feed.audio is not None else b""
    return packet.data


def video_config_body(track: VideoTrack) -> bytes:
    """Return the body of the message with the codec's configuration record; empty when there is none."""
    if not track.config or track.codec in _OLD_VIDEO:
        return b""
    if track.codec == "h264":
        return b"\x17\x00\x00\x00\x00" + track.config
    return bytes((0x80 | _KEYFRAME << 4 | _SEQUENCE_START,)) + video_fourcc(track.codec) + track.config


def audio_config_body(track: AudioTrack) -> bytes:
    """Return the body of the message with the codec's configuration; empty when there is none."""
    if not track.config or track.codec in _OLD_AUDIO:
        return b""
    if track.codec == "aac":
        return b"\xaf\x00" + track.config
    return bytes((_EX_AUDIO << 4 | _SEQUENCE_START,)) + audio_fourcc(track.codec) + track.config


def metadata_body(
    feed: FeedFormat, encoder: str = "streamgate", more: Mapping[str, amf0.Value] | None = None
) -> bytes:
    """Return the body of a data message: @setDataFrame, onMetaData of `feed` and `more` members."""
    members: dict[str, amf0.Value] = {"duration": 0.0, "fileSize": 0.0}
    video, audio = feed.video, feed.audio
    if video is not None:
        members |= {"width": video.width, "height": video.height}
        if video.fps_num > 0 and video.fps_den > 0:
            members["framerate"] = round(video.fps_num / video.fps_den, 3)
        number = {"h264": 7, **_OLD_VIDEO}.get(video.codec)
        if number is None:
            number = int.from_bytes(video_fourcc(video.codec), "big")
        members["videocodecid"] = number
    if audio is not None:
        number = {"aac": 10, **_OLD_AUDIO}.get(audio.codec)
        if number is None:
            number = int.from_bytes(audio_fourcc(audio.codec), "big")
        members |= {
            "audiocodecid": number,
            "audiosamplerate": audio.sample_rate,
            "audiosamplesize": 16,
            "audiochannels": audio.channels,
            "stereo": audio.channels > 1,
        }
    members |= {"encoder": encoder, **(more or {})}
    return amf0.encode("@setDataFrame", "onMetaData", amf0.EcmaArray(members))
