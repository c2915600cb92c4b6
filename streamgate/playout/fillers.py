"""Fillers of one channel: conforms slate and backup clips to the feed and installs them in the gate."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain, repeat
from pathlib import Path

from streamgate.clock import now_us
from streamgate.core import paramsets
from streamgate.core.bucket import TokenBucket
from streamgate.core.clip import Clip
from streamgate.core.gate import Gate
from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.core.redaction import BLEEP, SLATE
from streamgate.core.standby import STANDBY
from streamgate.errors import MediaError, Refused
from streamgate.link.messages import ClipStatus, Warn
from streamgate.playout.backup import ClipCache, Source
from streamgate.playout.texts import say
from streamgate.runtime.service import Services
from streamgate.wording import NOTHING, Words

# For a broadcast that is started before the first feed ever.
DEFAULT_FORMAT = FeedFormat(
    VideoTrack("h264", b"", 1280, 720, 30, 1, profile="High", level=31),
    AudioTrack("aac", b"\x11\x90", 48000, 2),
)
FORMAT_WAIT_S = 10.0  # no feed airs before 30 s; during this wait platforms get no data
SLATES_AT_ONCE = 6  # burst of slates for different feeds; then one every SLATE_EVERY_US, which is more
SLATE_EVERY_US = 5_000_000  # often than ingest announces formats
RETRY_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # pauses before a failed slate (a full disk) is tried again
BITRATE_BPS = 4_000_000
TONE_WAIT_S = 1.0  # no tone for a feed that changes within this; there is time: the delay

_Signature = tuple[str, int, int]  # path, size, time of change


DAMAGED = Words(
    "its file in the cache was damaged while in use; it is made anew",
    "其缓存文件在使用中损坏，正在重新生成",
)


class Fillers:
    """Conforms clips and installs them in the gate. `installed` is called after each.

    `clips`: cache of backup clips, on disk. `slates`: cache of slates, in memory, so that filler does not
    depend on the disk.
    """

    def __init__(
        self,
        channel: str,
        paths: Iterable[str],
        *,
        gate: Gate,
        clips: ClipCache,
        slates: ClipCache,
        services: Services,
        say_: Callable[[Warn], None],
        installed: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._files = clip_names(paths)
        self._gate = gate
        self._clips = clips
        self._slates = slates
        self._services = services
        self._say = say_
        self._installed = installed
        self._errors: dict[str, Words] = {}
        self._made_from: dict[tuple[FeedFormat | None, str], _Signature | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._slate: asyncio.Task[None] | None = None  # a slate being made; those for other feeds wait
        self._feed: FeedFormat | None = None  # the format that clips are made for
        self._pace = TokenBucket.every(SLATES_AT_ONCE, SLATE_EVERY_US)
        self._wait_until_us: int | None = None  # for a connected encoder's first picture
        self._wanted: object = None  # what `_task` makes

    def set_files(self, paths: Iterable[str]) -> None:
        """Apply changed backup files; clips of replaced files are removed from the gate."""
        self._wanted = None
        before, self._files = self._files, clip_names(paths)
        for name, path in before.items():
            if self._files.get(name) != path:
                self._gate.forget(name)
        self._errors.clear()

    def first_usable(self) -> str:
        """Return the name of the first usable clip; the slate's when there is none."""
        return next((name for name in self._files if name not in self._errors), SLATE)

    def find(self, asked: str) -> str:
        """Return the name of clip `asked` ("": the first). Raises Refused, with the names, if missing."""
        names = list(self._files)
        if not names:
            raise Refused(
                f"channel {self._channel} has no backup clip; add one with:"
                f" streamgate channel set {self._channel} --backup FILE",
                f"频道 {self._channel} 没有备用片段",
            )
        name = names[0] if not asked else next((n for n in names if asked in (n, Path(n).stem)), None)
        if name is None:
            raise Refused(
                f"there is no backup clip {asked}; clips are: {', '.join(names)}",
                f"没有备用片段 {asked}；现有：{'、'.join(names)}",
            )
        if error := self._errors.get(name):
            raise Refused(
                f"backup clip {name} cannot be used: {error.english}",
                f"备用片段 {name} 不可用：{error.chinese}",
            )
        return name

    def wait_for_feed(self) -> None:
        """Start the FORMAT_WAIT_S for an encoder's first picture: a broadcast begins."""
        self._wait_until_us = now_us() + round(FORMAT_WAIT_S * 1e6)

    def prepare(
        self, last: FeedFormat | None, *, expected: FeedFormat | None, bitrate_bps: int, expecting: bool
    ) -> None:
        """Start making the missing clips; for the default format when no feed is known.

        Args:
            last: the feed's format, or the last feed's.
            expected: the format in the feed's metadata, until the real one is known; None: no metadata.
            bitrate_bps: the feed's; 0 when it is unknown.
            expecting: an encoder is connected without a picture yet. Wait for it for FORMAT_WAIT_S, because
                a wrong guess would mean a change of format on air.
        """
        expecting = expecting and self._gate.header is None
        feed = self._feed = choose_format(last, expected) if expecting else last
        wanted = (feed, tuple(self._files.items()), expecting)
        if self._task is not None and not self._task.done() and wanted == self._wanted:
            return  # in progress: an encoder that reconnects often must not restart it
        if self._task is not None:
            self._task.cancel()
        self._wanted = wanted

        async def make() -> None:
            if expecting and self._wait_until_us is not None:
                await asyncio.sleep(max(0, self._wait_until_us - now_us()) / 1e6)
            for pause_s in chain(RETRY_PAUSES_S, repeat(RETRY_PAUSES_S[-1])):
                if await self._make(feed, bitrate_bps):
                    return
                if feed is not None and self._gate.header is None:
                    await self._make(None, 0)  # without filler the feed cannot air: air a default slate
                await asyncio.sleep(pause_s)

        self._task = self._services.start(f"fillers {self._channel}", make)

    def cancel(self) -> None:
        for task in (self._task, self._slate):
            if task is not None:
                task.cancel()

    def drop_broken(self) -> bool:
        """Remove clips whose file was damaged on air; True when there are any to make again."""
        clips = {name: self._gate.clip(name, self._feed) for name in self._files}
        broken = [name for name, clip in clips.items() if clip is not None and clip.broken]
        for name in broken:
            self._gate.forget(name, self._feed)  # what the other camera has of it is another file
            self._wanted = None
            self._say(_warn_failed(name, DAMAGED))
        return broken != []

    def statuses(self) -> list[ClipStatus]:
        statuses = []
        for name in self._files:
            clip = self._gate.clip(name, self._feed)
            duration_s = None if clip is None else round(clip.duration_ms / 1000, 2)
            statuses.append(ClipStatus(name, clip is not None, duration_s, *self._errors.get(name, NOTHING)))
        return statuses

    def warnings(self) -> list[Warn]:
        return [_warn_failed(name, error) for name, error in self._errors.items()]

    async def _make(self, feed: FeedFormat | None, bitrate_bps: int) -> bool:
        """Make the missing clips, the slate first. False when there is no slate for this feed."""
        bitrate_bps = bitrate_bps or BITRATE_BPS
        if self._gate.clip(SLATE, feed) is None:
            await self._make_slate(feed, bitrate_bps)
            if self._gate.clip(SLATE, feed) is None:
                return False
        for name, source in self._files.items():
            made_from = await self._clips.sources.call(_signature, source)
            if self._gate.clip(name, feed) is None or self._made_from.get((feed, name)) != made_from:
                await self._make_clip(name, source, feed, bitrate_bps)
                if name not in self._errors:
                    self._made_from[feed, name] = made_from
        if feed is not None and feed.audio is not None and self._gate.clip(BLEEP, feed) is None:
            await asyncio.sleep(TONE_WAIT_S)
            await self._make_clip(BLEEP, "tone", feed, bitrate_bps)
        self._made_from = {
            (of, name): signature
            for (of, name), signature in self._made_from.items()
            if self._gate.clip(name, of) is not None
        }
        return True

    async def _make_slate(self, feed: FeedFormat | None, bitrate_bps: int) -> None:
        """Make a slate, one at a time. None is cancelled for another feed's, since there may be no other."""
        if self._slate is not None:
            await asyncio.wait([self._slate])
        target = feed or DEFAULT_FORMAT
        try:
            clip = await self._slates.cached(None, SLATE, target, sps_id_for(target), bitrate_bps)
        except MediaError:
            clip = None  # the same error occurs again below
        if clip is not None:
            self._install(clip, SLATE, feed)
            return
        if self._gate.header is not None:  # a feed that changes often must not keep children busy
            await asyncio.sleep(self._pace.wait_us(now_us()) / 1e6)
        self._pace.try_take(1, now_us())
        self._slate = self._services.start(
            f"slate {self._channel}", partial(self._make_clip, SLATE, None, feed, bitrate_bps)
        )
        await asyncio.wait([self._slate])

    async def _make_clip(self, name: str, source: Source, feed: FeedFormat | None, bitrate_bps: int) -> None:
        """Make one clip and install it, or report why there is none."""
        target = feed or DEFAULT_FORMAT
        cache = self._clips if isinstance(source, Path) else self._slates
        try:
            clip = await cache.get(source, name, target, sps_id_for(target), bitrate_bps)
        except MediaError as error:
            why = Words(str(error), error.zh or f"无法转换（{error}）")
            if self._errors.get(name) != why:
                self._errors[name] = why
                self._say(_warn_failed(name, why))
        else:
            self._install(clip, name, feed)

    def _install(self, clip: Clip, name: str, feed: FeedFormat | None) -> None:
        self._errors.pop(name, None)
        self._gate.install(clip, name, feed)
        self._installed()


def choose_format(last: FeedFormat | None, expected: FeedFormat | None) -> FeedFormat | None:
    """Return the format to make filler for before the feed's picture is known; None: no guess is possible.

    It is the last feed's format, unless the metadata declares another picture: most encoders reconnect with
    the same format.
    """
    if expected is None or expected.video is None:
        return last
    audio = expected.audio or (last.audio if last is not None else None)
    video = expected.video
    if last is not None and last.video is not None and _picture(last.video) == _picture(video):
        video = last.video
    return FeedFormat(video, audio)


def _picture(track: VideoTrack) -> tuple[int, int, float]:
    return track.width, track.height, round(track.fps_num / track.fps_den, 2)


def clip_names(paths: Iterable[str]) -> dict[str, Path]:
    """Return a unique name for each backup file: its file name, with a number if it is taken."""
    names: dict[str, Path] = {}
    for text in paths:
        path = Path(text)
        name, number = path.name, 2
        while name in names or name in (SLATE, BLEEP, STANDBY):
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        names[name] = path
    return names


def _warn_failed(name: str, why: Words) -> Warn:
    code = {SLATE: "slate_failed", BLEEP: "tone_failed"}.get(name, "clip_failed")
    return say(code, clip=name, reason=why.english, reason_zh=why.chinese)


def _signature(path: Path) -> _Signature | None:
    """Return a value that changes when the file does; None when there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return str(path), stat.st_size, stat.st_mtime_ns


def sps_id_for(feed: FeedFormat) -> int:
    """Return an id for filler's parameter sets that the feed does not use."""
    if feed.video is None or feed.video.codec != "h264" or not feed.video.config:
        return 1
    return paramsets.choose_sps_id(feed.video.config)
