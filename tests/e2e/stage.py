"""A channel on stage: encoder, tap, gate, tap, platform, and a protocol of what was commanded when."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.encoder import Encoder
from tools.nginx import Platform
from tools.recording import Recording
from tools.rtmpwire import Message
from tools.serve import Done, Gate
from tools.tap import Loop, Tap
from tools.timecode import payload_hash


@dataclass(frozen=True)
class Media:
    """The clips of a run. `feed`: 3.5 minutes, feed 1, 640x360; `frames`: its frame numbers by payload.

    `backup`: 5 s, feed 3, other size and rate, no sound. `other`: 20 s, feed 4, other size, rate and sound.
    `mute`: 20 s, feed 5, as the feed but without sound.
    """

    feed: Path
    frames: dict[str, int]
    backup: Path
    other: Path
    mute: Path


@dataclass(frozen=True)
class Passage:
    """One live packet's way: when its last byte came in, when its first byte left (CLOCK_MONOTONIC)."""

    kind: str
    frame: int | None
    arrival_s: float
    left_s: float

    @property
    def held_s(self) -> float:
        return self.left_s - self.arrival_s


@dataclass
class Stage:
    """One channel from its first publish on. Times are seconds since then, `began_s` is CLOCK_MONOTONIC.

    `hash_picture`: as in `Tap`; `media.frames` must have been made with it.
    """

    name: str
    gate: Gate
    platform: Platform
    media: Media
    loop: Loop
    directory: Path
    second_platform: Platform | None = None
    pushes: tuple[str, ...] = ()
    hash_picture: Callable[[bytes], str] = payload_hash
    began_s: float = 0
    done: dict[str, Done] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    encoders: list[Encoder] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entry = Tap(self.loop, self.gate.rtmp, hash_picture=self.hash_picture)
        self.exit = Tap(self.loop, self.platform.port, hash_picture=self.hash_picture)
        urls = [self._through(self.exit, self.name), *self.pushes]
        if self.second_platform is not None:
            self.other_exit = Tap(self.loop, self.second_platform.port)
            urls.append(self._through(self.other_exit, f"{self.name}-other"))
        key_url = self.gate.add(self.name, *urls, backups=(self.media.backup,))
        self.url = key_url.replace(f":{self.gate.rtmp}/", f":{self.entry.port}/")

    @staticmethod
    def _through(tap: Tap, name: str) -> str:
        return f"rtmp://127.0.0.1:{tap.port}/live/{name}"

    # ------------------------------------------------------------ acting

    def publish(self, start_s: float = 0, *, clip: Path | None = None, keep_trying: bool = False) -> Encoder:
        encoder = Encoder(
            clip or self.media.feed,
            self.url,
            start_s=start_s,
            keep_trying=keep_trying,
            log=self.directory / f"{self.name}-ffmpeg.log",
        )
        self.encoders.append(encoder)
        if not self.began_s:
            self.began_s = time.monotonic()
        return encoder

    def now(self) -> float:
        return time.monotonic() - self.began_s

    def at(self, second: float) -> None:
        """Sleep until that second of the broadcast."""
        time.sleep(max(0.0, self.began_s + second - time.monotonic()))

    def until_on_air(self, wanted: Callable[[int | None], bool], seconds: float = 20) -> None:
        """Wait until the picture that left last is as wanted: its frame number, None for filler."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pictures = self.exit.of("video")
            if pictures and wanted(self.media.frames.get(pictures[-1].digest)):
                return
            time.sleep(0.02)
        raise AssertionError(f"{self.name}: not on air within {seconds} s")

    def do(self, name: str, *arguments: str) -> Done:
        """Run a command and remember it, and the channel's state after it, under `name`."""
        self.done[name] = self.gate.command(*arguments)
        return self.done[name]

    def look(self, name: str) -> None:
        """Remember the channel's status under `name`."""
        self.seen[name] = self.gate.status(self.name)

    def close(self) -> None:
        for encoder in self.encoders:
            encoder.stop()
        self.entry.close()
        self.exit.close()
        if self.second_platform is not None:
            self.other_exit.close()

    # ------------------------------------------------------------ judging

    def recordings(self) -> list[Recording]:
        return [Recording(path) for path in self.platform.recordings(self.name)]

    def sent(self, *kinds: str) -> list[Message]:
        """Return what the encoder sent to the gate."""
        return self.entry.of(*(kinds or ("video",)))

    def passages(self, tap: Tap | None = None) -> list[Passage]:
        """Return every live packet that left, in the order in which they left.

        A packet is known by its payload; audio payloads that the feed holds more than once prove nothing
        and are left out.
        """
        came: dict[str, Message] = {}
        often = Counter(message.digest for message in self.sent("video", "audio"))
        for message in self.sent("video", "audio"):
            if often[message.digest] == 1:
                came[message.digest] = message
        return [
            Passage(out.kind, self.media.frames.get(out.digest), came[out.digest].last_s, out.first_s)
            for out in (tap or self.exit).of("video", "audio")
            if out.digest in came
        ]

    def pictures(self) -> list[Passage]:
        return [passage for passage in self.passages() if passage.kind == "video"]

    def arrived_between(self, begin_s: float, end_s: float) -> set[int]:
        """Return the numbers of the frames that arrived in a time span (CLOCK_MONOTONIC)."""
        sent = sorted(self.sent(), key=lambda message: message.last_s)
        times = [message.last_s for message in sent]
        part = sent[bisect_left(times, begin_s) : bisect_left(times, end_s)]
        return {self.media.frames[message.digest] for message in part}

    def left_between(self, begin_s: float, end_s: float) -> list[int | None]:
        """Return what left in a time span: frame numbers, None for filler pictures."""
        return [
            self.media.frames.get(message.digest)
            for message in self.exit.of("video")
            if begin_s <= message.first_s < end_s
        ]
