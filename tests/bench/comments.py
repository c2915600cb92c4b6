"""Comments: from a request until it is durable, from an approval until every reader has it, and the queue.

For single requests the comments process runs on one core, who sends on another one; for batches it has the
machine. Each text is different unless a row says otherwise: the most work there is, each opens a card.
"""

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.comment_stage import CommentStage, Console
from bench.crowd import Crowd
from bench.meter import Spread
from bench.sender import Sent
from tools.postgres import Postgres
from tools.serve import Gate

Row = tuple[str, str, str, bool | None]
RATE, BATCH_RATE, BATCH = 2_000, 20_000, 500
BATCH_S = 5.0
LIMIT = 20_000
"""Cards that may wait on one channel."""
ASKED = 400
PACE_S = 0.1
WAIT_S = 60.0


@dataclass(frozen=True)
class Intake:
    """`repeated`: batches in which nine of ten comments repeat what many say. The shares of a core are those
    of the comments process.
    """

    single: Sent
    single_share: float
    batches: Sent
    batches_share: float
    repeated: Sent
    repeated_share: float


@dataclass(frozen=True)
class Review:
    """Milliseconds, but for `rejudged_s`: `piece` cards are judged anew, then twice as many wait.

    `crowd`: the same as `published` with `readers` readers.
    """

    piece: int
    readers: int
    rejudged_s: float
    queue: Spread
    published: Spread
    crowd: Spread


def measure_intake(
    directory: Path, seconds: float, *, database: Callable[[str], str] | None = None
) -> Intake:
    """Hand in single requests, then batches, each to a fresh `serve`. `database`: makes one by name."""
    single = _hand_in(directory / "single", _made("single", database), rate=RATE, seconds=seconds)
    batches, repeated = (
        _hand_in(
            directory / name,
            _made(name, database),
            rate=BATCH_RATE,
            seconds=min(seconds, BATCH_S),
            batch=BATCH,
            connections=16,
            distinct=distinct,
            on_one_core=False,
        )
        for name, distinct in (("batches", 1.0), ("repeated", 0.1))
    )
    return Intake(*single, *batches, *repeated)


def _made(name: str, database: Callable[[str], str] | None) -> str:
    return database(name) if database is not None else ""


def _hand_in(directory: Path, database: str, *, on_one_core: bool = True, **asked: Any) -> tuple[Sent, float]:
    channels = 2 + int(asked["rate"] * asked["seconds"] * 1.5 // LIMIT)
    names = [f"c{number}" for number in range(channels)]
    core = _core(0) if on_one_core else None
    stage = CommentStage(Gate(directory), names, database=database, core=core)
    with closing(stage):
        if not on_one_core:
            stage.flood_once()
        return stage.measure(core=_core(1), **asked)


def _core(number: int) -> int | None:
    """Return a core of this machine; None where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[number] if len(cores) > 1 else None


def measure_review(directory: Path, piece: int, readers: int, approvals: int) -> Review:
    """`piece` cards wait, a term is added; twice as many wait, reviewers look at the queue and approve.

    `approvals`: with one reader of the feed; half as many with `readers`.
    """
    with ExitStack() as stack:
        stage = CommentStage(Gate(directory), ["main"])
        stack.callback(stage.close)
        console = stage.console()
        stack.callback(console.close)
        _fill(stage, "first", piece)
        rejudged_s = _rejudge(console)
        _fill(stage, "second", piece)
        queue = _look(console)
        published = _approve(stage, console, 1, approvals)
        crowd = _approve(stage, console, readers, approvals // 2)
        return Review(piece, readers, rejudged_s, queue, published, crowd)


def _fill(stage: CommentStage, label: str, piece: int) -> None:
    sent = stage.send(rate=5_000, seconds=piece / 5_000, batch=BATCH, connections=4, label=label)
    if sent.accepted < piece - BATCH:
        raise RuntimeError(f"of {piece} comments {sent.accepted} were accepted: {sent.first_refusal}")


def _rejudge(console: Console) -> float:
    """Add a term that a quarter of the comments hold; return the seconds until all are judged anew."""
    began = time.monotonic()
    answer = console.post("main", "terms", term="画面", severity="sensitive", category="bench")
    if not answer["added"]:
        raise RuntimeError(f"the term was not added: {answer}")
    judging = False
    while True:
        counts = console.get("main", "queue?limit=1")["counts"]
        if judging and not counts["rescanning"]:
            return time.monotonic() - began
        judging = judging or counts["rescanning"]
        if time.monotonic() - began > WAIT_S:
            raise RuntimeError(f"after {WAIT_S} s the desk still says {counts}")
        time.sleep(0.02)


def _look(console: Console) -> Spread:
    """Ask for the queue in both orders, for all stages and one, from the front and from the middle."""
    middle = console.get("main", "queue?limit=200")["cards"][-1]["id"]
    asked = ["", "&order=gravest", "&stage=1", f"&after={middle}"]
    taken = []
    for number in range(ASKED):
        began = time.monotonic()
        page = console.get("main", f"queue?limit=50{asked[number % len(asked)]}")
        taken.append((time.monotonic() - began) * 1000)
        if not page["cards"]:
            raise RuntimeError(f"the queue is empty: {page}")
    return Spread.of(taken)


def _approve(stage: CommentStage, console: Console, readers: int, approvals: int) -> Spread:
    """Approve clean cards one by one; return how long it took until a reader had it, over all readers."""
    crowd = Crowd(stage.gate.public, "main", readers)
    with closing(crowd), _uncollected():
        cards = [
            card
            for card in console.get("main", "queue?limit=200&stage=1")["cards"]
            if card["verdict"] == "clean"
        ][:approvals]
        decided: dict[int, float] = {}
        for card in cards:
            began = time.monotonic()
            answer = console.post(
                "main", "decisions", id=card["id"], version=card["version"], decision="approve"
            )
            decided[answer["card"]["comments"][0]] = began
            time.sleep(max(0.0, PACE_S - (time.monotonic() - began)))
        time.sleep(1)
        came = crowd.leave()
    missing = len(decided) * readers - sum(len(came.get(number, [])) for number in decided)
    if missing or not decided:
        raise RuntimeError(f"{missing} of {len(decided)} items for {readers} readers did not come")
    return Spread.of([(at - began) * 1000 for number, began in decided.items() for at in came[number]])


@contextmanager
def _uncollected() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL whose commits are durable."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")), durable=True)
    try:
        yield server
    finally:
        server.close()


# ---------------------------------------------------------------- the table


def intake_rows(name: str, intake: Intake) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    single, batches = intake.single, intake.batches
    whole = set(single.answers) == {"202"}
    rows: list[Row] = [
        (
            f"comments on {name}, {RATE:,} requests/s, accepted",
            f"{single.rate:,.0f}/s",
            "",
            None,
        ),
        ("  request to durable, p50", f"{single.latency.p50:.1f} ms", "", None),
        (
            f"  request to durable, p99 of {single.latency.count:,}",
            f"{single.latency.p99:.1f} ms",
            "aim under 100 ms",
            whole and single.latency.p99 < 100,
        ),
        ("  request to durable, max", f"{single.latency.most:.1f} ms", "", None),
        ("  comments process", f"{intake.single_share:.0f} % of a core", "", None),
    ]
    for what, sent, share in (
        ("each different", batches, intake.batches_share),
        ("nine of ten said before", intake.repeated, intake.repeated_share),
    ):
        rows += [
            (
                f"comments on {name}, {BATCH_RATE:,}/s in batches of {BATCH}, {what}, accepted",
                f"{sent.rate:,.0f}/s",
                f"aim {BATCH_RATE:,}/s",
                sent.rate >= 0.98 * BATCH_RATE,
            ),
            (f"  a batch, p99 of {sent.latency.count:,}", f"{sent.latency.p99:.0f} ms", "", None),
            ("  comments process", f"{share:.0f} % of a core", "", None),
        ]
    for what, sent in (("single requests", single), ("batches", batches), ("repeated", intake.repeated)):
        if set(sent.answers) != {"202"}:
            rows.append((f"  {what}, answers by status", str(sent.answers), "all 202", False))
    return rows


def review_rows(review: Review) -> list[Row]:
    return [
        (
            f"{2 * review.piece:,} cards wait, the queue asked for, p50",
            f"{review.queue.p50:.1f} ms",
            "",
            None,
        ),
        (
            f"  p99 of {review.queue.count}",
            f"{review.queue.p99:.1f} ms",
            "aim under 100 ms",
            review.queue.p99 < 100,
        ),
        ("approval to a reader of the feed, p50", f"{review.published.p50:.1f} ms", "", None),
        (
            f"  p99 of {review.published.count}",
            f"{review.published.p99:.1f} ms",
            "aim under 200 ms",
            review.published.p99 < 200,
        ),
        (
            f"approval to {review.readers:,} readers, p50",
            f"{review.crowd.p50:.0f} ms",
            "",
            None,
        ),
        (
            f"  p99 of {review.crowd.count:,}",
            f"{review.crowd.p99:.0f} ms",
            "aim under 500 ms",
            review.crowd.p99 < 500,
        ),
        (
            f"a term is added, {review.piece:,} comments judged anew",
            f"{review.rejudged_s:.2f} s",
            "aim under 5 s",
            review.rejudged_s < 5,
        ),
    ]
