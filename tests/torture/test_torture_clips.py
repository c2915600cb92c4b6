from torture.clips import double_tags


def tag(kind: int, body: bytes) -> bytes:
    return (
        bytes((kind,)) + len(body).to_bytes(3, "big") + bytes(7) + body + (11 + len(body)).to_bytes(4, "big")
    )


def test_sound_and_picture_tags_are_doubled_headers_and_metadata_are_not() -> None:
    head = b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4)
    metadata, header = tag(18, b"onMetaData"), tag(9, b"\x17\x00header")
    picture, sound = tag(9, b"\x17\x01picture"), tag(8, b"\xaf\x01sound")

    doubled = double_tags(head + metadata + header + picture + sound)

    assert doubled == head + metadata + header + picture * 2 + sound * 2
