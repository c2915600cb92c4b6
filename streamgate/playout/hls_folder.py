"""HLS files of one channel: init sections, segments and the playlist that lists them.

    hls/<channel>/index.m3u8      the playlist; replaced atomically, after the files that it lists are written
    hls/<channel>/init-<N>.mp4    ftyp and moov for segment N and the following ones
    hls/<channel>/<N>.m4s         one segment: moof and mdat

No name is used twice, across restarts and broadcasts, so that any cache may keep segments for ever.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from streamgate.core.fmp4 import Fragmenter, init_segment
from streamgate.core.headers import AIRED_AUDIO, AIRED_VIDEO
from streamgate.core.hls_playlist import PLAYLIST, Entry, Playlist, number_of, parse
from streamgate.core.packet import FeedFormat
from streamgate.core.segmenter import Segment
from streamgate.disk import write_all
from streamgate.errors import MediaError

RETENTION_MS = 5 * 60_000
"""Length of the playlist, and how long its files stay after the end of a broadcast."""
LINGER_US = 60_000_000
"""A file that left the playlist stays this much longer, since a player may still fetch it."""
_DRAFT = ".new"
_EPOCH_S = 1_577_836_800  # 2020-01-01: numbers are at least the seconds since then; 32 bits until 2088
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755  # readable for any web server, since the program is public


class HlsFolder:
    """Writes a channel's HLS files, from one thread. Methods raise OSError on disk errors; retry is allowed.

    `stopped`: called before a file is renamed; True: another process may write here now, so change nothing.
    """

    def __init__(self, path: Path, stopped: Callable[[], bool] = lambda: False) -> None:
        self.path = path
        self._stopped = stopped
        self._playlist: Playlist | None = None  # None: no broadcast
        self._next = 1  # number of the next segment
        self._head: bytes | None = None  # the newest init section
        self._init = 0  # its number
        self._fragmenter: Fragmenter | None = None
        self._expected: int | None = None  # begin of a segment that continues the newest one
        self._old: dict[str, int] = {}  # files no longer needed, with the time of removal

    # ------------------------------------------------------------ life of a broadcast

    def adopt(self, now_us: int) -> None:
        """Schedule the files of an earlier process for removal; `begin` keeps those still in use."""
        for name in self._names():
            self._old[name] = now_us + RETENTION_MS * 1000

    def begin(self, now_us: int, wall_s: float, *, resumed: bool) -> None:
        """Begin a broadcast's playlist. `resumed`: continue the one that an earlier process wrote."""
        for folder in (self.path.parent, self.path):
            if not folder.is_dir():
                folder.mkdir()
                folder.chmod(_FOLDER_MODE)
        names = self._names()
        before = self._read()
        known = [number for name in names if (number := number_of(name)) is not None]
        known += [entry.number for entry in before.entries]
        self._playlist = self._go_on_with(before, wall_s) if resumed else None
        if self._playlist is not None:
            self._next = self._playlist.entries[-1].number + 1
        else:
            self._next = max(max(known, default=0) + 1, int(wall_s) - _EPOCH_S)
            # For a player on the old playlist, the new broadcast begins after a discontinuity.
            count = before.count_discontinuities() + bool(known)
            self._playlist = Playlist(discontinuities=count)
        kept = self._playlist.files() | {PLAYLIST}
        for name in names - kept:
            self._old[name] = min(self._old.get(name, now_us + LINGER_US), now_us + LINGER_US)
        for name in kept:
            self._old.pop(name, None)
        self._head, self._expected = None, None

    def _go_on_with(self, before: Playlist, wall_s: float) -> Playlist | None:
        """Return the part of a playlist that is usable after a restart; None when there is none."""
        if before.ended:
            return None
        oldest_ms = wall_s * 1000 - RETENTION_MS
        unfit = [one.number for one in before.entries if one.at_ms < oldest_ms or not self._is_whole(one)]
        before.drop_through(max(unfit, default=-1))
        return before if before.entries else None

    def put(self, segment: Segment, now_us: int, withdrawn: Callable[[], bool]) -> int:
        """Write a segment and list it; return its bytes, 0 when it was withdrawn meanwhile.

        Raises MediaError when browsers cannot play its codecs.
        """
        playlist = self._playlist
        if playlist is None:
            raise MediaError("no broadcast has begun", "直播尚未开始")
        check_playable(segment.format)
        head = init_segment(segment.format)
        if head != self._head or segment.begin != self._expected or self._fragmenter is None:
            self._fragmenter = Fragmenter(segment.format, fill_silence=True)
            self._expected = None
        goes_on, self._expected = self._expected is not None, None
        number = self._next
        data = self._fragmenter.fragment(segment.packets, number, next_video_dts=segment.end)
        if head != self._head:
            self._write(f"init-{number}.mp4", head)
            self._head, self._init = head, number
        name = f"{number}.m4s"
        if not self._write(name, data, withdrawn):
            return 0
        if withdrawn():
            (self.path / name).unlink()
            return 0
        entry = Entry(
            number,
            duration_ms=max(1, segment.end - segment.begin),
            at_ms=round(segment.at * 1000),
            init=self._init,
            discontinuity=not goes_on and bool(playlist.entries),
        )
        self._next += 1
        left = playlist.append(entry, RETENTION_MS)
        gone = {file for one in left for file in (one.name, one.init_name)} - playlist.files()
        self._old |= dict.fromkeys(gone, now_us + LINGER_US)
        self._expected = segment.end
        self._write(PLAYLIST, playlist.render().encode())
        return len(data)

    def end(self, now_us: int) -> None:
        """End the broadcast's playlist. Its files stay for RETENTION_MS.

        After a disk error `tidy` tries again.
        """
        playlist = self._playlist
        if playlist is not None and playlist.entries:
            playlist.ended = True
            self._write(PLAYLIST, playlist.render().encode())
            self._old |= dict.fromkeys([*playlist.files(), PLAYLIST], now_us + RETENTION_MS * 1000)
        self._playlist = self._fragmenter = None

    def tidy(self, now_us: int) -> int | None:
        """Remove files whose time of removal has come; return the next such time. None: there is none."""
        if self._playlist is not None and self._playlist.ended:
            self.end(now_us)
        for name in [name for name, due_us in self._old.items() if due_us <= now_us]:
            (self.path / name).unlink(missing_ok=True)
            del self._old[name]
        return min(self._old.values(), default=None)

    # ------------------------------------------------------------ files

    def _names(self) -> set[str]:
        """Return the names of HLS files in the folder; remove drafts of a killed process."""
        try:
            names = os.listdir(self.path)  # noqa: PTH208 - only names are needed
        except FileNotFoundError:
            return set()
        for draft in names:
            if draft.startswith(".") and draft.endswith(_DRAFT):
                (self.path / draft).unlink(missing_ok=True)
        return {name for name in names if name == PLAYLIST or number_of(name) is not None}

    def _read(self) -> Playlist:
        """Return the playlist on disk; an empty one when there is no valid one."""
        try:
            return parse((self.path / PLAYLIST).read_text("ascii"))
        except (FileNotFoundError, UnicodeDecodeError, MediaError):
            return Playlist()

    def _is_whole(self, entry: Entry) -> bool:
        """Whether the files of an entry exist and are not empty, as one may be after a power failure."""
        with suppress(FileNotFoundError):
            return all((self.path / name).stat().st_size for name in (entry.name, entry.init_name))
        return False

    def _write(self, name: str, data: bytes, withdrawn: Callable[[], bool] = lambda: False) -> bool:
        """Write a file under a temporary name, then rename it; False when it was withdrawn before that."""
        draft = self.path / f".{name}.{threading.get_ident()}{_DRAFT}"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
            try:
                os.fchmod(descriptor, _FILE_MODE)
                write_all(descriptor, data)
            finally:
                os.close(descriptor)
            if not self._stopped() and not withdrawn():
                draft.replace(self.path / name)
                self._old.pop(name, None)
                return True
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        draft.unlink()
        return False


def check_playable(format_: FeedFormat) -> None:
    """Raise MediaError, for operators, unless browsers play it: H.264 or HEVC, with AAC or no sound."""
    video, audio = format_.video, format_.audio
    if video is None or video.codec not in AIRED_VIDEO:
        codec = "no picture" if video is None else f"a picture in {video.codec}"
        codec_zh = "没有画面" if video is None else f"画面编码为 {video.codec}"
        raise MediaError(
            f"the program has {codec}; browsers play H.264 or HEVC: set the encoder to H.264",
            f"节目{codec_zh}；浏览器只能播放 H.264 或 HEVC：请将编码器设为 H.264",
        )
    if audio is not None and audio.codec not in AIRED_AUDIO:
        raise MediaError(
            f"the program's sound is {audio.codec}; browsers play AAC: set the encoder to AAC",
            f"节目声音编码为 {audio.codec}；浏览器只能播放 AAC：请将编码器设为 AAC",
        )
