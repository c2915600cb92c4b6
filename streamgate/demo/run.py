"""The demo: the main job on one machine. A test feed over RTMP, the gate, a platform, the page.

Everything is real: `streamgate serve` as a child, an encoder in its own process, a destination on a socket.
"""

import asyncio
import contextlib
import os
import shlex
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import typer

from console.auth.tokens import DEMO_MARK, mint
from streamgate.clock import wall_s
from streamgate.demo import comments, people
from streamgate.demo.feed import URL_VARIABLE
from streamgate.demo.pictures import make_backup
from streamgate.demo.sink import Sink
from streamgate.errors import ConfigError, Fatal, Refused, StreamgateError
from streamgate.link.client import call
from streamgate.link.messages import ChannelStatus, GetStatus
from streamgate.rtmp.url import HLS
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.datadir import DataDir
from streamgate.runtime.destinations import Entry

CHANNEL = "main"
MARK = DEMO_MARK
START_S = 60.0  # until everything is up; a slow machine loads for a while
END_S = 2.2  # what each of the two children gets to end by itself
REPORT_S = 10.0  # between two lines when nothing changes
LOG_LINES = 15
_RTMP_PORT, _CONSOLE_PORT, _PUBLIC_PORT = 1935, 8080, 8081  # when they are free, else any


def run_demo(directory: Path | None) -> int:
    """Run until Ctrl-C; return the exit code.

    `directory`: for all files; None: ./.demo, or a temporary one where that cannot be.
    Raises StreamgateError when it cannot start, or when one of its parts ends by itself.
    """
    places = _prepare(directory)
    return asyncio.run(_Demo(places).run())


class _Ended(Exception):  # noqa: N818 - no error: the user's wish
    """Ctrl-C."""


class _Demo:
    def __init__(self, places: DataDir) -> None:
        self._places = places
        self._sink = Sink(places.root)
        self._log = places.root / "serve.log"
        self._children: list[Process] = []
        self._page = ""

    async def run(self) -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_raise_when(stop))
                await self._start(group)
                await self._report()
        except* _Ended:
            typer.echo("\nending · 正在结束 ...")
        except* StreamgateError as errors:
            failure = errors.exceptions[0]
        finally:
            await self._end()
        if failure is not None:
            raise failure
        typer.echo(f"done; recordings stay in {self._places.root} · 已结束，录像保留在该目录")
        return 0

    # ------------------------------------------------------------ start and end

    async def _start(self, group: asyncio.TaskGroup) -> None:
        push = await self._sink.start()
        rtmp, console = _free_port(_RTMP_PORT), _free_port(_CONSOLE_PORT)
        store = ChannelStore(self._places.root)
        with contextlib.suppress(Refused):  # of an earlier demo; there is none the first time
            store.remove(CHANNEL)
        _, key = store.add(
            CHANNEL,
            push=[f"platform={push}", f"watch={HLS}"],
            backups=[self._places.root / "backup.mp4"],
            entry=Entry("cli:demo", wall_s(), alone=True),
        )
        await asyncio.to_thread(people.make, self._places.root)
        await asyncio.to_thread(comments.open_up, self._places.root, CHANNEL)
        typer.echo("starting the gate · 正在启动 ...")
        public = f"127.0.0.1:{_free_port(_PUBLIC_PORT)}"
        addresses = ("--rtmp", f"127.0.0.1:{rtmp}", "--console", f"127.0.0.1:{console}", "--public", public)
        command = ("--data-dir", str(self._places.root), "serve", *addresses)
        serve = await self._spawn("streamgate", *command, listen=True)
        group.create_task(self._watch(serve, "serve"))
        group.create_task(self._read(serve))
        until = time.monotonic() + START_S
        while not (self._page and await _healthy(console)):
            if time.monotonic() > until:
                raise Fatal(f"the gate was not up after {START_S:g} s; {self._last_lines()}")
            await asyncio.sleep(0.1)
        url = f"rtmp://127.0.0.1:{rtmp}/live/{key}"
        feed = await self._spawn("streamgate.demo.feed", url=url)
        group.create_task(self._watch(feed, "test feed"))
        links = {name: f"{self._page}?token={mint(self._places.root, name)}" for name in people.ROLES}
        links |= {name: f"{link}&to=review" for name, link in links.items() if name.endswith("reviewer")}
        watch = f"http://{public}/watch/{CHANNEL}"
        typer.echo(_words(links, watch, f"rtmp://127.0.0.1:{rtmp}/live", self._places.root, self._sink.path))

    async def _spawn(self, *module: str, listen: bool = False, url: str = "") -> Process:
        """Start a Python module in a session of its own: Ctrl-C reaches only the demo, which ends all of it.

        `listen`: its stdout will be read; else it goes to the log, as stderr does. `url`: where a feed goes;
        not an argument, because everybody on the machine can read those.
        """
        environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMGATE_")}
        with self._log.open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *module),
                stdin=DEVNULL,
                stdout=PIPE if listen else log,
                stderr=log,
                start_new_session=True,
                env={**environment, "PYTHONUNBUFFERED": "1", URL_VARIABLE: url},
            )
        self._children.append(child)
        return child

    async def _read(self, serve: Process) -> None:
        """Find the page's address in what serve prints, and keep the rest for the log."""
        assert serve.stdout is not None
        with self._log.open("ab") as log:
            async for line in serve.stdout:
                if line.startswith(b"console: "):
                    self._page = line.decode().removeprefix("console: ").strip()
                else:
                    log.write(line)
                    log.flush()

    async def _watch(self, child: Process, name: str) -> NoReturn:
        code = await child.wait()
        raise Fatal(f"the {name} ended by itself with exit code {code}; {self._last_lines()}")

    def _last_lines(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        return "\n  ".join([f"the last lines of {self._log}:", *lines])

    async def _end(self) -> None:
        for child in reversed(self._children):  # the feed first: its goodbye belongs in the recording
            try:
                async with asyncio.timeout(END_S):
                    if child.returncode is None:
                        child.terminate()
                    await child.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        await self._sink.close()

    # ------------------------------------------------------------ what it says

    async def _report(self) -> NoReturn:
        """Say what the gate does and what the platform sees: at every change, and every REPORT_S."""
        said: tuple[object, ...] = ()
        at = 0.0
        while True:
            channel = await self._status()
            sink = self._sink
            now = (channel.state if channel else None, sink.picture, sink.connections, sink.connected)
            if now != said or time.monotonic() - at >= REPORT_S:
                said, at = now, time.monotonic()
                typer.echo(
                    f"{time.strftime('%H:%M:%S')}  {_gate_words(channel)}  |  {_sink_words(sink, channel)}"
                )
            await asyncio.sleep(0.5)

    async def _status(self) -> ChannelStatus | None:
        try:
            reply = await call(self._places.control_socket, GetStatus(id=1, actor="demo"))
        except StreamgateError:
            return None  # the gate is being restarted: the next line tells
        return next((one for one in reply.channels or [] if one.name == CHANNEL), None)


async def _raise_when(stop: asyncio.Event) -> NoReturn:
    await stop.wait()
    raise _Ended


async def _healthy(port: int) -> bool:
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
                return b" 200" in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _prepare(directory: Path | None) -> DataDir:
    """Make the demo's directory with the backup clip in it. Refuses one that holds anything else."""
    try:
        places = DataDir(directory or Path(".demo"))
        mark = places.root / MARK
        if places.root.exists() and any(places.root.iterdir()) and not mark.exists():
            raise Refused(
                f"{places.root} is not empty and not of an earlier demo;"
                f" name another directory: streamgate --data-dir DIR demo"
            )
        places.create()
    except ConfigError:  # too deep for a socket, or not writable
        if directory is not None:
            raise
        places = DataDir(Path(tempfile.mkdtemp(prefix="streamgate-demo-")))
        places.create()
        mark = places.root / MARK
    if places.serving() is not None:
        raise Refused(f"a streamgate serves {places.root} already; end it, or name another: --data-dir DIR")
    mark.touch()
    backup = places.root / "backup.mp4"
    if not backup.exists():
        typer.echo("making a backup clip · 正在制作备用片段 ...")
        make_backup(backup)
    return places


def _free_port(wanted: int) -> int:
    """Return `wanted` when nobody listens there, else any free port of loopback."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise Fatal("no free port on 127.0.0.1; end some programs")


def _gate_words(channel: ChannelStatus | None) -> str:
    if channel is None:
        return "gate: no answer"
    returns = "" if channel.returns_in_s is None else f", live in {channel.returns_in_s:.0f} s"
    return f"gate: {channel.state.replace('_', ' ')}{returns}"


def _sink_words(sink: Sink, channel: ChannelStatus | None) -> str:
    if not sink.connected:
        why = next((f" ({one.error})" for one in (channel.destinations if channel else ()) if one.error), "")
        return f"platform: not connected{why}"
    again = f", connection {sink.connections}" if sink.connections > 1 else ""
    return f"platform: {sink.received_s:.1f} s received, picture: {sink.picture}{again}"


def _program() -> str:
    """How to call this streamgate from another terminal in the same directory."""
    installed = Path(sys.executable).with_name("streamgate")
    if not installed.exists():
        return f"{shlex.quote(sys.executable)} -m streamgate"
    with contextlib.suppress(ValueError):
        installed = installed.relative_to(Path.cwd())
    return shlex.quote(str(installed))


def _words(links: Mapping[str, str], watch: str, rtmp: str, root: Path, file: Path) -> str:
    others = "\n".join(f"  {name:<16} {link}" for name, link in links.items() if name != people.OPERATOR)
    command = f"{_program()} --data-dir {shlex.quote(str(root))}"
    return f"""
  streamgate demo · 演示

  page · 页面        {links[people.OPERATOR]}
  watch · 观看       {watch}  (what viewers see and write · 观众观看和评论)
  feed · 信号        {rtmp}  (a test picture with the time of day · 带时钟的测试信号)
  platform · 平台    {file}  (what it receives · 平台收到的内容)

  The page opens as the operator. Others, each link good once · 以操作员身份打开；其他人员（链接一次有效）:
{others}

  The standby card airs for 30 seconds, then the feed, 30 seconds late.
  前 30 秒播出垫片，之后播出延时 30 秒的信号。

  On the page · 页面按键:
    X cut 切断   R restore 恢复   D dump 10 s 丢弃 10 秒   B backup 备用画面   L live 直播

  Write on the watch page, approve it as the reviewer (A): it appears there 10 seconds later.
  在观看页发一条评论，以审核员身份按 A 通过，10 秒后即显示。

  Or in another terminal · 或在另一个终端:
    {command} cut {CHANNEL}
    {command} restore {CHANNEL}
    {command} dump {CHANNEL} --seconds 10
    {command} backup {CHANNEL}
    {command} live {CHANNEL}
    {command} status

  Ctrl-C ends everything · 按 Ctrl-C 结束
"""
