"""A real gate (station, control and media sockets) on a data directory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from streamgate.playout import media_server
from streamgate.playout.control_server import ControlServer
from streamgate.playout.station import Station
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
