"""Composition root: builds each process from its parts."""

import asyncio
import contextlib
import functools
import gc
import itertools
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from streamgate.archive.copy.place import CopySettings
from streamgate.errors import ConfigError, Refused, StoreError, StreamgateError
from streamgate.runtime.child import BEAT, CONFIG_EXIT, HEARTBEAT_S, READY_FD, SETUP
from streamgate.runtime.listen import Address, adopt
from streamgate.runtime.lock import Lock
from streamgate.runtime.logs import LogWriter
from streamgate.runtime.service import Services, keep
from streamgate.runtime.supervisor import Process, supervise

if TYPE_CHECKING:
    from streamgate.config import Settings
    from streamgate.ledger.record import Record
    from streamgate.runtime.datadir import DataDir
    from streamgate.store.location import Location

MB = 1024 * 1024
GATE_THREADS = 64  # each call that a hanging disk blocks occupies one; idle ones cost nothing
HUNG_S = {"gate": 4.0, "ingest": 4.0, "console": 10.0, "comments": 10.0}
COPY, COPY_HUNG_S = "copy", 60.0  # runs only where a second copy is kept, with the lowest priority
LENIENT = frozenset({"comments", COPY})  # while one cannot start, the others run without it
COLLECT = {"gate": (10_000, 50, 100), "comments": (10_000, 10, 500)}
"""Thresholds of `gc`. In a flood of comments a collection of the middle generation takes 100 ms."""
COLLECT_AFTER_S = 60.0
"""The garbage collector runs from then on at the latest, even in a process that is not ready."""
LINK_EVERY_S = 10.0
LOOK_BEATS = 4  # heartbeats between two checks of the lock file
SETUP_LOOK_S = 0.5
_log = structlog.get_logger()
Ready = Callable[[], None]


class ProcessSettings(msgspec.Struct, frozen=True):
    """Settings of a child process, as plain values. `descriptors`: inherited listening sockets, by name."""

    data_dir: str
    run_dir: str
    log_level: str
    console_host: str
    descriptors: dict[str, list[int]] = {}
    tls_cert: str | None = None
    tls_key: str | None = None
    public_host: str = ""
    retention_days: int = 60
    no_input_stop_min: float = 30.0
    ring_max_mb: int = 1024
    max_bitrate_mbps: float = 60.0
    shown: list[dict[str, str]] = []  # settings in force for display; sent only to the console
    database: str = "sqlite"  # holds a password; sent only to console and comments
    console_cert: str | None = None
    console_key: str | None = None
    behind_proxy: str = ""
    idle_logout_min: float = 15.0
    password_max_age_days: float = 90.0
    totp_roles: str = ""
    ledger_copy: str = ""
    tsa: str = ""
    copy: CopySettings = CopySettings()  # holds the store's key; sent only to the copy process


# ---------------------------------------------------------------- the supervisor


def serve(settings: "Settings") -> int:
    """Run everything in the foreground until SIGTERM or Ctrl-C; return the exit code."""
    os.umask(0o077)
    os.environ.pop("STREAMGATE_DATABASE", None)  # read; it may hold a password, and children inherit the rest
    copy = _copy_settings(settings)  # also removes the store's key from the environment
    places = settings.places
    out = _logging(settings.log_level)
    try:
        resuming = _on_air(places)
        places.create()
        places.create_run()
        threading.Thread(target=_keep_link, args=(places,), name="link", daemon=True).start()
        asyncio.run(_serve(settings, copy, resuming=resuming, out=out))
    except StreamgateError as error:
        sys.stderr.write(f"streamgate: {error}\n")
        return 1
    finally:
        info = places.serving()
        if info is not None and info.pid == os.getpid():
            places.clear_serve()
        out.drain()
    return 0


def _on_air(places: "DataDir") -> bool:
    """Whether an earlier serve left a broadcast on air here, by the saved states of its channels."""
    from streamgate.playout.memory import read_records

    records = read_records(places.run / "state") or read_records(places.root / "state")
    return any(record.on_air for record in records.values())


def _copy_settings(settings: "Settings") -> CopySettings:
    from streamgate.archive.copy.login import take_login

    login = take_login(os.environ)
    return CopySettings(
        to=settings.copy_to,
        endpoint=settings.copy_endpoint,
        region=settings.copy_region,
        addressing=settings.copy_addressing,
        limit_mbps=settings.copy_limit,
        keep_days=settings.copy_retention,
        recheck_days=settings.copy_recheck,
        check=settings.copy_check,
        login=login,
    )


async def _serve(settings: "Settings", copy: CopySettings, *, resuming: bool, out: LogWriter) -> None:
    from streamgate.announcer import Announcer

    plain = msgspec.to_builtins(_plain(settings))
    secrets = {
        "console": {"database": settings.database, "shown": msgspec.to_builtins(settings.shown)},
        "comments": {"database": settings.database},
        COPY: {"copy": msgspec.to_builtins(copy)},
    }
    hung_s = HUNG_S | ({COPY: COPY_HUNG_S} if copy.to else {})
    announcer = Announcer(settings)
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(announcer.run())
            await supervise(
                settings.places.run,
                [
                    Process(name, plain | secrets.get(name, {}), after_s, lenient=name in LENIENT)
                    for name, after_s in hung_s.items()
                ],
                _addresses(settings),
                resuming=resuming,
                report=announcer,
                out=out,
            )
            telling.cancel()
    except* StreamgateError as errors:
        raise errors.exceptions[0] from None


def _addresses(settings: "Settings") -> list[Address]:
    addresses = [
        Address("rtmp", "ingest", settings.rtmp.host, settings.rtmp.port, "--rtmp"),
        Address("console", "console", settings.console.host, settings.console.port, "--console"),
        Address("public", "comments", settings.public.host, settings.public.port, "--public"),
    ]
    if settings.rtmps is not None:
        addresses.append(Address("rtmps", "ingest", settings.rtmps.host, settings.rtmps.port, "--rtmps"))
    return addresses


def _keep_link(places: "DataDir") -> None:
    """Keep `run` in the data directory a link to the runtime directory; only for people, so it may fail."""
    while True:
        with contextlib.suppress(OSError):
            places.link_run()
        time.sleep(LINK_EVERY_S)


def _plain(settings: "Settings") -> ProcessSettings:
    return ProcessSettings(
        data_dir=str(settings.data_dir),
        run_dir=str(settings.places.run),
        log_level=settings.log_level,
        console_host=settings.console.host,
        tls_cert=str(settings.tls_cert) if settings.tls_cert is not None else None,
        tls_key=str(settings.tls_key) if settings.tls_key is not None else None,
        public_host=settings.public_host,
        retention_days=settings.retention_days,
        no_input_stop_min=settings.no_input_stop_min,
        ring_max_mb=settings.ring_max_mb,
        max_bitrate_mbps=settings.max_bitrate_mbps,
        console_cert=str(settings.console_cert) if settings.console_cert is not None else None,
        console_key=str(settings.console_key) if settings.console_key is not None else None,
        behind_proxy=settings.behind_proxy,
        idle_logout_min=settings.idle_logout_min,
        password_max_age_days=settings.password_max_age_days,
        totp_roles=settings.totp_roles,
        ledger_copy=settings.ledger_copy,
        tsa=settings.tsa,
    )


# ---------------------------------------------------------------- the processes


def run_process(name: str, settings_json: str) -> int:
    """Run the process `name` until it ends; return the exit code.

    The caller exits with it at once: threads that a disk blocks must not delay the exit.
    """
    os.umask(0o077)  # everything in the data directory is this user's alone
    settings = msgspec.json.decode(settings_json, type=ProcessSettings)
    out = _logging(settings.log_level)
    processes = {"gate": _gate, "ingest": _ingest, "console": _console, "comments": _comments, COPY: _copy}
    process = processes[name]
    try:
        held = Lock(Path(settings.run_dir) / f"{name}.lock")
        runner = asyncio.Runner(loop_factory=_loop_factory(name))
        runner.run(_until_stopped(name, process, settings, held))
    except (ConfigError, Refused) as error:
        _log.error("process_refused", process=name, reason=str(error))
        sys.stderr.write(f"{error}\n")
        return CONFIG_EXIT
    except StreamgateError as error:
        _log.error("process_failed", process=name, reason=str(error))
        return 1
    finally:
        out.drain()
    return 0


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop for all but the console: it costs a third less per packet (ADR 6) and per comment."""
    if name == "console":
        return None
    import uvloop

    return uvloop.new_event_loop


async def _until_stopped(
    name: str,
    process: Callable[[ProcessSettings, asyncio.Event, Ready], Awaitable[None]],
    settings: ProcessSettings,
    held: Lock,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    collecting = loop.call_later(COLLECT_AFTER_S, _collect, name)

    def ready() -> None:
        collecting.cancel()
        _collect(name)
        _report_ready()

    async with _services() as services:
        services.start("heartbeat", lambda: _beat(held))
        await process(settings, stop, ready)


def _collect(name: str) -> None:
    """Turn the garbage collector on; objects that exist now are never collected (`gc.freeze`)."""
    if not gc.isenabled():
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT.get(name, (10_000, 10, 10)))
        gc.enable()


def _report_ready() -> None:
    """Report to the supervisor that this process is up."""
    _tell_supervisor(b"\n")


def _tell_supervisor(data: bytes) -> None:
    """Write to the supervisor's pipe; it may be gone."""
    descriptor = os.environ.get(READY_FD)
    if descriptor is not None:
        os.set_blocking(int(descriptor), False)
        with contextlib.suppress(OSError):
            os.write(int(descriptor), data)


async def _beat(held: Lock) -> None:
    """Send heartbeats to the supervisor, which restarts a process whose event loop hangs."""
    for beat in itertools.count():
        _tell_supervisor(BEAT)
        if beat % LOOK_BEATS == 0:
            with contextlib.suppress(OSError):
                held.keep()
        await asyncio.sleep(HEARTBEAT_S)


async def _gate(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    from streamgate.playout import media_server
    from streamgate.playout.control_server import ControlServer
    from streamgate.playout.station import Station
    from streamgate.reserve import RESERVE_BYTES
    from streamgate.runtime.sockets import keep_open

    run_dir = Path(settings.run_dir)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(GATE_THREADS, "worker"))
    async with _services() as services:
        station = Station(
            Path(settings.data_dir),
            run_dir,
            services=services,
            retention_days=settings.retention_days,
            max_ring_bytes=settings.ring_max_mb * MB,
            no_input_stop_s=settings.no_input_stop_min * 60,
            reserve_bytes=RESERVE_BYTES,
        )
        control = ControlServer(station)
        station.recall()
        await keep_open(run_dir / "gate.sock", control.listen, services)
        services.start("channel files", station.follow_files)
        with contextlib.suppress(Refused):  # the disk does not answer: that is logged
            await station.reload()
        await keep_open(run_dir / "media.sock", lambda path: media_server.serve(path, station), services)
        services.start("states", control.push_states)
        services.start("ticks", lambda: _tick(station.tick))
        ready()
        await stop.wait()
        await station.close()


async def _tick(tick: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(1)
        tick()


async def _ingest(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    from streamgate.ingest import service
    from streamgate.ingest.admission import Limits

    await service.run(
        media_socket=Path(settings.run_dir) / "media.sock",
        rtmp=adopt(settings.descriptors.get("rtmp", ())),
        rtmps=adopt(settings.descriptors.get("rtmps", ())),
        cert=Path(settings.tls_cert) if settings.tls_cert is not None else None,
        key=Path(settings.tls_key) if settings.tls_key is not None else None,
        limits=Limits(max_bitrate_bps=round(settings.max_bitrate_mbps * 1_000_000)),
        stop=stop,
        on_listening=lambda _: ready(),
    )


async def _console(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    from console import head_copy, service
    from console.auth.sessions import Rules
    from console.tls import Certificate
    from streamgate.archive import keeper
    from streamgate.incidents.duty_alarm import carry_duty_alarms
    from streamgate.incidents.escalate import carry_upward
    from streamgate.incidents.follow import follow
    from streamgate.incidents.notify import notify
    from streamgate.ledger.places import FOLDER as LEDGER
    from streamgate.ledger.signing import Signer
    from streamgate.link.client import call
    from streamgate.link.messages import Note, Standing, Warn
    from streamgate.runtime.channels import ChannelStore
    from streamgate.store import keeper as store_keeper
    from streamgate.store.location import locate
    from streamgate.store.notices import Notice

    data_dir, run_dir = Path(settings.data_dir), Path(settings.run_dir)
    control = run_dir / "gate.sock"
    database = locate(settings.database, data_dir)

    async def tell(what: Warn) -> None:
        with contextlib.suppress(StreamgateError):  # the gate is down: it is in the log
            await call(control, Note(1, actor="archive", what=what))

    async def stand(key: str, what: Warn | None) -> None:
        with contextlib.suppress(StreamgateError):
            await call(control, Standing(1, actor="archive", key=key, what=what))

    async def keep_archive(record: "Callable[[Record], Any]") -> None:
        await keeper.keep(
            data_dir / "archive",
            data_dir / "catalog.sqlite",
            retention_days=settings.retention_days,
            tell=tell,
            record=record,
            channel_days=lambda: ChannelStore(data_dir).retention(settings.retention_days),
            stand=stand,
        )

    signer = Signer(data_dir)
    heads = []
    if settings.ledger_copy:
        heads.append(head_copy.second_place(settings.ledger_copy, signer))
    if settings.tsa:
        heads.append(head_copy.authority(data_dir, settings.tsa, signer))

    async def keep_heads(place: head_copy.Place) -> None:
        await keep(place.code, lambda: head_copy.keep(data_dir / LEDGER, place, tell=tell))

    async def tell_of_database(what: Notice) -> None:
        warn = Warn(what.code, what.text, what.text_zh, what.level)
        await call(control, Note(1, actor="database", what=warn))

    certificate = None
    if settings.console_cert is not None and settings.console_key is not None:
        certificate = Certificate(Path(settings.console_cert), Path(settings.console_key))
    await service.run(
        host=settings.console_host,
        listeners=adopt(settings.descriptors.get("console", ())),
        data_dir=data_dir,
        control_socket=control,
        media_socket=run_dir / "media.sock",
        database=database,
        rules=Rules(
            idle_s=settings.idle_logout_min * 60,
            password_age_s=settings.password_max_age_days * 86400,
            totp_roles=frozenset(filter(None, settings.totp_roles.split(","))),
        ),
        certificate=certificate,
        behind_proxy=settings.behind_proxy,
        stop=stop,
        host_names=[settings.public_host] if settings.public_host else [],
        ready=lambda _: ready(),
        settings=settings.shown,
        recording=[
            lambda record: keep("archive", lambda: keep_archive(record)),
            lambda record: keep("incidents", lambda: follow(data_dir, record)),
            lambda record: keep("duty_alarm", lambda: carry_duty_alarms(data_dir, notify, record)),
        ],
        background=[
            lambda: keep("database", lambda: store_keeper.keep(database, tell=tell_of_database)),
            lambda: _ask_for_set_up(database),
            *(functools.partial(keep_heads, place) for place in heads),
            lambda: keep("escalation", lambda: carry_upward(data_dir, notify)),
        ],
    )


async def _comments(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    import console
    from moderation import service
    from streamgate.store.location import locate

    data_dir = Path(settings.data_dir)
    await service.run(
        listeners=adopt(settings.descriptors.get("public", ())),
        run_dir=Path(settings.run_dir),
        data_dir=data_dir,
        database=locate(settings.database, data_dir),
        static=Path(console.__path__[0]) / "static",
        behind_proxy=settings.behind_proxy,
        retention_days=settings.retention_days,
        stop=stop,
        ready=ready,
    )


async def _copy(settings: ProcessSettings, stop: asyncio.Event, ready: Ready) -> None:
    from streamgate.archive.copy import service
    from streamgate.link.client import call
    from streamgate.link.messages import Standing, Warn

    run_dir = Path(settings.run_dir)

    async def stand(key: str, what: Warn | None) -> None:
        await call(run_dir / "gate.sock", Standing(1, actor="archive", key=key, what=what))

    ready()
    await service.run(
        settings.copy, data_dir=Path(settings.data_dir), run_dir=run_dir, stop=stop, stand=stand
    )


async def _ask_for_set_up(location: "Location") -> None:
    """Once the database can be read: report to the supervisor if there is no administrator yet."""
    from streamgate.store import users
    from streamgate.store.database import AsyncDatabase

    database = AsyncDatabase(location)
    try:
        while True:
            with contextlib.suppress(StoreError):
                if await database.read(users.count_administrators) == 0:
                    _tell_supervisor(SETUP)
                return
            await asyncio.sleep(SETUP_LOOK_S)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _services() -> AsyncIterator[Services]:
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        yield services
        services.cancel()


def _logging(level: str) -> LogWriter:
    """Configure logging: JSON lines on stderr, by a thread; return its writer. No stream key is logged."""
    out = LogWriter(sys.stderr.fileno())
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
        logger_factory=structlog.WriteLoggerFactory(out),  # type: ignore[arg-type]  # it needs write and flush
        cache_logger_on_first_use=True,
    )
    # asyncio and the libraries: their log lines must not wait for stderr either.
    logging.basicConfig(stream=out, level=logging.WARNING, format="%(name)s: %(message)s", force=True)
    return out
