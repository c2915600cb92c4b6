"""Mosaic jobs of one channel: passes marked GOPs to a child, one job at a time, and logs late ones."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from streamgate.clock import now_us
from streamgate.core.clip import Clip
from streamgate.core.gate import Gate
from streamgate.core.mosaic import MAX_BYTES, Group, Wanted
from streamgate.core.packet import FeedFormat
from streamgate.core.spans import MOSAIC
from streamgate.errors import MediaError
from streamgate.link.messages import Warn
from streamgate.playout.mosaic_maker import MosaicMaker
from streamgate.playout.texts import say
from streamgate.runtime.service import Services
from streamgate.wording import in_chinese

TRIES = 2  # per GOP
JOB_PICTURES = 300  # per job of several GOPs, so that GOPs marked meanwhile do not wait longer
_TOO_LITTLE_TIME = ("there was too little time", "时间不够")
_UNFIT = (
    "its groups of pictures are too long, too short or open: set a closed keyframe interval of 2 s",
    "其画面组过长、过短或引用前一组；请将编码器设为 2 秒一个关键帧、闭合 GOP",
)
_NOT_TAKEN = ("it came too late, or does not fit the feed", "完成过晚，或与来流不符")
_log = structlog.get_logger()


class MosaicJobs:
    """Runs the mosaic jobs of one channel, one child at a time, and logs spans that are not ready in time."""

    def __init__(
        self,
        channel: str,
        *,
        gate: Gate,
        maker: MosaicMaker,
        services: Services,
        say_: Callable[[Warn], None],
    ) -> None:
        self._channel, self._gate, self._maker = channel, gate, maker
        self._services, self._say = services, say_
        self._task: asyncio.Task[None] | None = None
        self._tried: dict[Group, int] = {}
        self._told: set[str] = set()
        self._making: set[str] = set()  # spans of the present job; if late, its result has the reason
        self._reasons: dict[str, tuple[str, str]] = {}  # by span: why its mosaic was not made

    def tick(self, bitrate_bps: int) -> None:
        """Start the next job: call once a second and at each mark. `bitrate_bps`: the feed's; 0: unknown."""
        if not self._gate.spans.hides:
            self._tried.clear()
            self._told.clear()
            self._reasons.clear()
            return
        now = now_us()
        late = sorted(self._gate.mosaics_missed(now) - self._told - self._making)
        unfit = self._gate.mosaics.unfit(now) if late else set()
        for span in late:
            self._told.add(span)
            reason = _UNFIT if span in unfit else self._reasons.get(span, _TOO_LITTLE_TIME)
            self._say(say("mosaic_late", span=span, reason=reason[0], reason_zh=reason[1]))
        if self._task is not None and not self._task.done():
            return
        job = self._next_job(now)
        if job:
            feed = job[0][1]
            wanted = [one for one, _ in job]
            self._making = {span for one in wanted for span in one.spans}

            async def make() -> None:
                await self._make(feed, wanted, bitrate_bps)

            self._task = self._services.start(f"mosaic {self._channel}", make)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _next_job(self, now: int) -> list[tuple[Wanted, FeedFormat]]:
        """Return GOPs of one format for one child, within its bounds."""
        job: list[tuple[Wanted, FeedFormat]] = []
        pictures = size = 0
        wanted = self._gate.mosaics_wanted(now)
        groups = {one.group for one, _ in wanted}
        self._tried = {group: times for group, times in self._tried.items() if group in groups}
        for one, feed in wanted:
            if self._tried.get(one.group, 0) >= TRIES:
                continue
            pictures += len(one.packets)
            size += sum(len(held.packet.data) for held in one.packets)
            if job and (feed != job[0][1] or pictures > JOB_PICTURES or size > MAX_BYTES):
                break
            job.append((one, feed))
        return job

    async def _make(self, feed: FeedFormat, wanted: Sequence[Wanted], bitrate_bps: int) -> None:
        missing = {one.group for one in wanted}

        def made(one: Wanted, clip: Clip) -> None:
            missing.discard(one.group)
            taken = self._gate.install_mosaic(one, feed, clip, now_us())
            if not taken and not self._gate.mosaics.full:  # else it is wanted again once there is room
                self._tried[one.group] = TRIES
                self._reasons |= dict.fromkeys(one.spans, _NOT_TAKEN)

        began, reason = now_us(), ""
        try:
            await self._maker.make(MOSAIC, feed, wanted, bitrate_bps, made)
        except MediaError as error:
            reason = str(error)
            for one in wanted:
                if one.group in missing:
                    self._reasons |= dict.fromkeys(one.spans, (reason, in_chinese(error)))
            failed = next((one.group for one in wanted if one.group in missing), None)
            if failed is not None:  # those behind it were not begun
                self._tried[failed] = self._tried.get(failed, 0) + 1
        finally:
            self._making = set()
        _log.info(
            "mosaic_made",
            channel=self._channel,
            groups=len(wanted) - len(missing),
            missing=len(missing),
            reason=reason,
            took_s=round((now_us() - began) / 1e6, 2),
        )
