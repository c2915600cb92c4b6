"""The supervisor: starts the processes of one `serve`, and starts them again when they die.

It is small so that it does not die itself. If it does all the same (kill -9), its children go on: nothing on
air changes; the next `serve` of the same data directory ends them and takes over.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import structlog

from streamgate.errors import ConfigError, Refused

CONFIG_EXIT = 78  # sysexits.h EX_CONFIG: starting again would fail again
SETTINGS = "STREAMGATE_PROCESS_SETTINGS"  # JSON, in the environment of a child
READY_FD = "STREAMGATE_PROCESS_READY_FD"
STOP_S = 4.0
QUICK_S = 5.0  # a process that lives shorter than this is started again with growing pauses
PAUSES_S = (0.0, 0.1, 0.3, 1.0, 2.0)
HUNG_S = 4.0  # without a heartbeat
HEARTBEAT_S = 0.5
_log = structlog.get_logger()


def lock(path: Path) -> int:
    """Take the lock file at `path` for as long as this process lives; it holds the pid. Refused if taken."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise Refused(
            f"{path.stem} is running already (process {pid}) in {path.parent.parent};"
            " end that one first, or use another --data-dir"
        ) from None
    with contextlib.suppress(OSError):  # a full disk must not keep the gate from coming back
        os.pwrite(descriptor, f"{os.getpid():<15}\n".encode(), 0)
    return descriptor


def end_orphan(path: Path) -> None:
    """End a process that an earlier supervisor left behind, if one still holds the lock at `path`."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            os.close(lock(path))
        except Refused:
            with contextlib.suppress(ValueError, ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGKILL)
            time.sleep(0.02)
        else:
            return
    raise Refused(f"{path.stem} of an earlier serve does not end; end process {path.read_text()} by hand")


class Child:
    """One supervised process. `settings` go to it as JSON; `ready` is what it reported when it was up."""

    def __init__(self, name: str, settings: Mapping[str, object]) -> None:
        self.name = name
        self.settings = dict(settings)
        self.ready: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()
        self._beat: float | None = None  # when it last said that it is alive, if it does

    async def run(self) -> None:
        """Keep it alive until `stop`. ConfigError when it never came up because of its settings."""
        quick = 0
        while not self._stop.is_set():
            begun = time.monotonic()
            code = await self._run_once()
            if self._stop.is_set():
                return
            if code == CONFIG_EXIT and not self.ready.done():
                raise ConfigError(f"the {self.name} process cannot start; its reason stands above")
            quick = quick + 1 if time.monotonic() - begun < QUICK_S else 0
            pause = PAUSES_S[min(quick, len(PAUSES_S) - 1)]
            self.restarts += 1
            _log.error(
                "process_died", process=self.name, exit_code=code, restarts=self.restarts, pause_s=pause
            )
            await asyncio.sleep(pause)

    async def _run_once(self) -> int:
        reader, writer = os.pipe()
        environment = dict(os.environ)
        environment[SETTINGS] = msgspec.json.encode(self.settings).decode()
        environment[READY_FD] = str(writer)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "streamgate.process",
                self.name,
                env=environment,
                pass_fds=(writer,),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor alone, which asks the others to end
            )
        finally:
            os.close(writer)
        self._listen(reader)
        if self._stop.is_set():  # asked to stop while it was being started
            self._process.terminate()
        watching = asyncio.ensure_future(self._watch(self._process))
        try:
            return await self._process.wait()
        finally:
            watching.cancel()

    def _listen(self, reader: int) -> None:
        """Take the ports the child reports once it listens (its successor gets the same), then heartbeats."""
        loop = asyncio.get_running_loop()
        self._beat = None

        def readable() -> None:
            data = os.read(reader, 4096)
            if not data:
                loop.remove_reader(reader)
                os.close(reader)
                return
            line, separator, _ = data.partition(b"\n")
            if separator and line:
                ports = msgspec.json.decode(line, type=dict[str, int])
                self.settings.update({f"{name}_port": port for name, port in ports.items()})
                if not self.ready.done():
                    self.ready.set_result(ports)
            else:
                self._beat = time.monotonic()

        loop.add_reader(reader, readable)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """End a process that has sent heartbeats and sends no more: it hangs, and only a new one helps."""
        while process.returncode is None:
            await asyncio.sleep(HUNG_S / 10)
            if self._beat is not None and time.monotonic() - self._beat > HUNG_S and not self._stop.is_set():
                _log.error("process_hangs", process=self.name, silent_s=HUNG_S)
                self._beat = None
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def stop(self) -> None:
        """Ask it to end; end it after some seconds."""
        self._stop.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            _log.error("process_killed", process=self.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def supervise(
    run_dir: Path,
    processes: Mapping[str, Mapping[str, object]],
    *,
    up: Callable[[dict[str, int]], None],
) -> None:
    """Run `processes` (name: settings) until SIGTERM or SIGINT.

    `up` is called once with all reported ports. Raises Refused when this data directory is served already,
    ConfigError when a process cannot start as it is set.
    """
    held = lock(run_dir / "serve.lock")
    for name in processes:
        end_orphan(run_dir / f"{name}.lock")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    children = [Child(name, settings) for name, settings in processes.items()]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child.run(), name=child.name) for child in children]
            announcing = group.create_task(_announce(children, up))
            stopping = group.create_task(stop.wait())
            await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            announcing.cancel()
            stopping.cancel()
            await asyncio.gather(*(child.stop() for child in children))
    except* ConfigError as errors:
        raise errors.exceptions[0] from None
    finally:
        await asyncio.gather(*(child.stop() for child in children))
        os.close(held)


async def _announce(children: list[Child], up: Callable[[dict[str, int]], None]) -> None:
    ports: dict[str, int] = {}
    for child in children:
        ports.update(await child.ready)
    up(ports)
