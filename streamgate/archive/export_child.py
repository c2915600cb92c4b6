"""The child that exports a span for the console: libav never runs there. Low priority; recording goes first.

Reads one ExportJob as JSON from stdin; prints lines of JSON: Progress, at last Made. A reason why nothing was
made stands on stderr, as JSON with `error` and `error_zh`.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import msgspec

from streamgate.archive.catalog import Catalog
from streamgate.archive.export import export_span
from streamgate.archive.export_job import ExportJob, Line, Made, Progress
from streamgate.archive.selection import select
from streamgate.errors import Refused, StreamgateError
from streamgate.wording import both

NICE = 10
TELL_S = 0.5
RESERVE_BYTES = 2 << 30  # that an export leaves free on its disk


def main() -> int:
    os.nice(NICE)
    av.logging.set_libav_level(av.logging.PANIC)  # stderr is for our own words
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=ExportJob)
    try:
        made = _export(job)
    except StreamgateError as error:
        sys.stderr.write(msgspec.json.encode(both(error)).decode() + "\n")
        return 1
    _print(made)
    return 0


def _export(job: ExportJob) -> Made:
    root, out = Path(job.data_dir) / "archive", Path(job.out)
    with Catalog(Path(job.data_dir) / "catalog.sqlite") as catalog:
        _require_room(out.parent, _size(root, catalog, job))
        done = export_span(
            root,
            catalog,
            channel=job.channel,
            start=job.start,
            end=job.end,
            out=out,
            aired=job.kind == "aired",
            exact=job.exact,
            progress=_teller(),
        )
    losses = [(one.start, one.end, one.why) for one in done.losses]
    return Made(done.start, done.end, done.bytes, done.sha256, losses, done.encoded)


def _size(root: Path, catalog: Catalog, job: ExportJob) -> int:
    """Return about how large the file will be: what was received within the span, whatever aired."""
    selection = select(root, catalog, job.channel, job.start, job.end)
    return sum(fragment.size for one in selection.chosen for fragment in one.fragments)


def _require_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free - size < RESERVE_BYTES:
        raise Refused(
            f"the disk has {free / 1e9:.1f} GB free, the export would take {size / 1e9:.1f} GB of them, and"
            f" {RESERVE_BYTES / 1e9:.1f} GB stay for recordings; remove older exports, or make room",
            f"磁盘剩余 {free / 1e9:.1f} GB，导出约需 {size / 1e9:.1f} GB，须为录像保留"
            f" {RESERVE_BYTES / 1e9:.1f} GB；请删除旧的导出或清理磁盘",
        )


def _teller() -> Callable[[float], None]:
    """Return what prints how far the work is, every TELL_S at most."""
    told_s = 0.0

    def tell(part: float) -> None:
        nonlocal told_s
        if time.monotonic() - told_s > TELL_S:
            told_s = time.monotonic()
            _print(Progress(round(min(0.99, part), 3)))

    return tell


def _print(line: Line) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
