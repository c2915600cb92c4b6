"""What a subscription to "keys" is sent: keyframes and sound, each with its arrival."""

from streamgate.clock import now_us
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.link.wire import FrameReader
from streamgate.playout.media_server import SOUND_TOGETHER, KeysSubscription


class Wire:
    """Takes what is written, as a transport that is never full."""

    def __init__(self) -> None:
        self.data = b""
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.data += data
        self.writes += 1

    def get_write_buffer_size(self) -> int:
        return 0


def test_keyframes_and_sound_go_out_with_their_arrival() -> None:
    wire = Wire()
    subscription = KeysSubscription(7, wire)  # type: ignore[arg-type]
    subscription.format(FeedFormat())
    began = now_us()
    for kind, keyframe in (
        (Kind.AUDIO, False),  # before the first keyframe: not wanted
        (Kind.VIDEO, True),
        (Kind.VIDEO, False),
        (Kind.AUDIO, False),
        (Kind.DATA, False),
        (Kind.VIDEO, True),
    ):
        subscription.packet(Packet(kind, 40, 80, keyframe, b"data"))
    _, *sent = FrameReader().feed(wire.data)
    packets = [frame[1] for frame in sent if isinstance(frame, tuple)]
    assert [(one.kind, one.keyframe, one.pts) for one in packets] == [
        (Kind.VIDEO, True, 80),
        (Kind.AUDIO, False, 80),
        (Kind.VIDEO, True, 80),
    ]
    assert all(began <= one.dts <= now_us() for one in packets)


def test_sound_is_written_several_frames_at_a_time_and_before_a_new_format() -> None:
    wire = Wire()
    subscription = KeysSubscription(7, wire)  # type: ignore[arg-type]
    subscription.packet(Packet(Kind.VIDEO, 0, 0, True, b"picture"))
    assert wire.writes == 1
    for at in range(SOUND_TOGETHER + 1):
        subscription.packet(Packet(Kind.AUDIO, at, at, False, b"sound"))
    assert wire.writes == 2
    subscription.format(FeedFormat())
    *sent, last = FrameReader().feed(wire.data)
    assert [frame[1].pts for frame in sent if isinstance(frame, tuple)] == [0, *range(SOUND_TOGETHER + 1)]
    assert isinstance(last, bytes)  # the format, behind the sound that came before it
