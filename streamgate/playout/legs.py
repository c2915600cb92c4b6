"""The outgoing legs of one channel, one per destination: add, remove, send, report.

A destination that is not approved yet (rule R13) has no leg: nothing connects to it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from streamgate.core.packet import Aired, FeedFormat
from streamgate.link.messages import DestinationStatus, Warn
from streamgate.playout.dialer import Dialer
from streamgate.playout.hls import HlsDestination
from streamgate.playout.push import BodyCache, Destination
from streamgate.playout.texts import say
from streamgate.rtmp.url import HLS
from streamgate.runtime.channels import Destination as DestinationConfig
from streamgate.runtime.service import Services


class Outgoing(Protocol):
    """Interface of a destination of any kind: see `push.Destination`."""

    behind_notice: str  # code of the text for operators when it is behind

    def start(self, header: FeedFormat, part: FeedFormat | None = None, *, resumed: bool = False) -> None: ...

    def stop(self) -> None: ...

    async def closed(self) -> None: ...

    def offer(self, *program: Aired) -> None: ...

    def discard_live(self) -> int: ...

    def status(self) -> DestinationStatus: ...

    async def run(self) -> None: ...


class _Leg:
    def __init__(self, config: DestinationConfig, destination: Outgoing, task: asyncio.Task[None]) -> None:
        self.config = config
        self.destination = destination
        self.task = task
        self.told = "idle"  # the state last logged


class Legs:
    """The legs of one channel. Only `closed` waits for a network."""

    def __init__(
        self,
        channel: str,
        *,
        services: Services,
        say_: Callable[[Warn], None],
        hls: Path,
        dialer: Dialer | None = None,
    ) -> None:
        """`hls`: folder of the channel's HLS files; created for a destination of that kind."""
        self._channel = channel
        self._hls = hls
        self._services = services
        self._say = say_
        self._legs: dict[str, _Leg] = {}
        self._wanted: list[DestinationConfig] = []
        self._closing: set[tuple[str, Outgoing]] = set()  # with the address
        self._bodies = BodyCache()
        self._dialer = dialer or Dialer()

    def __len__(self) -> int:
        return len(self._legs)

    @property
    def waiting(self) -> list[str]:
        """Names of the destinations that wait for approval."""
        return [one.name for one in self._wanted if not one.approved]

    def set(
        self, wanted: Iterable[DestinationConfig], header: FeedFormat | None, part: FeedFormat | None = None
    ) -> None:
        """Push to the approved destinations in `wanted`, and to no others.

        `header`: the program's, None off air; `part`: on air now.
        """
        self._wanted = list(wanted)
        configs = {one.name: one for one in self._wanted if one.approved}
        for name in [name for name, leg in self._legs.items() if configs.get(name) != leg.config]:
            self._end(name)
        for name, config in configs.items():
            if name not in self._legs:
                destination = self._make(config)
                before = [one for url, one in self._closing if url == config.url]
                task = self._services.start(
                    f"push {self._channel} {name}", partial(_run_after, before, destination)
                )
                self._legs[name] = _Leg(config, destination, task)
                if header is not None:
                    destination.start(header, part)

    def start(self, *, resumed: bool) -> None:
        """Connect; the program's header comes with its first packet. `resumed`: as in `Destination.start`."""
        for leg in self._legs.values():
            leg.destination.start(FeedFormat(), resumed=resumed)

    def stop(self) -> None:
        for leg in self._legs.values():
            leg.destination.stop()

    def send(self, program: Sequence[Aired]) -> None:
        for leg in self._legs.values():
            leg.destination.offer(*program)

    def discard_live(self) -> None:
        for leg in self._legs.values():
            leg.destination.discard_live()

    def tell(self) -> None:
        """Log the destinations' changes of state since the last call."""
        for name, leg in self._legs.items():
            status = leg.destination.status()
            if status.state in (leg.told, "connecting"):
                continue
            before, leg.told = leg.told, status.state
            if status.state == "live" and before == "behind":
                self._say(say("destination_caught_up", name=name))
            elif status.state == "live" and status.error:
                self._say(say("destination_old_address", name=name, **_why(status)))
            elif status.state in ("live", "idle"):
                self._say(say(f"destination_{status.state}", name=name))
            elif status.state == "behind":
                self._say(say(leg.destination.behind_notice, name=name, **_why(status)))
            else:
                self._say(say("destination_lost", name=name, **_why(status)))

    def statuses(self) -> list[DestinationStatus]:
        return [
            self._legs[one.name].destination.status()
            if one.name in self._legs
            else DestinationStatus(one.name, one.redacted, "waiting")
            for one in self._wanted
        ]

    def close(self) -> None:
        self._wanted = []
        for name in list(self._legs):
            self._end(name)

    async def closed(self) -> None:
        """Wait until every connection is closed: some seconds at most."""
        await asyncio.gather(*(destination.closed() for _, destination in self._closing))

    def _make(self, config: DestinationConfig) -> Outgoing:
        if config.url == HLS:
            return HlsDestination(config.name, self._hls, split_headers=config.split_headers)
        return Destination(
            config.name,
            config.url,
            bodies=self._bodies,
            dialer=self._dialer,
            split_headers=config.split_headers,
        )

    def _end(self, name: str) -> None:
        leg = self._legs.pop(name)
        closing = (leg.config.url, leg.destination)
        self._closing.add(closing)
        leg.destination.stop()

        async def end() -> None:
            await leg.destination.closed()
            leg.task.cancel()
            self._closing.discard(closing)

        self._services.start(f"end push {self._channel} {name}", end)


async def _run_after(before: Sequence[Outgoing], destination: Outgoing) -> None:
    """Run a destination once others to the same address are closed: a platform accepts one at a time."""
    for other in before:
        await other.closed()
    await destination.run()


def _why(status: DestinationStatus) -> dict[str, str]:
    return {"reason": status.error, "reason_zh": status.error_zh or status.error}
