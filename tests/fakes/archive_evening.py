"""A recorded broadcast for tests of the Archive screen: recording, edit list and ledger, made in a moment.

12 s come in, 30 s nothing, 12 s more. Live airs 30 s later; 4 s of it were cut and are covered by the slate.
"""

from pathlib import Path

from archive_media import WALL, Recording

from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.edit_list import Begin, End
from streamgate.archive.edit_writer import EditWriter
from streamgate.core.edits import LIVE, Piece, Run
from streamgate.incidents.book import Book
from streamgate.incidents.evidence import keep
from streamgate.incidents.incident import BY, Completed, Ended, Opened
from streamgate.ledger.record import Notice
from streamgate.ledger.writer import Writer

S = 1_000_000
DELAY_S = 30
NAME = broadcast_id("main", WALL)
CUT = (6.0, 10.0)  # of what came in, seconds after WALL
ENDS = WALL + 54 + DELAY_S
_RUNS = [Run("video", 0, 25, 0)]


def record(root: Path) -> None:
    recording = Recording(root)
    recording.publish(WALL)
    recording.gone()
    recording.publish(WALL + 42, source="two")
    recording.close()


def live(start_s: float, end_s: float) -> Piece:
    """Return what came in from `start_s` to `end_s` as it aired. The gate's clock is 0 at WALL."""
    first, last = round(start_s * S), round(end_s * S)
    left = first + DELAY_S * S
    at = WALL + start_s + DELAY_S
    return Piece(at, left, left + last - first, LIVE, DELAY_S * S, _RUNS, arrived_us=(first, last))


def filler(start_s: float, end_s: float, why: str, actor: str = "") -> Piece:
    """Return filler that airs from `start_s` to `end_s` after WALL."""
    first, last = round(start_s * S), round(end_s * S)
    more = {"filler": "slate", "why": why, "actor": actor}
    return Piece(WALL + start_s, first, last, "filler", DELAY_S * S, _RUNS, **more)


def write_edit_list(root: Path) -> None:
    writer = EditWriter(root, "main", alarm=lambda *_: None)
    begin = {"floor_us": DELAY_S * S, "delay_us": DELAY_S * S}
    writer.put(Begin(NAME, "main", WALL, WALL, 0, "boot", 7, **begin))
    frame_s = 0.04
    for line in (
        filler(0, 30 - frame_s, "start"),
        live(0, 2 - frame_s),
        live(2, 6 - frame_s),
        filler(36, 40 - frame_s, "cut", "console:ann"),
        live(10, 12 - frame_s),
        filler(42, 72 - frame_s, "no_input"),
        live(42, 54 - frame_s),
    ):
        writer.put(line)
    writer.put(End(ENDS))
    assert writer.close()


def write_ledger(ledger: Path) -> None:
    writer = Writer(ledger, "gate", clock=lambda: WALL)
    for at_s, code, who, text, chinese in (
        (0.0, "on_air", "console:dora", "on air", "开始播出"),
        (36.0, "cut", "console:ann", "CUT, reason: a wrong name in the captions", "切断，理由：字幕姓名有误"),
        (40.0, "restore", "console:dora", "restored", "已恢复"),
        (84.0, "stopped", "console:dora", "stopped", "已停止"),
    ):
        writer.write(Notice(at=WALL + at_s, channel="main", who=who, code=code, text=text, text_zh=chinese))
    writer.write(Notice(at=WALL + 36, channel="hall", who="console:eve", code="cut", text="CUT"))
    assert writer.close(30)


def make_evening(data_dir: Path) -> None:
    record(data_dir / "archive")
    write_edit_list(data_dir / "archive")
    write_ledger(data_dir / "ledger")


CUT_ID, NOTE_ID = "20260921T000036Z-c0ffee", "20260921T000007Z-ab12cd"


def write_incidents(data_dir: Path) -> None:
    """Put two incidents of the evening on record: the cut, a draft, on hold; a note that is written up."""
    book = Book(data_dir, clock=lambda: ENDS)
    cut = Opened(
        id=CUT_ID,
        at=WALL + 37,
        by=BY,
        kind="cut",
        channel="main",
        happened=WALL + 36,
        actor="console:ann",
        words="a wrong name in the captions",
        words_zh="字幕姓名有误",
    )
    book.add(cut)
    book.add(Ended(id=CUT_ID, at=WALL + 41, by=BY, until=WALL + 40))
    book.add(
        Opened(id=NOTE_ID, at=WALL + 7, by=BY, kind="note", channel="main", happened=WALL + 7, words="?")
    )
    written = {"category": "speech", "level": "serious", "aired": "no", "words": "嘉宾提到竞品"}
    book.add(Completed(id=NOTE_ID, at=ENDS, by="console:dora", **written))  # type: ignore[arg-type]
    keep(book, data_dir / "archive", book.get(CUT_ID))
