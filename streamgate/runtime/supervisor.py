"""The supervisor: starts the processes of one `serve`, and restarts those that die or hang.

It is small, so that it rarely fails itself. If it dies (kill -9), its children go on and nothing on air
changes; the next `serve` of the same data directory kills them and starts its own. It waits for no disk.
"""

import asyncio
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from streamgate.clock import now_us
from streamgate.errors import ConfigError
from streamgate.runtime import listen, systemd
from streamgate.runtime.child import Child
from streamgate.runtime.listen import Address
from streamgate.runtime.lock import Lock, end_orphan
from streamgate.runtime.logs import LogWriter

BIND_AGAIN_S = 2.0
PULSE_S = 1.0
PULSE_FILE = "supervisor.pulse"
_log = structlog.get_logger()


class Process(NamedTuple):
    """A process to run, with its settings. `hung_s`: seconds without a heartbeat until it is killed.

    `lenient`: while its settings or a taken address prevent its start, the others run without it.
    """

    name: str
    settings: Mapping[str, object]
    hung_s: float
    lenient: bool = False


class Report(Protocol):
    """Receiver of the supervisor's events. No method may wait."""

    def up(self, process: str, ports: Mapping[str, int]) -> None:
        """A process is up for the first time; `ports`: all ports in use by now, by protocol."""

    def trouble(self, process: str, code: str, reason: str) -> None:
        """A process is not available. `code`: died, hangs, address_taken."""

    def well(self, process: str) -> None:
        """The process is available again."""

    def set_up(self) -> None:
        """There is no administrator yet."""


async def supervise(
    run_dir: Path,
    processes: Sequence[Process],
    addresses: Sequence[Address],
    *,
    resuming: bool,
    report: Report,
    out: LogWriter,
) -> None:
    """Run `processes` until SIGTERM or SIGINT.

    `resuming`: a broadcast is on air and continues; then no failure ends the other processes. Otherwise an
    address that is taken, or settings that prevent a start, raise ConfigError, unless the process is lenient.
    Raises Refused when another supervisor serves this data directory. `out`: this process's stderr, written
    by a thread.
    """
    held = Lock(run_dir / "serve.lock")
    for process in processes:
        end_orphan(run_dir / f"{process.name}.lock")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listeners = [_Listener(address) for address in addresses]
    children = [
        Child(
            process.name,
            process.settings,
            hung_s=process.hung_s,
            tell=report.trouble,
            lenient=resuming or process.lenient,
            out=out,
            set_up=report.set_up,
        )
        for process in processes
    ]
    lenient = {process.name for process in processes if resuming or process.lenient}
    try:
        for listener in listeners:
            try:
                listener.open()
            except ConfigError:
                if listener.address.process not in lenient:
                    raise
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(_run(child, listeners, report), name=child.name) for child in children
            ]
            beside = [group.create_task(_announce(child, listeners, report)) for child in children]
            beside.append(group.create_task(_pulse(run_dir, held)))
            stopping = group.create_task(stop.wait())
            await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
            systemd.notify("STOPPING=1")
            for task in (*beside, stopping):
                task.cancel()
            await asyncio.gather(*(child.stop() for child in children))
            for task in running:
                task.cancel()
    except* ConfigError as errors:
        raise errors.exceptions[0] from None
    finally:
        await asyncio.gather(*(child.stop() for child in children))
        for listener in listeners:
            listener.close()
        held.release()


class _Listener:
    """An address and, once it could be bound, the sockets that listen on it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.sockets: list[socket.socket] = []

    @property
    def port(self) -> int:
        port: int = self.sockets[0].getsockname()[1]
        return port

    def open(self) -> None:
        """Listen, if it does not yet. Raises ConfigError."""
        if not self.sockets:
            self.sockets = listen.bind(self.address)

    def close(self) -> None:
        listen.close(self.sockets)


async def _run(child: Child, listeners: Sequence[_Listener], report: Report) -> None:
    """Bind one child's addresses, retrying while they are taken; then run the child."""
    mine = [listener for listener in listeners if listener.address.process == child.name]
    while not child.stopping:
        try:
            for listener in mine:
                listener.open()
            break
        except ConfigError as error:
            _log.error("address_taken", process=child.name, reason=str(error))
            report.trouble(child.name, "address_taken", str(error))
            await asyncio.sleep(BIND_AGAIN_S)
    child.descriptors = {
        listener.address.name: [one.fileno() for one in listener.sockets] for listener in mine
    }
    await child.run()


async def _announce(child: Child, listeners: Sequence[_Listener], report: Report) -> None:
    """Report that the child is up: the first time, and after each trouble."""
    first = True
    while True:
        await child.wait_until_up()
        if first:
            report.up(
                child.name,
                {listener.address.name: listener.port for listener in listeners if listener.sockets},
            )
            systemd.notify("READY=1")
        else:
            report.well(child.name)
        first = False
        await child.wait_until_down()


async def _pulse(run_dir: Path, held: Lock) -> None:
    """Send heartbeats of the supervisor: to the gate by a file on a tmpfs, to systemd by its watchdog."""
    while True:
        with suppress(OSError):
            held.keep()
            (run_dir / PULSE_FILE).write_bytes(now_us().to_bytes(8, "big"))
        systemd.notify("WATCHDOG=1")
        await asyncio.sleep(PULSE_S)


def pulse_age_s(run_dir: Path) -> float | None:
    """Return the age of the supervisor's last heartbeat in seconds; None when unknown."""
    try:
        pulse = (run_dir / PULSE_FILE).read_bytes()
    except OSError:
        return None
    return (now_us() - int.from_bytes(pulse, "big")) / 1e6 if len(pulse) == 8 else None
