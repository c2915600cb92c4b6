"""The parts of `make bench` by name: each measures, and returns its rows and its JSON.

A part imports what it measures only when it runs: an earlier commit may lack what other parts need.
"""

import dataclasses
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from bench.sizes import Sizes
from tools import timecode

Row = tuple[str, str, str, bool | None]
CLIP_S = 20
CLIPS = Path(__file__).parents[2] / ".bench" / "clips"


@dataclass(frozen=True)
class Job:
    """`directory`: empty, of this part alone. `wait`: is called with seconds in which nothing is measured."""

    directory: Path
    sizes: Sizes
    wait: Callable[[float], None] = time.sleep


Measured = tuple[list[Row], Any]


def _air(job: Job) -> Measured:
    """Without `cuts_apart` the load's own channels are cut, but for one, once each."""
    from bench import cuts, load

    sizes = job.sizes
    own = sizes.cuts > 0 and not sizes.cuts_apart
    loaded, cut = load.measure(_big(), CLIP_S, job.directory / "load", sizes, cut=own, wait=job.wait)
    if sizes.cuts and sizes.cuts_apart:
        cut = cuts.measure(_small(-(-sizes.cuts // cuts.CHANNELS)), job.directory / "cuts", sizes.cuts)
    ratios = {
        "per_channel": loaded.per_channel,
        "memory_ratio": loaded.memory_ratio,
        "channels_per_core": loaded.channels_per_core,
    }
    rows = load.rows(loaded) + (cuts.rows(cut) if cut else [])
    return rows, {
        "load": dataclasses.asdict(loaded) | ratios,
        "cuts": dataclasses.asdict(cut) if cut else None,
    }


def _filter(job: Job) -> Measured:
    from bench import filter_recall, filter_speed

    if not job.sizes.terms:
        return [], {}
    rows = filter_speed.rows(job.sizes.terms, job.sizes.comments) + filter_recall.rows()
    return rows, {name: value for name, value, *_ in rows}


def _archive(job: Job) -> Measured:
    from bench import archive

    stored = archive.measure(_big(), job.directory, job.sizes)
    return archive.rows(stored), dataclasses.asdict(stored)


def _verify(job: Job) -> Measured:
    from bench import verify_speed

    speed = verify_speed.measure(job.directory, job.sizes.megabytes)
    ratios = {"ratio_one": speed.ratio_one, "ratio_all": speed.ratio_all}
    return verify_speed.rows(speed), speed._asdict() | ratios


def _intake(job: Job) -> Measured:
    from bench import comments

    intake = comments.measure_intake(job.directory, job.sizes.seconds)
    return comments.intake_rows("SQLite", intake), msgspec.to_builtins(intake)


def _postgresql(job: Job) -> Measured:
    from bench import comments

    with comments.postgres() as server:
        intake = comments.measure_intake(job.directory, job.sizes.seconds, database=server.new_database)
    return comments.intake_rows("PostgreSQL", intake), msgspec.to_builtins(intake)


def _review(job: Job) -> Measured:
    from bench import comments

    sizes = job.sizes
    review = comments.measure_review(job.directory, sizes.piece, sizes.readers, sizes.approvals)
    return comments.review_rows(review), dataclasses.asdict(review)


def _comments_on_air(job: Job) -> Measured:
    from bench import comments_on_air

    rounds = job.sizes.flood_rounds
    on_air = comments_on_air.measure(
        _big(),
        _small(2 * rounds),
        job.directory,
        rounds=rounds,
        flood_s=job.sizes.flood_s,
        wait=job.wait,
    )
    return comments_on_air.rows(on_air), msgspec.to_builtins(on_air)


def _web(job: Job) -> Measured:
    from bench import archive_screen, review_screen

    screen = review_screen.measure(job.directory / "review", job.sizes.cards, job.sizes.scroll_s)
    archived = archive_screen.measure(job.directory / "archive", job.sizes.opened, job.sizes.days)
    rows = review_screen.rows(screen) + archive_screen.rows(archived)
    return rows, {**dataclasses.asdict(screen), "archive": dataclasses.asdict(archived)}


def _live(job: Job) -> Measured:
    from bench import live_screen

    live = live_screen.measure(_big(), _small(1), job.directory)
    return live_screen.rows(live), dataclasses.asdict(live)


def _operator(job: Job) -> Measured:
    from bench import operator_screen

    found = operator_screen.measure(_big(), job.directory, min(operator_screen.CUTS, max(2, job.sizes.cuts)))
    return operator_screen.rows(found), dataclasses.asdict(found)


PARTS: dict[str, Callable[[Job], Measured]] = {
    "air": _air,
    "filter": _filter,
    "archive": _archive,
    "verify": _verify,
    "intake": _intake,
    "postgresql": _postgresql,
    "review": _review,
    "comments-on-air": _comments_on_air,
    "web": _web,
    "live": _live,
    "operator": _operator,
}
COMMENTS = ("intake", "postgresql", "review", "comments-on-air")
"""What the name `comments` stands for."""
QUICK_S = {
    "air": 88,
    "filter": 32,
    "archive": 32,
    "intake": 26,
    "review": 17,
    "comments-on-air": 68,
    "web": 38,
}
"""What a quick run measures unless parts are named, and how many seconds each part may take."""
QUICK_ALL_S = 240
BESIDE = {"filter": "air", "archive": "comments-on-air"}
"""In a quick run the first is measured while the second waits until its delay is full."""


def _big() -> Path:
    """Return a 6 Mb/s clip to be looped."""
    return _clip("big", CLIP_S, size=(1920, 1080), bitrate_kbps=6000)


def _small(rounds: int) -> Path:
    """Return a small clip that lasts for so many rounds of cuts."""
    return _clip(f"small-{rounds}", 60 + 42 * rounds, size=(320, 180))


def _clip(name: str, seconds: int, **form: Any) -> Path:
    """Return a clip, made once: the same code makes the same clip."""
    code = hashlib.sha256(Path(timecode.__file__).read_bytes()).hexdigest()[:8]
    path = CLIPS / f"{name}-{code}.flv"
    if not path.exists():
        print(f"making the feed {path} ...", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = timecode.make(path.with_name(f"new-{path.name}"), feed=1, seconds=seconds, **form)
        made.rename(path)
    return path
