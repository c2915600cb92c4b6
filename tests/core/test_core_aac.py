import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.aac import AacConfig, parse_asc
from streamgate.errors import MediaError


def bits(text):
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (bytes.fromhex("1190"), AacConfig(2, 48000, 2, 1024)),
        (bytes.fromhex("1210"), AacConfig(2, 44100, 2, 1024)),
        (bytes.fromhex("119056e500"), AacConfig(2, 48000, 2, 1024)),  # as FFmpeg writes it: SBR said absent
        (bits("00010 0011 0010 1 0 0"), AacConfig(2, 48000, 2, 960)),
        (bits("00101 0110 0010 0011 00010 000"), AacConfig(2, 48000, 2, 2048)),  # HE-AAC
        (bits("11101 0111 0001 0100 00010 000"), AacConfig(2, 44100, 2, 2048)),  # HE-AAC v2, mono coded
        (bits("00010 1111 000000001011101110000000 0001 000"), AacConfig(2, 48000, 1, 1024)),  # rate in full
        # 5.1 spelt out in a program config element: front C + L/R, side pair, LFE
        (
            bits(
                "00010 0011 0000 000  0000 01 0011 0010 0001 0000 01 000 0000 000"
                " 0 0000  1 0000  1 0001  0000 00000000"
            ),
            AacConfig(2, 48000, 6, 1024),
        ),
    ],
)
def test_known_configs(config, expected):
    assert parse_asc(config) == expected


def test_backward_compatible_sbr():
    config = bits("00010 0110 0010 000 01010110111 00101 1 0011")
    assert parse_asc(config) == AacConfig(2, 48000, 2, 2048)


def test_sbr_told_behind_a_program_config_element():
    comment = "00000010 01000001 01000010"
    config = bits(
        "00010 0110 0000 000  0000 01 0110 0001 0000 0000 00 000 0000 000  1 0000 0"  # one pair; aligned
        + comment
        + "01010110111 00101 1 0011"
    )
    assert parse_asc(config) == AacConfig(2, 48000, 2, 2048)


@pytest.mark.parametrize("config", [b"", b"\x11", bits("00010 1101 0010 000"), bits("00010 0011 1111 000")])
def test_nonsense_is_refused(config):
    with pytest.raises(MediaError, match="AudioSpecificConfig"):
        parse_asc(config)


@given(st.binary(max_size=24))
def test_any_bytes_parse_or_are_refused(config):
    try:
        parsed = parse_asc(config)
    except MediaError:
        return
    assert parsed.channels > 0
    assert parsed.sample_rate >= 7000
