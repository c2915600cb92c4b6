"""Child process under supervision: starts it, reads its heartbeats, kills it when it hangs, restarts it."""

import asyncio
import os
import stat
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
import structlog

from streamgate.errors import ConfigError
from streamgate.runtime.lock import is_defunct
from streamgate.runtime.logs import LogWriter

CONFIG_EXIT = 78  # sysexits.h EX_CONFIG: starting again would fail again
READY_FD = "STREAMGATE_PROCESS_READY_FD"
DESCRIPTORS = "descriptors"  # the listening sockets, in the settings: name -> file descriptors
BEAT = b"."
SETUP = b"S"  # from the console: there is no administrator yet
HEARTBEAT_S = 0.5
CHECK_S = 0.25
START_S = 20.0  # from its start to its first heartbeat
STOP_S = 4.0
GIVE_UP_S = 0.5  # after kill -9: a process that hangs in disk I/O stays
QUICK_S = 5.0  # a process that runs shorter than this is restarted after growing pauses
PAUSES_S = (0.0, 0.1, 0.3, 1.0, 2.0)
_DEFUNCT_CHECKS = 2
_STDERR = 2
_PIECE = 64 * 1024
_log = structlog.get_logger()

Tell = Callable[[str, str, str], None]


class Child:
    """Supervised process `name`, run by `streamgate.process`.

    `settings`: sent as JSON on its standard input: they may hold a password, and /proc shows the environment
    of a running process. `descriptors`: listening sockets by name, inherited by it. `hung_s`: seconds without
    a heartbeat until it is killed. `tell(name, code, reason)`: called when it has died or hangs. `lenient`: a
    process that fails to start because of its settings is restarted instead of ending everything. `out`: this
    process's stderr. `set_up()`: called when it reports that there is no administrator yet.
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[str, object],
        *,
        hung_s: float,
        tell: Tell,
        lenient: bool,
        out: LogWriter,
        set_up: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.descriptors: Mapping[str, Sequence[int]] = {}
        self._settings = settings
        self._hung_s = hung_s
        self._tell = tell
        self._lenient = lenient
        self._out = out
        self._set_up = set_up
        self._process: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._been_up = False
        self._beats = 0

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    async def wait_until_up(self) -> None:
        await self._up.wait()

    async def wait_until_down(self) -> None:
        await self._down.wait()

    async def run(self) -> None:
        """Run and restart it until `stop`. ConfigError when its settings prevent a start, unless lenient."""
        quick = 0
        while not self.stopping:
            begun = time.monotonic()
            code = await self._run_once()
            self._up.clear()
            self._down.set()
            if self._stop.is_set():
                return
            if code == CONFIG_EXIT and not self._been_up and not self._lenient:
                raise ConfigError(f"the {self.name} process cannot start; its reason stands above")
            quick = quick + 1 if time.monotonic() - begun < QUICK_S else 0
            pause = PAUSES_S[min(quick, len(PAUSES_S) - 1)]
            self.restarts += 1
            _log.error(
                "process_died", process=self.name, exit_code=code, restarts=self.restarts, pause_s=pause
            )
            self._tell(self.name, "died", f"exit code {code}")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stop.wait()

    async def _run_once(self) -> int | None:
        """Start it, wait for its exit, return the exit code; None when it is dead but hangs in disk I/O."""
        signs = _Pipe(self._handle_heartbeat)
        # If stderr is a file, only this process writes it: a frozen disk blocks every process that writes.
        words = _Pipe(self._out.relay) if stat.S_ISREG(os.fstat(_STDERR).st_mode) else None
        descriptors = [one for some in self.descriptors.values() for one in some]
        settings = {**self._settings, DESCRIPTORS: self.descriptors}
        environment = dict(os.environ)
        environment[READY_FD] = str(signs.writer)
        if self.restarts:  # a restart must not wait for a disk to write compiled modules
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        try:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "streamgate.process",
                    self.name,
                    env=environment,
                    pass_fds=(signs.writer, *descriptors),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=None if words is None else words.writer,
                    stderr=None if words is None else words.writer,
                    start_new_session=True,  # Ctrl-C reaches only the supervisor, which ends the others
                )
            finally:
                for pipe in (signs, words):
                    if pipe is not None:
                        pipe.hand_over()
            _write_input(self._process, msgspec.json.encode(settings))
            if self._stop.is_set():  # `stop` was called while it was being started
                self._process.terminate()
            return await self._watch(self._process)
        finally:
            for pipe in (signs, words):
                if pipe is not None:
                    pipe.close()

    def _handle_heartbeat(self, data: bytes) -> None:
        """Handle heartbeats, and the line that reports that it is up."""
        self._beats += 1
        if SETUP in data:
            self._set_up()
        if b"\n" in data:
            self._been_up = True
            self._down.clear()
            self._up.set()

    async def _watch(self, process: asyncio.subprocess.Process) -> int | None:
        """Wait for the exit; kill the process when no heartbeat comes.

        Silence is measured in this process's own running time, so that no process is killed because the
        whole machine stood still.
        """
        ending = asyncio.ensure_future(process.wait())
        silent_s, dead, beats, begun = 0.0, 0, self._beats, self._beats
        while True:
            looked = time.monotonic()
            done, _ = await asyncio.wait({ending}, timeout=CHECK_S)
            if done:
                return ending.result()
            dead = dead + 1 if is_defunct(process.pid) else 0
            if dead >= _DEFUNCT_CHECKS:
                _log.error("process_left", process=self.name, pid=process.pid, reason="it hangs in the disk")
                return None
            if self._beats != beats:
                silent_s, beats = 0.0, self._beats
                continue
            silent_s += min(time.monotonic() - looked, 2 * CHECK_S)
            limit_s = self._hung_s if beats != begun else START_S
            if silent_s > limit_s and not self.stopping:
                _log.error("process_hangs", process=self.name, silent_s=limit_s)
                self._tell(self.name, "hangs", f"no sign of life for {limit_s:g} s")
                silent_s = 0.0
                with suppress(ProcessLookupError):
                    process.kill()

    async def stop(self) -> None:
        """Terminate it; kill it after STOP_S. One that hangs in disk I/O is left behind."""
        self._stop.set()
        process = self._process
        if process is None or process.returncode is not None or is_defunct(process.pid):
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            _log.error("process_killed", process=self.name)
            with suppress(ProcessLookupError):
                process.kill()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), GIVE_UP_S)


def _write_input(process: asyncio.subprocess.Process, data: bytes) -> None:
    """Write `data` to a process's standard input and close that. The pipe's buffer takes it at once."""
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.close()


class _Pipe:
    """A pipe from a child; received bytes are passed to `take`. `writer`: the child's end."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reader, self._read)

    def hand_over(self) -> None:
        """Close this process's copy of the child's end."""
        os.close(self.writer)

    def close(self) -> None:
        """Read what is left, and close."""
        self._read()
        self._loop.remove_reader(self._reader)
        os.close(self._reader)

    def _read(self) -> None:
        try:
            data = os.read(self._reader, _PIECE)
        except BlockingIOError:
            return
        if data:
            self._take(data)
        else:
            self._loop.remove_reader(self._reader)
