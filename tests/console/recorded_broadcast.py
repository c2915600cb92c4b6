"""A broadcast with everything on record: recording, edit list, ledger, incidents, comments under review."""

from pathlib import Path

import msgspec
from archive_media import Recording
from audit_ledger import write
from review_record import BROADCAST, NOON

from streamgate.archive.edit_list import Begin, End, list_path
from streamgate.core.edits import Held, Piece
from streamgate.incidents.book import Book
from streamgate.incidents.follow import Follower
from streamgate.incidents.incident import Completed
from streamgate.ledger.record import Command, SessionEnd, SignIn

START = NOON - 300.0
CUT = START + 6.0
END = START + 12.0


def record_broadcast(data_dir: Path) -> str:
    """Put 12 s of a broadcast on record, cut in their middle; return the id of the cut's incident."""
    recording = Recording(data_dir / "archive")
    recording.publish(START)
    recording.close()
    held = Held(150, 30_004_000, 30_090_000, 1, 0, [(30_004, 75), (30_050, 75)])
    lines = (
        Begin(
            broadcast=BROADCAST,
            channel="main",
            started_at=START,
            at=START,
            mono_us=0,
            boot="b",
            series=1,
            floor_us=30_000_000,
            delay_us=30_000_000,
        ),
        Piece(at=START, from_us=0, to_us=6_000_000, source="live", delay_us=30_000_000, runs=[], held=held),
        Piece(
            at=CUT,
            from_us=6_000_000,
            to_us=12_000_000,
            source="filler",
            delay_us=30_000_000,
            runs=[],
            filler="slate",
            why="cut",
            actor="console:ann",
        ),
        End(at=END),
    )
    path = list_path(data_dir / "archive", "main", BROADCAST)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    root = data_dir / "ledger"
    write(
        root,
        "console",
        SignIn(at=START - 60, who="console:ann", role="operator", session="s1", answer="ok"),
        SessionEnd(at=END + 30, who="console:ann", session="s1", why="signed out"),
    )
    fields = {"channel": "main", "role": "operator", "latency_ms": 0.2}
    write(
        root,
        "gate",
        Command(at=CUT, who="console:ann", what="cut", answer="cut", reason="陌生人入镜", **fields),
        Command(at=END, who="cli:root", what="stop", answer="stopped", reason="结束", **fields),
    )
    book = Book(data_dir, clock=lambda: END + 1)
    assert Follower(data_dir, book).look() == 2
    number = min(book.read())
    book.add(
        Completed(
            id=number,
            at=END + 40,
            by="console:ann",
            category="picture",
            level="serious",
            aired="no",
            words="观众席有陌生人入镜并举牌，值班员立即切断。",
            measures="切断播出，核实身份，已劝离。",
        )
    )
    return number
