"""A real gate (station, control and media sockets) on a data directory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from tools.standin_channel import Loop
from tools.testfeed import Feed

from streamgate.clock import now_us
from streamgate.link import wire
from streamgate.link.messages import Format, Hello, Publish
from streamgate.playout import media_server
from streamgate.playout.control_server import ControlServer
from streamgate.playout.station import Station
from streamgate.runtime.channels import hash_key
from streamgate.runtime.service import Services


@contextlib.asynccontextmanager
async def running_gate(data_dir: Path) -> AsyncIterator[Station]:
    run = data_dir / "run"
    run.mkdir(parents=True, exist_ok=True)
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        station = Station(
            data_dir,
            run,
            services=services,
            retention_days=60,
            max_ring_bytes=1 << 26,
            no_input_stop_s=0,
        )
        station.load()
        control = ControlServer(station)
        services.start("channel files", station.follow_files)
        media = await media_server.serve(run / "media.sock", station)
        async with await control.listen(run / "gate.sock"):
            services.start("states", control.push_states)
            yield station
            await station.close()
        media.close()
        services.cancel()


@contextlib.asynccontextmanager
async def fed(data_dir: Path, key: str, feed: Feed, *, stream: int = 1) -> AsyncIterator[None]:
    """Publish a test feed under a stream key, in the place of the ingest process; a broadcast begins.

    `stream`: a number that no other feed has at the same time.
    """
    _, writer = await asyncio.open_unix_connection(data_dir / "run" / "media.sock")
    for message in (
        Hello("ingest"),
        Publish(stream, hash_key(key), "127.0.0.1:50000", "OBS 30"),
        Format(stream, feed.format),
    ):
        writer.write(wire.encode_json(msgspec.json.encode(message)))
    sending = asyncio.ensure_future(_send(writer, Loop(feed, 0), stream))
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()


async def _send(writer: asyncio.StreamWriter, loop: Loop, stream: int) -> None:
    began = now_us()
    while True:
        for packet in loop.due((now_us() - began) // 1000):
            writer.write(wire.encode_packet_head(stream, packet) + packet.data)
        await writer.drain()
        await asyncio.sleep(0.02)
