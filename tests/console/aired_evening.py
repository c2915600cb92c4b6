"""A broadcast that really aired, with all that is on record beside it: commands, a draft, reviewed comments.

90 s on air: live from 30 s on, a cut at 40.5 s, live again from 74 s on. Times are seconds after WALL.
"""

from pathlib import Path

from aired_media import COMMANDS, NAME, WALL, Airing, playable_clips
from archive_media import FEED, PACKETS
from audit_ledger import write
from review_record import CLEAN, PHONE, Record

from moderation.review.events import Approve, Publish, Reject, Retract, Reviewer
from moderation.review.reasons import RejectCode
from streamgate.archive.catalog import Catalog
from streamgate.incidents.book import Book
from streamgate.incidents.follow import Follower
from streamgate.ledger.record import Command
from streamgate.store.database import Database

CUT_S, RESTORED_S = 40.5, 43.0
# When somebody wrote, what, and what became of it. Ann approves after 10 s; it is published 10 s later.
WRITTEN: tuple[tuple[float, str, str], ...] = (
    (31.0, "开始了", "published"),
    (33.0, "听得清楚", "waiting"),
    (35.0, f"我的电话 {PHONE}", "rejected"),
    (38.0, "后排看不见", "waiting"),
    (50.0, "怎么停了", "retracted"),
    (76.0, "回来了", "waiting"),
)


def air_evening(data_dir: Path) -> str:
    """Air it, put its commands on record; return the id of the draft that its cut opened."""
    airing = Airing(
        data_dir / "archive", (FEED, PACKETS), playable_clips(data_dir.parent, FEED.audio), laps=8
    )
    airing.run(90_000, COMMANDS)
    airing.end()
    with Catalog(data_dir / "catalog.sqlite") as catalog:
        catalog.sync(data_dir / "archive")
    fields = {"channel": "main", "who": "console:li", "role": "operator", "latency_ms": 0.2}
    write(
        data_dir / "ledger",
        "gate",
        Command(at=WALL + CUT_S, what="cut", answer="cut", **fields),
        Command(at=WALL + RESTORED_S, what="restore", answer="live", **fields),
    )
    book = Book(data_dir, clock=lambda: WALL + 95)
    assert Follower(data_dir, book).look() == 1
    (number,) = book.read()
    return number


def write_comments(database: Path, ann: str) -> None:
    """Put `WRITTEN` into the store; `ann` reviews them."""
    with Database(database) as opened, opened.write() as session:
        record = Record(session)
        reviewer: Reviewer = record.reviewer(ann, "reviewer")
        shown = [Approve(reviewer, 1), Publish()]
        for number, (at_s, text, end) in enumerate(WRITTEN, 1):
            ways = {
                "published": shown,
                "retracted": [*shown, Retract(reviewer, "点名到人", number)],
                "rejected": [Reject(reviewer, 1, RejectCode.SPAM)],
                "waiting": [],
            }
            masked = text.replace(PHONE, "138****8000") if PHONE in text else None
            record.card(
                [text], ways[end], judgement=CLEAN._replace(masked=masked), broadcast=NAME, at=WALL + at_s
            )
