"""What is told of spans: by the packets of the camera that is wanted on air."""

from fakes.media import AUDIO, AVCC, video, video_track

from streamgate.clock import now_us, wall_at
from streamgate.core.gate import SECOND_US, Gate
from streamgate.core.packet import FeedFormat
from streamgate.core.standby import STANDBY
from streamgate.playout.marks import Marks

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)


def test_the_keyframes_told_are_of_the_camera_whose_pictures_spans_are_fitted_to() -> None:
    begin = now_us()
    gate = Gate(30)
    gate.start(begin)
    gate.feed(FEED, begin)
    gate.standby_feed(FEED, begin)
    for n in range(100):
        at = begin + n * 40_000
        gate.packet(video(n, gop=50), at)
        gate.standby_packet(video(n + 25, gop=50), at)
    now = begin + 4 * SECOND_US
    marks = Marks("main", gate, lambda *_: None)

    def told() -> list[float]:
        return [round(at - wall_at(now) + 4, 2) for at in marks.keyframes_at(now)]

    assert told() == [0, 2]
    gate.air_backup(STANDBY, now, "console:ann")
    assert told() == [1, 3]
    span = gate.mark("condemn", (begin + SECOND_US, begin + 2 * SECOND_US), now)
    assert gate.marking.reach(span, now).last == begin + 3 * SECOND_US - 1000, "where it really ends"
