"""The filler of one channel: which clips there are, and that each is made for the feed in time."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain, repeat
from pathlib import Path

from streamgate.clock import now_us
from streamgate.core import paramsets
from streamgate.core.bucket import TokenBucket
from streamgate.core.clip import Clip
from streamgate.core.gate import SLATE, Gate
from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.errors import MediaError, Refused
from streamgate.link.messages import ClipStatus, Warn
from streamgate.playout.backup import ClipCache
from streamgate.playout.texts import say
from streamgate.runtime.service import Services

# For a broadcast that is started before any feed was ever seen.
DEFAULT_FORMAT = FeedFormat(
    VideoTrack("h264", b"", 1280, 720, 30, 1, profile="High", level=31),
    AudioTrack("aac", b"\x11\x90", 48000, 2),
)
FORMAT_WAIT_S = 10.0  # nothing of a feed airs before 30 s; platforms go without data for as long
SLATES_AT_ONCE = 6  # made by a child for different feeds; then one every SLATE_EVERY_US, which is more
SLATE_EVERY_US = 5_000_000  # often than ingest announces formats
RETRY_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # a slate that cannot be made (a full disk) is tried again
BITRATE_BPS = 4_000_000

_Signature = tuple[str, int, int]  # path, size, time of change


class Fillers:
    """Has clips conformed and installs them in the gate. `installed` is called after each.

    `clips`: the cache of backup clips, on the disk. `slates`: that of slates, in memory: whatever becomes of
    the disk, there is filler.
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
        self._errors: dict[str, str] = {}
        self._made_from: dict[tuple[FeedFormat | None, str], _Signature | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._slate: asyncio.Task[None] | None = None  # a slate in the making; other feeds' wait for it
        self._feed: FeedFormat | None = None  # what clips are made for
        self._pace = TokenBucket.every(SLATES_AT_ONCE, SLATE_EVERY_US)
        self._wait_until_us: int | None = None  # for a connected encoder's first picture
        self._wanted: object = None  # what it makes

    def set_files(self, paths: Iterable[str]) -> None:
        """Take over changed backup files; what they replace is not used any more."""
        self._wanted = None
        before, self._files = self._files, clip_names(paths)
        for name, path in before.items():
            if self._files.get(name) != path:
                self._gate.forget(name)
        self._errors.clear()

    def find(self, asked: str) -> str:
        """Return the name of the clip called `asked` ("": the first). Refused names those there are."""
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
            raise Refused(f"backup clip {name} cannot be used: {error}", f"备用片段 {name} 不可用：{error}")
        return name

    def wait_for_feed(self) -> None:
        """A broadcast begins: the time an encoder has to show its first picture is counted from now."""
        self._wait_until_us = now_us() + round(FORMAT_WAIT_S * 1e6)

    def prepare(
        self, last: FeedFormat | None, *, expected: FeedFormat | None, bitrate_bps: int, expecting: bool
    ) -> None:
        """Have what is missing made, for the default format when nothing is known of any feed.

        Args:
            last: the feed's format, or the last feed's.
            expected: what the feed's metadata promises while its format is not known; None: nothing.
            bitrate_bps: the feed's; 0 when it is not known.
            expecting: an encoder is connected and has shown no picture yet: it is given FORMAT_WAIT_S, as a
                wrong guess would change on air.
        """
        expecting = expecting and self._gate.header is None
        feed = self._feed = choose_format(last, expected) if expecting else last
        wanted = (feed, tuple(self._files.items()), expecting)
        if self._task is not None and not self._task.done() and wanted == self._wanted:
            return  # it is being made: an encoder that comes and goes must not begin it again and again
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
                    await self._make(None, 0)  # a feed that has no filler is not aired, but the slate is
                await asyncio.sleep(pause_s)

        self._task = self._services.start(f"fillers {self._channel}", make)

    def cancel(self) -> None:
        for task in (self._task, self._slate):
            if task is not None:
                task.cancel()

    def drop_broken(self) -> bool:
        """Use no clip any more whose file was damaged on air; True when one is to be made anew."""
        clips = {name: self._gate.clip(name, self._feed) for name in self._files}
        broken = [name for name, clip in clips.items() if clip is not None and clip.broken]
        for name in broken:
            self._gate.forget(name)
            self._wanted = None
            self._say(_failed(name, "its file in the cache was damaged while in use; it is made anew"))
        return broken != []

    def statuses(self) -> list[ClipStatus]:
        statuses = []
        for name in self._files:
            clip = self._gate.clip(name, self._feed)
            duration_s = None if clip is None else round(clip.duration_ms / 1000, 2)
            statuses.append(ClipStatus(name, clip is not None, duration_s, self._errors.get(name, "")))
        return statuses

    def warnings(self) -> list[Warn]:
        return [_failed(name, error) for name, error in self._errors.items()]

    async def _make(self, feed: FeedFormat | None, bitrate_bps: int) -> bool:
        """Make what is missing, the slate first. False when there is no slate for this feed."""
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
        self._made_from = {
            (of, name): signature
            for (of, name), signature in self._made_from.items()
            if self._gate.clip(name, of) is not None
        }
        return True

    async def _make_slate(self, feed: FeedFormat | None, bitrate_bps: int) -> None:
        """Make the slate: one at a time, none given up for another feed's, as the program may have none."""
        if self._slate is not None:
            await asyncio.wait([self._slate])
        target = feed or DEFAULT_FORMAT
        try:
            clip = await self._slates.cached(None, SLATE, target, sps_id_for(target), bitrate_bps)
        except MediaError:
            clip = None  # the reason comes up again below
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

    async def _make_clip(
        self, name: str, source: Path | None, feed: FeedFormat | None, bitrate_bps: int
    ) -> None:
        """Have one clip made and install it, or say why there is none."""
        target = feed or DEFAULT_FORMAT
        cache = self._clips if source is not None else self._slates
        try:
            clip = await cache.get(source, name, target, sps_id_for(target), bitrate_bps)
        except MediaError as error:
            if self._errors.get(name) != str(error):
                self._errors[name] = str(error)
                self._say(_failed(name, str(error)))
        else:
            self._install(clip, name, feed)

    def _install(self, clip: Clip, name: str, feed: FeedFormat | None) -> None:
        self._errors.pop(name, None)
        self._gate.install(clip, name, feed)
        self._installed()


def choose_format(last: FeedFormat | None, expected: FeedFormat | None) -> FeedFormat | None:
    """Return what to make filler for before the feed's picture is known; None: nothing is known.

    The last feed's format, if the metadata of this one does not promise another picture: most encoders come
    back as they were.
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
    """Name each backup file by its file name, told apart by a number where two are called the same."""
    names: dict[str, Path] = {}
    for text in paths:
        path = Path(text)
        name, number = path.name, 2
        while name in names or name == SLATE:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        names[name] = path
    return names


def _failed(name: str, error: str) -> Warn:
    return say("slate_failed" if name == SLATE else "clip_failed", clip=name, reason=error)


def _signature(path: Path) -> _Signature | None:
    """Tell a file from what it was before it was changed; None when it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return str(path), stat.st_size, stat.st_mtime_ns


def sps_id_for(feed: FeedFormat) -> int:
    """Return the id for filler's parameter sets: one that the feed does not use."""
    if feed.video is None or feed.video.codec != "h264" or not feed.video.config:
        return 1
    return paramsets.choose_sps_id(feed.video.config)
