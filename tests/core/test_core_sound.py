"""Audio tracks read from what FFmpeg's encoders write."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.packet import AudioTrack
from streamgate.core.sound import sound_track


def encoded(codec, rate, layout, sample_format):
    """Return (extradata, a packet) of one second of noise."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, sample_format
    count = encoder.layout.nb_channels
    size = 960 if codec == "libopus" else 1536 if "ac3" in codec else 1152
    packets = []
    for start in range(0, rate, size):
        noise = np.random.default_rng(start).normal(0, 0.1, (count, size)).astype(np.float32)
        if sample_format == "s16":
            noise = (noise * 8000).astype(np.int16)
        if not sample_format.endswith("p"):
            noise = np.ascontiguousarray(noise.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(noise, format=sample_format, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        packets += encoder.encode(frame)
    return bytes(encoder.extradata or b""), bytes(packets[3])


@pytest.mark.parametrize(
    ("codec", "encoder", "samples", "layout", "frame"),
    [
        ("opus", "libopus", (48000, "flt"), "mono", 960),
        ("opus", "libopus", (48000, "flt"), "5.1", 960),
        ("mp3", "libmp3lame", (44100, "fltp"), "stereo", 1152),
        ("mp3", "libmp3lame", (48000, "fltp"), "mono", 1152),
        ("mp3", "libmp3lame", (22050, "fltp"), "stereo", 576),
        ("ac3", "ac3", (48000, "fltp"), "5.1", 1536),
        ("ac3", "ac3", (44100, "fltp"), "stereo", 1536),
        ("eac3", "eac3", (48000, "fltp"), "5.1", 1536),
        ("eac3", "eac3", (32000, "fltp"), "mono", 1536),
        ("flac", "flac", (44100, "s16"), "stereo", 0),
    ],
)
def test_the_track_is_what_the_encoder_was_set_to(codec, encoder, samples, layout, frame):
    rate, sample_format = samples
    config, unit = encoded(encoder, rate, layout, sample_format)
    track = sound_track(codec, config, unit, (11025, 7))
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    assert (track.codec, track.sample_rate, track.channels) == (codec, rate, channels)
    assert not frame or track.frame_samples == frame


def test_what_cannot_be_read_is_taken_from_what_the_container_says():
    assert sound_track("mp3", b"", b"\0\0\0\0", (22050, 1)) == AudioTrack("mp3", b"", 22050, 1)
    assert sound_track("abcd", b"", b"x") == AudioTrack("abcd", b"", 48000, 2)
    assert sound_track("pcm_s16le", b"", bytes(400), (44100, 2)) == AudioTrack(
        "pcm_s16le", b"", 44100, 2, 100
    )


@given(
    st.sampled_from(["opus", "mp3", "ac3", "eac3", "flac", "speex", "pcm_u8", "?"]),
    st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(b"OpusHead".__add__)),
    st.one_of(st.binary(max_size=20), st.binary(max_size=20).map(b"\x0b\x77".__add__)),
)
def test_any_bytes_are_a_track_that_can_be_reckoned_with(codec, config, frame):
    track = sound_track(codec, config, frame)
    assert track.sample_rate >= 1
    assert track.channels >= 1
    assert track.frame_samples >= 1
