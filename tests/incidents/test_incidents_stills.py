"""Stills of an incident while the standby camera is on air: they show the camera that aired."""

import contextlib
import io

import msgspec
import pytest
from archive_media import FEED, PACKETS, Recording
from fakes import clips_media
from PIL import Image

from streamgate.archive.catalog import Catalog
from streamgate.archive.edit_list import Begin, list_path
from streamgate.archive.parts import days, read_index
from streamgate.core.edits import FILLER, LIVE, Piece
from streamgate.incidents.evidence import recordings_on_air
from streamgate.incidents.incident import BY, Opened, fold, stills_due
from streamgate.incidents.stills import take_still

T = 1_790_000_000.0  # both cameras come in from here on
NAME = "main-20260921T141320Z"
DELAY = 30.0
NAMES = ("main", "main-standby")


def begin(series, at):
    return Begin(
        broadcast=NAME,
        channel="main",
        started_at=T,
        at=at,
        mono_us=0,
        boot="b",
        series=series,
        floor_us=30_000_000,
        delay_us=30_000_000,
    )


def piece(at, source=LIVE, series=0):
    return Piece(
        at=at, from_us=0, to_us=1, source=source, delay_us=30_000_000, runs=[], series=series, why="cut"
    )


@pytest.fixture
def archive(tmp_path):
    """Both cameras recorded for 12 s; main airs for 4 s, then the standby, a cut, main again."""
    root = tmp_path / "archive"
    with contextlib.ExitStack() as stack:
        main, other = (stack.enter_context(contextlib.closing(Recording(root, name))) for name in NAMES)
        main.publish(T, feed=FEED, packets=PACKETS)
        feed, packets = clips_media.feed(width=160, height=90, fps=15, frames=180, gop=30)
        other.publish(T, feed=feed, packets=packets)
        mine, its = main.writer.series, main.writer.series + 1
    air = T + DELAY
    lines = [begin(mine, T), piece(air), piece(air + 4, series=its), piece(air + 6, FILLER), piece(air + 9)]
    path = list_path(root, "main", NAME)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return root


def test_the_camera_that_was_on_air_is_found_by_when_the_picture_was_due(archive):
    due = [T + DELAY + second for second in (-1, 1, 4.5, 7, 9.5)]
    assert recordings_on_air(archive, "main", NAME, due) == ["main", "main", NAMES[1], NAMES[1], "main"]
    assert recordings_on_air(archive, "main", "", due) == ["main"] * 5
    assert recordings_on_air(archive, "main", "main-20270101T000000Z", due) == ["main"] * 5


def test_packets_of_main_from_before_a_restart_are_mains(archive):
    (before,) = {line.series for day in days(archive, "main") for line in read_index(day)}
    path = list_path(archive, "main", NAME)
    lines = [begin(before + 7000, T), piece(T + DELAY, series=before)]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    assert recordings_on_air(archive, "main", NAME, [T + DELAY + 1]) == ["main"]


def test_a_still_is_of_the_standby_camera_while_that_was_on_air(archive, tmp_path):
    moment = T + 5
    event = Opened(id="i", at=moment, by=BY, kind="cut", channel="main", happened=moment, delay_s=DELAY)
    one = fold({}, event)["i"]
    name = recordings_on_air(archive, "main", NAME, stills_due(one))[2]
    with contextlib.closing(Catalog(tmp_path / "catalog.sqlite")) as catalog:
        shown = [
            Image.open(io.BytesIO(take_still(archive, catalog, recording, moment))).size
            for recording in ("main", name)
        ]
    assert shown == [(160, 96), (160, 90)]
