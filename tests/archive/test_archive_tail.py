"""The tail: arrivals noted beside the recording, and the packets that a killed process left, read back."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from fakes.archive_media import FEED, PACKETS

from streamgate.archive.located import PartIndex
from streamgate.archive.parts import find_parts, read_index
from streamgate.archive.tail import MAX_ROWS, SLACK_US, TailWriter, parse_tail, read_back, take_tail
from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import boot_id
from streamgate.core.edits import Run
from streamgate.core.packet import Kind
from streamgate.core.refill import Chosen
from streamgate.errors import ArchiveError

WALL = 1_790_000_000.0
FIRST_US = 5_000_000
KILLED = """
import sys, time
from pathlib import Path
from fakes.archive_media import FEED, PACKETS
from streamgate.archive.writer import ArchiveWriter
root, tail = map(Path, sys.argv[1:])
writer = ArchiveWriter(root, "main", alarm=print, tail=tail)
writer.start()
writer.format(FEED, "one")
for packet in PACKETS:
    writer.packet(packet, 5_000_000 + packet.dts * 1000, 1_790_000_000 + packet.dts / 1000)
while writer.status().parts < 2 or len(writer._intake):
    time.sleep(0.01)
print(writer.series, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What a process leaves that was killed in its second part: the archive's root and the tail's bytes."""
    place = tmp_path_factory.mktemp("killed")
    root, tail = place / "archive", place / "run" / "tail" / "main"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, root, tail],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None
    series = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    return root, take_tail(tail), tail, series


def whole(tail, **changes) -> Chosen:
    return Chosen(tail.noted, 0, tail.series, FEED)._replace(**changes)


def test_what_was_recorded_is_read_back_as_it_came(killed):
    root, left, path, series = killed
    tail = parse_tail(left)
    assert (tail.boot, tail.series) == (boot_id(), series)
    assert not path.exists(), "it was taken away"
    assert len({one.part for one in tail.noted}) == 2
    back = read_back(root, whole(tail))
    media = [packet for packet in PACKETS if packet.kind is not Kind.DATA]
    assert len(back) > len(media) * 0.7
    assert [held.packet for held in back] == media[: len(back)]
    assert [held.arrival for held in back] == [FIRST_US + one.dts * 1000 for one in media[: len(back)]]
    numbers = [held.number for held in back if held.packet.kind is Kind.AUDIO]
    assert numbers == list(range(len(numbers)))


def test_from_a_row_on_and_without_sound(killed):
    root, left, _, _ = killed
    tail = parse_tail(left)
    first = next(n for n, row in enumerate(tail.noted[2].rows) if n and row.kind == Kind.VIDEO)
    silent = FEED.__class__(FEED.video, None)
    back = read_back(root, whole(tail, noted=tail.noted[2:4], first=first, feed=silent))
    rows = [row for row in [*tail.noted[2].rows[first:], *tail.noted[3].rows] if row.kind == Kind.VIDEO]
    assert [(held.number, held.packet.pts) for held in back] == [(row.number, row.pts) for row in rows]


@pytest.mark.parametrize("at", [40, -40])
def test_one_flipped_byte_gives_up(killed, tmp_path, at):
    root, left, _, _ = killed
    tail = parse_tail(left)
    source = root / tail.noted[-1].part
    spoiled = bytearray(source.read_bytes()[: tail.noted[-1].offset + tail.noted[-1].size])
    spoiled[at] ^= 1
    copy = tmp_path / tail.noted[-1].part
    copy.parent.mkdir(parents=True)
    copy.write_bytes(spoiled)
    with pytest.raises(ArchiveError, match="does not hold what was written"):
        read_back(tmp_path, whole(tail, noted=tail.noted[-1:]))
    copy.write_bytes(b"")
    with pytest.raises(ArchiveError):
        read_back(tmp_path, whole(tail, noted=tail.noted[-1:]))
    copy.unlink()
    copy.symlink_to(source)
    with pytest.raises(OSError, match="plain file"):
        read_back(tmp_path, whole(tail, noted=tail.noted[-1:]))


def test_the_torn_part_is_indexed_with_its_numbers_and_arrivals(killed, tmp_path):
    root, left, _, series = killed
    copy = tmp_path / "archive"
    subprocess.run(["cp", "-r", root, copy], check=True)
    alarms = []
    writer = ArchiveWriter(copy, "main", alarm=lambda *said: alarms.append(said), left=left)
    writer.start()
    assert writer.close()
    first, torn = [record for day in sorted(copy.glob("*/*")) for record in read_index(day)]
    assert (torn.repaired, torn.series, torn.origin_ms) == (True, series, first.origin_ms + 6000)
    assert torn.numbers["video"] == (first.numbers["video"][1] + 1, first.video + torn.video - 1)
    assert torn.numbers["audio"] == (first.numbers["audio"][1] + 1, first.audio + torn.audio - 1)
    assert first.last_us < torn.first_us < torn.last_us
    index = PartIndex.read(copy, "main")
    count = first.video + torn.video
    assert sum(one.packets for one in index.find(series, Run("video", 0, count, 0))) == count


def test_a_torn_line_is_not_there_and_a_damaged_one_spoils_all(killed):
    _, left, _, _ = killed
    tail = parse_tail(left)
    assert parse_tail(left[:-20]).noted == tail.noted[:-1]
    assert parse_tail(left[:200] + b"\n" + left[200:]) is None
    assert parse_tail(b"") is None
    assert parse_tail(b"{}\n") is None


# ---------------------------------------------------------------- the writer's bounds


@pytest.fixture
def writer(tmp_path):
    return ArchiveWriter(tmp_path / "archive", "main", alarm=lambda *_: None, tail=tmp_path / "tail" / "main")


def give(writer, seconds: int, *, begin: int = 0) -> None:
    """Let the recorder take the feed's packets over and over, a second for each of its groups."""
    recorder = writer._recorder
    from streamgate.archive.containers import Arrived
    from streamgate.archive.intake import NewFormat

    recorder.change(NewFormat(FEED, "one"))
    video = [packet for packet in PACKETS if packet.kind is Kind.VIDEO][:25]
    for second in range(begin, begin + seconds):
        for n, packet in enumerate(video):
            moved = msgspec.structs.replace(
                packet, dts=second * 1000 + n * 40, pts=second * 1000 + n * 40, keyframe=n == 0
            )
            at_s = second + n / 25
            recorder.take(Arrived(moved, round(at_s * 1e6), WALL + at_s, second * 25 + n))
    recorder.flush()


def test_no_more_than_the_delay_and_some_is_kept(writer, tmp_path):
    path = tmp_path / "tail" / "main"
    give(writer, 400)
    tail = parse_tail(path.read_bytes())
    newest_us = tail.noted[-1].rows[-1].arrival_us
    kept_us = newest_us - tail.noted[0].rows[0].arrival_us
    assert 30_000_000 + SLACK_US <= kept_us < 3 * (30_000_000 + SLACK_US)
    assert path.stat().st_size < 500_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(path.parent.iterdir())) == 1
    writer.close()


def test_what_is_forgotten_stays_forgotten(writer, tmp_path):
    path = tmp_path / "tail" / "main"
    give(writer, 5)
    assert path.exists()
    writer.forget_tail()
    give(writer, 5, begin=5)
    assert not path.exists()


def test_a_shared_memory_that_takes_nothing_stops_no_recording(tmp_path):
    (tmp_path / "tail").write_text("this is no directory")
    writer = ArchiveWriter(tmp_path / "archive", "main", alarm=print, tail=tmp_path / "tail" / "main")
    give(writer, 20)
    assert writer._recorder.parts == 4
    assert sum(1 for _ in find_parts(tmp_path / "archive")) == 4


def test_an_orderly_end_leaves_nothing(tmp_path):
    path = tmp_path / "tail" / "main"
    writer = ArchiveWriter(tmp_path / "archive", "main", alarm=print, tail=path)
    writer.start()
    writer.format(FEED, "one")
    for packet in PACKETS:
        writer.packet(packet, packet.dts * 1000, WALL + packet.dts / 1000)
    assert writer.close()
    assert not path.exists()


def test_a_fragment_of_too_many_packets_is_left_out(tmp_path):
    tail = TailWriter(tmp_path / "main", 1, 30)
    tail.note(None, 0, FEED, "one", [None] * (MAX_ROWS + 1))
    assert not list(tmp_path.iterdir())


def test_nothing_to_take_is_nothing(tmp_path):
    assert take_tail(Path(tmp_path / "none")) == b""
