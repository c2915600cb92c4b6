"""The composition root: what each process consists of."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from streamgate.errors import ConfigError, Refused, StreamgateError
from streamgate.runtime.service import Services, keep
from streamgate.runtime.supervisor import CONFIG_EXIT, HEARTBEAT_S, READY_FD, lock, supervise

if TYPE_CHECKING:
    from streamgate.config import Settings

MB = 1024 * 1024
_log = structlog.get_logger()
Ready = Callable[[dict[str, int]], None]


class ProcessSettings(msgspec.Struct, frozen=True):
    """What a child process is told, plain. Ports are those really bound once they are known."""

    data_dir: str
    log_level: str
    rtmp_host: str
    rtmp_port: int
    console_host: str
    console_port: int
    rtmps_host: str = ""
    rtmps_port: int = 0
    tls_cert: str | None = None
    tls_key: str | None = None
    public_host: str = ""
    retention_days: int = 60
    no_input_stop_min: float = 30.0
    ring_max_mb: int = 1024
    max_bitrate_mbps: float = 60.0


# ---------------------------------------------------------------- the supervisor


def serve(settings: "Settings") -> int:
    """Run everything in the foreground until SIGTERM or Ctrl-C; return the exit code."""
    from console.tokens import mint
    from streamgate.runtime.datadir import ServeInfo

    os.umask(0o077)
    places = settings.places
    places.create()
    _logging(settings.log_level)
    plain = msgspec.to_builtins(_plain(settings))

    def up(ports: dict[str, int]) -> None:
        rtmp = f"{_in_url(settings.rtmp.reachable(settings.public_host).host)}:{ports['rtmp']}"
        console = f"{_in_url(settings.console.reachable().host)}:{ports['console']}"
        rtmps = None
        if settings.rtmps is not None:
            rtmps = f"{_in_url(settings.rtmps.reachable(settings.public_host).host)}:{ports['rtmps']}"
        places.write_serve(ServeInfo(os.getpid(), rtmp, console, rtmps))
        say = sys.stdout.write
        say(f"encoders: rtmp://{rtmp}/live\n")
        if rtmps is not None:
            say(f"encoders: rtmps://{rtmps}/live\n")
        say(f"console: http://{console}/?token={mint(places.root)}\n")
        sys.stdout.flush()

    try:
        asyncio.run(supervise(places.run, dict.fromkeys(("gate", "ingest", "console"), plain), up=up))
    except StreamgateError as error:
        sys.stderr.write(f"streamgate: {error}\n")
        return 1
    finally:
        info = places.serving()
        if info is not None and info.pid == os.getpid():
            places.clear_serve()
    return 0


def _plain(settings: "Settings") -> ProcessSettings:
    rtmps = settings.rtmps
    return ProcessSettings(
        data_dir=str(settings.data_dir),
        log_level=settings.log_level,
        rtmp_host=settings.rtmp.host,
        rtmp_port=settings.rtmp.port,
        console_host=settings.console.host,
        console_port=settings.console.port,
        rtmps_host=rtmps.host if rtmps is not None else "",
        rtmps_port=rtmps.port if rtmps is not None else 0,
        tls_cert=str(settings.tls_cert) if settings.tls_cert is not None else None,
        tls_key=str(settings.tls_key) if settings.tls_key is not None else None,
        public_host=settings.public_host,
        retention_days=settings.retention_days,
        no_input_stop_min=settings.no_input_stop_min,
        ring_max_mb=settings.ring_max_mb,
        max_bitrate_mbps=settings.max_bitrate_mbps,
    )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


# ---------------------------------------------------------------- the processes


def run_process(name: str, settings_json: str) -> int:
    """Be the process called `name`; return the exit code."""
    os.umask(0o077)  # everything in the data directory is this user's alone
    settings = msgspec.json.decode(settings_json, type=ProcessSettings)
    _logging(settings.log_level)
    process = {"gate": _gate, "ingest": _ingest, "console": _console}[name]
    try:
        held = lock(Path(settings.data_dir) / "run" / f"{name}.lock")
        with asyncio.Runner(loop_factory=_loop_factory(name)) as runner:
            runner.run(_until_stopped(process, settings))
        os.close(held)
    except (ConfigError, Refused) as error:
        sys.stderr.write(f"{error}\n")
        return CONFIG_EXIT
    except StreamgateError as error:
        _log.error("process_failed", process=name, reason=str(error))
        return 1
    return 0


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The two processes on the air path run on uvloop: per packet it costs them a third less (ADR 6)."""
    if name == "console":
        return None
    import uvloop

    return uvloop.new_event_loop


async def _until_stopped(
    process: Callable[[ProcessSettings, asyncio.Event, Ready], Awaitable[None]], settings: ProcessSettings
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await process(settings, stop, _report_ready)


def _report_ready(ports: dict[str, int]) -> None:
    """Tell the supervisor that this process is up, and where it listens."""
    _tell_supervisor(msgspec.json.encode(ports) + b"\n")


def _tell_supervisor(data: bytes) -> None:
    """Write to the supervisor's pipe; it may be gone."""
    descriptor = os.environ.get(READY_FD)
    if descriptor is not None:
        os.set_blocking(int(descriptor), False)
        with contextlib.suppress(OSError):
            os.write(int(descriptor), data)


async def _gate(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    from streamgate.playout import media_server
    from streamgate.playout.control_server import ControlServer
    from streamgate.playout.station import Station

    data_dir = Path(settings.data_dir)
    async with _services() as services:
        station = Station(
            data_dir,
            services=services,
            retention_days=settings.retention_days,
            max_ring_bytes=settings.ring_max_mb * MB,
            no_input_stop_s=settings.no_input_stop_min * 60,
        )
        station.load()
        control = ControlServer(station)
        media = await media_server.serve(data_dir / "run" / "media.sock", station)
        async with control.serve(data_dir / "run" / "gate.sock"):
            services.start("states", control.push_states)
            services.start("ticks", lambda: _tick(station.tick))
            services.start("heartbeat", _beat)
            # What lives as long as the process need not be looked at by every collection.
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 50, 100)
            ready({})
            await stop.wait()
            await station.close()
        media.close()


async def _beat() -> None:
    """Tell the supervisor that the loop runs: a gate that hangs is ended and started again."""
    while True:
        _tell_supervisor(b".")
        await asyncio.sleep(HEARTBEAT_S)


async def _tick(tick: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(1)
        tick()


async def _ingest(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    from streamgate.ingest import service
    from streamgate.ingest.admission import Limits

    await service.run(
        media_socket=Path(settings.data_dir) / "run" / "media.sock",
        rtmp=(settings.rtmp_host, settings.rtmp_port),
        rtmps=(settings.rtmps_host, settings.rtmps_port) if settings.rtmps_host else None,
        cert=Path(settings.tls_cert) if settings.tls_cert is not None else None,
        key=Path(settings.tls_key) if settings.tls_key is not None else None,
        limits=Limits(max_bitrate_bps=round(settings.max_bitrate_mbps * 1_000_000)),
        stop=stop,
        on_listening=ready,
    )


async def _console(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    from console import service
    from streamgate.archive import keeper
    from streamgate.link.client import call
    from streamgate.link.messages import Note, Warn

    data_dir = Path(settings.data_dir)
    control = data_dir / "run" / "gate.sock"

    async def tell(what: Warn) -> None:
        with contextlib.suppress(StreamgateError):  # the gate is away: it stands in the log
            await call(control, Note(1, actor="archive", what=what))

    async def keep_archive() -> None:
        await keeper.keep(
            data_dir / "archive",
            data_dir / "catalog.sqlite",
            retention_days=settings.retention_days,
            tell=tell,
        )

    await service.run(
        host=settings.console_host,
        port=settings.console_port,
        data_dir=data_dir,
        control_socket=control,
        media_socket=data_dir / "run" / "media.sock",
        stop=stop,
        host_names=[settings.public_host] if settings.public_host else [],
        ready=lambda port: ready({"console": port}),
        background=[lambda: keep("archive", keep_archive)],
    )


@contextlib.asynccontextmanager
async def _services() -> AsyncIterator[Services]:
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        yield services
        services.cancel()


def _logging(level: str) -> None:
    """JSON lines on stderr. A stream key is never given to a logger."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(
                serializer=lambda value, **_: msgspec.json.encode(value).decode()
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
