"""Filler for every kind of AAC a feed can bring: as its own sound where that can be encoded, else stereo.

The feed airs through the real gate between its filler; FFmpeg reads the program as a player would.
"""

from functools import cache
from itertools import pairwise

import av
import numpy as np
import pytest
from fakes import clips_media

from streamgate.core import paramsets
from streamgate.core.aac import audio_track
from streamgate.core.clip import Clip
from streamgate.core.gate import SLATE, Gate
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.target import DEFAULT_AUDIO
from streamgate.playout import conform_audio
from streamgate.playout.conform import conform
from streamgate.playout.job import SLATE as SLATE_SOURCE
from streamgate.playout.job import ConformJob
from streamgate.rtmp import flv

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1", "7.1")  # 1 to 8 channels
ODD_LAYOUTS = ("2.1", "quad", "4.1", "5.1(side)", "octagonal")  # OBS has 2.1 and 4.1
FRAME = 1024
SECOND_US = 1_000_000
FEED_S = 3


@cache
def pictures():
    format_, packets = clips_media.feed(frames=30 * FEED_S, gop=30, rate=0)
    return format_.video, packets


@cache
def sound(rate, layout):
    """FEED_S seconds of a tone as FFmpeg encodes it: (AudioSpecificConfig, frames)."""
    channels = av.AudioLayout(layout).nb_channels
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    encoder.flags |= clips_media.GLOBAL_HEADER
    encoder.open()
    planar = av.AudioResampler("fltp", layout, rate)  # PyAV itself cannot fill the planes of 8 channels
    frames = []
    for index in range(round(FEED_S * rate / FRAME) + 1):
        at = np.arange(index * FRAME, (index + 1) * FRAME) / rate
        block = np.repeat(0.3 * np.sin(2 * np.pi * 330 * at).astype(np.float32), channels)[None]
        frame = av.AudioFrame.from_ndarray(block, "flt", layout)
        frame.sample_rate, frame.pts = rate, index * FRAME
        for piece in planar.resample(frame):
            frames += encoder.encode(piece)
    return bytes(encoder.extradata), [bytes(frame) for frame in frames[1:]]


def feed_with(config, frames):
    """The pictures with sound of this configuration, as the ingest reads it."""
    video, packets = pictures()
    track = audio_track(config)
    times = [round(index * track.frame_ms) for index in range(len(frames))]
    packets = packets + [
        Packet(Kind.AUDIO, at, at, False, data) for at, data in zip(times, frames, strict=True)
    ]
    return FeedFormat(video, track), sorted(packets, key=lambda packet: packet.dts)


def slate_for(tmp_path, format_, source=SLATE_SOURCE):
    out = tmp_path / "out.clip"
    sps_id = paramsets.choose_sps_id(format_.video.config)
    conform(ConformJob(str(source), "slate", format_, sps_id, str(out)))
    return Clip.from_buffer(out.read_bytes())


def aired(format_, packets, slate):
    """What a gate sends: filler, the feed once it is 30 s old, filler again."""
    gate = Gate(30)
    gate.feed(format_, 0)
    gate.install(slate, SLATE, format_)
    gate.start(0)
    start = 1 * SECOND_US
    events = {start + packet.dts * 1000 for packet in packets}
    waiting = list(packets)
    out = []
    for now in sorted(events | set(range(0, 36 * SECOND_US, 20_000))):
        while waiting and start + waiting[0].dts * 1000 <= now:
            gate.packet(waiting.pop(0), now)
        out += gate.advance(now)
    return out


def write_flv(path, program):
    """Write what a destination would be sent: a configuration only where it changes."""

    def tag(kind, at, body):
        head = (
            bytes((kind,)) + len(body).to_bytes(3) + (at & 0xFFFFFF).to_bytes(3) + bytes((at >> 24, 0, 0, 0))
        )
        return head + body + (len(head) + len(body)).to_bytes(4)

    parts, header = [b"FLV\x01\x05\0\0\0\x09\0\0\0\0"], FeedFormat()
    headers = []
    for one in program:
        at = one.packet.dts
        if one.header is not None:
            if one.header.video != header.video:
                parts.append(tag(9, at, flv.video_config_body(one.header.video)))
            if one.header.audio != header.audio:
                parts.append(tag(8, at, flv.audio_config_body(one.header.audio)))
            header = one.header
            headers.append(header)
        parts.append(tag(9 if one.packet.kind is Kind.VIDEO else 8, at, flv.packet_body(one.packet, header)))
    path.write_bytes(b"".join(parts))
    return headers


def decode(path):
    """(pictures, [(rate, channels) of each sound frame]) as FFmpeg decodes the file."""
    shown, heard = 0, []
    with av.open(str(path)) as container:
        for packet in container.demux():
            for frame in packet.decode():
                if isinstance(frame, av.AudioFrame):
                    heard.append((frame.sample_rate, frame.layout.nb_channels))
                else:
                    shown += 1
    return shown, heard


def is_carried(tmp_path, format_, packets, slate):
    """Air the feed with its filler; every picture and sound of it must decode, on one timeline."""
    program = aired(format_, packets, slate)
    path = tmp_path / "program.flv"
    headers = write_flv(path, program)
    live = [one for one in program if one.arrival_us is not None]
    assert len([one for one in live if one.packet.kind is Kind.VIDEO]) == 30 * FEED_S
    live_sound = [one for one in live if one.packet.kind is Kind.AUDIO]
    assert len(live_sound) * format_.audio.frame_ms >= FEED_S * 1000 - 200  # what filler covers at the joins
    filler = [one for one in program if one.arrival_us is None]
    assert filler[-1].packet.dts > live[-1].packet.dts  # and after it, filler again
    for kind in (Kind.VIDEO, Kind.AUDIO):
        times = [one.packet.dts for one in program if one.packet.kind is kind]
        assert all(a < b for a, b in pairwise(times))
    shown, heard = decode(path)
    assert shown == len([one for one in program if one.packet.kind is Kind.VIDEO])
    assert len(heard) == len([one for one in program if one.packet.kind is Kind.AUDIO])
    if slate.format.audio == format_.audio:
        assert len(headers) == 1
    else:
        assert [header.audio for header in headers] == [DEFAULT_AUDIO, format_.audio, DEFAULT_AUDIO]
        assert heard.count((48000, 2)) >= 46 * 30
    return heard


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_rate_and_count_of_channels(tmp_path, rate, layout):
    config, frames = sound(rate, layout)
    format_, packets = feed_with(config, frames)
    channels = LAYOUTS.index(layout) + 1
    assert (format_.audio.sample_rate, format_.audio.channels) == (rate, channels)
    slate = slate_for(tmp_path, format_)
    assert slate.format.audio == (format_.audio if channels <= 6 else DEFAULT_AUDIO)
    heard = is_carried(tmp_path, format_, packets, slate)
    assert heard.count((rate, channels)) * format_.audio.frame_ms >= FEED_S * 1000 - 200


@pytest.mark.parametrize("layout", ODD_LAYOUTS)
def test_layouts_spelt_out_in_a_program_config_element(tmp_path, layout):
    config, frames = sound(48000, layout)
    format_, packets = feed_with(config, frames)
    assert format_.audio.channels == av.AudioLayout(layout).nb_channels
    slate = slate_for(tmp_path, format_)
    assert slate.format.audio == DEFAULT_AUDIO
    heard = is_carried(tmp_path, format_, packets, slate)
    assert heard.count((48000, format_.audio.channels)) >= 46 * FEED_S


def bits(text):
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8)


SILENT_STEREO = bytes.fromhex("211004608c1c")


@pytest.mark.parametrize(
    ("config", "layout", "core_rate"),
    [
        (bits("00101 0110 0010 0011 00010 000"), "stereo", 24000),  # HE-AAC, told first
        (bits("00010 0110 0010 000 01010110111 00101 1 0011"), "stereo", 24000),  # HE-AAC, told behind
        (bits("11101 0110 0001 0011 00010 000"), "mono", 24000),  # HE-AAC v2
    ],
)
def test_other_ways_of_telling(tmp_path, config, layout, core_rate):
    _, frames = sound(core_rate, layout)
    format_, packets = feed_with(config, frames)
    assert (format_.audio.sample_rate, format_.audio.channels) == (48000, 2)
    slate = slate_for(tmp_path, format_)
    assert slate.format.audio == DEFAULT_AUDIO
    is_carried(tmp_path, format_, packets, slate)


@pytest.mark.parametrize(
    "config",
    [bits(f"00010 {rate:04b} {layout:04b} 000") for rate in range(13) for layout in (11, 12, 13, 14)]
    + [bits("00010 1111 000000001011101110000000 0010 000")],  # rate in full; FFmpeg decodes none of these
)
def test_configurations_that_cannot_be_encoded_here_have_stereo_filler(tmp_path, config):
    format_, packets = feed_with(config, [b"\x21\x1a\x4f"] * 100)
    slate = slate_for(tmp_path, format_)
    assert slate.format.audio == DEFAULT_AUDIO
    headers = write_flv(tmp_path / "program.flv", aired(format_, packets, slate))
    assert [header.audio for header in headers] == [DEFAULT_AUDIO, format_.audio, DEFAULT_AUDIO]


def test_frames_of_960_samples_have_stereo_filler(tmp_path):
    config = bits("00010 0011 0010 1 0 0")
    format_, packets = feed_with(config, [SILENT_STEREO] * round(FEED_S * 50))
    assert format_.audio.frame_ms == 20
    slate = slate_for(tmp_path, format_)
    assert slate.format.audio == DEFAULT_AUDIO
    is_carried(tmp_path, format_, packets, slate)


def broken_encoder(target):
    raise ValueError(f"no encoder for {target.channels} channels")


def test_a_slate_needs_no_sound_encoder(tmp_path, monkeypatch):
    monkeypatch.setattr(conform_audio, "AudioEncoder", broken_encoder)
    config, frames = sound(44100, "stereo")
    format_, packets = feed_with(config, frames)
    slate = slate_for(tmp_path, format_)
    assert slate.format.audio == DEFAULT_AUDIO
    is_carried(tmp_path, format_, packets, slate)


@pytest.mark.parametrize("layout", ["5.0", "5.1", "7.1"])
def test_a_backup_clip_keeps_its_sound_beside_such_a_feed(tmp_path, layout):
    config, frames = sound(48000, layout)
    format_, packets = feed_with(config, frames)
    movie = clips_media.write_movie(tmp_path / "in.mp4", rate=44100, channels=6, seconds=1)
    clip = slate_for(tmp_path, format_, movie)
    assert clip.has_sound
    is_carried(tmp_path, format_, packets, clip)
