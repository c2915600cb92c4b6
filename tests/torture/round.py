"""One round: a real `serve`, a real encoder, a real platform, and a script of what happens to them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools.disks import Disk
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.recording import Recording, decode_errors
from tools.tap import Connection as Tapped
from tools.tap import Loop, Tap
from tools.timecode import slices_hash
from tools.wall_clock import WallClock
from torture import archived, records
from torture.clips import GOP_S, Clips
from torture.evidence import Connection, Evidence, Look, Order, Proof, Record, Trouble
from torture.machine import Machine, journal
from torture.peers import BadPlatforms, Canary, flood
from torture.scenario import Act, Script

NAME = "main"
DISK_MB = 96
OPENING = ("cut", "dump", "backup", "stop")
LATE_S = 20.0
INSIST_S = 15.0  # an operator whose command is not answered gives it again for so long
UNWRITTEN_S = 45.0  # what a disk that breaks had not yet taken from the kernel's cache (ext4: 30 s + 5 s)


def open_disk(directory: Path) -> tuple[Disk | None, str]:
    """Return a file system of its own for the data directory, or None and why there is none."""
    disk = Disk(directory, DISK_MB)
    try:
        return disk.__enter__(), ""
    except pytest.skip.Exception as reason:
        with contextlib.suppress(OSError):
            disk.path.rmdir()
        return None, str(reason)


class Round:
    """Runs `script` in `directory`, a new one. `run` returns what was seen.

    `keep`: recordings that do not decode are copied there.
    """

    def __init__(self, script: Script, directory: Path, clips: Clips, keep: Path) -> None:
        directory.mkdir(parents=True)
        self.script = script
        self._clips = clips
        self._keep = keep
        self._directory = directory
        self._orders: list[Order] = []
        self._troubles: list[Trouble] = []
        self._looks: list[Look] = []
        self._proofs: list[Proof] = []
        self._failures: list[str] = []
        self._encoding = threading.Lock()
        self._spoiling = threading.Lock()
        self._freezing = threading.Lock()
        self._proving = threading.Lock()
        self._frozen: Counter[int] = Counter()  # freezes that have a process, by its id
        self._broken_at: float | None = None  # wall clock
        self._disk, self.no_disk = open_disk(directory)
        self._clock: WallClock | None = None
        self.no_clock = ""
        self._copy, self._heads = directory / "copy", directory / "heads.jsonl"

    def run(self) -> Evidence:
        with contextlib.ExitStack() as stack:
            if self._disk is not None:
                stack.push(self._disk)
            self._loop = Loop()
            stack.callback(self._loop.close)
            canary = Canary(self._loop)
            self._platform = Platform(self._directory / "platform")
            stack.callback(self._platform.close)
            self._exit = Tap(self._loop, self._platform.port, hash_picture=slices_hash)
            stack.callback(self._exit.close)
            self._bad = BadPlatforms(self.script.peers, self._loop, self._platform.port)
            stack.callback(self._bad.close)
            place = self._disk.path if self._disk is not None else self._directory / "data"
            self.machine = Machine(place)
            self._prepare_record()
            stack.callback(self.machine.clear)
            if self._disk is not None:
                stack.callback(self._disk.thaw)
            url = self.machine.add(
                NAME,
                f"good=rtmp://127.0.0.1:{self._exit.port}/live/{NAME}",
                *self._bad.urls,
                delay=self.script.delay_s,
                backups=(self._clips.backup,),
            )
            self.machine.launch()
            self._wait_healthy()
            runtime = (place / "run").resolve()  # in memory; it outlives its processes
            if not runtime.is_relative_to(place):
                stack.callback(shutil.rmtree, runtime, ignore_errors=True)
            self._entry = Tap(self._loop, self.machine.rtmp, hash_picture=slices_hash)
            stack.callback(self._entry.close)
            self._url = url.replace(f":{self.machine.rtmp}/", f":{self._entry.port}/")
            self._began_s = time.monotonic()
            self._encoder = self._encode(self._clips.feed, 0)
            stack.callback(lambda: self._encoder.stop())  # noqa: PLW0108 - the one of then
            self._perform()
            self._look()
            ended_s = time.monotonic()
            ending = self.machine.end()
            self._encoder.stop()
            lines = journal(place)
            self.machine.clear()
            _give_way()
            if self._broken_at is not None and self._disk is not None:
                self._disk.writable()
            canary.close()
            return self._evidence(ended_s, ending, lines, canary.lags, place)

    def _prepare_record(self) -> None:
        """Where the record is proven: have a second copy made, and a clock that can be stepped."""
        if not any(act.kind == "prove" for act in self.script.acts):
            return
        self._copy.mkdir()
        self.machine.options = ["--copy-to", str(self._copy), "--ledger-copy", str(self._heads)]
        try:
            self._clock = WallClock(self._directory)
            self.machine.environment = self._clock.environment
        except OSError as why:
            self.no_clock = str(why)

    def _wait_healthy(self) -> None:
        end_s = time.monotonic() + 40
        while self.machine.health()[0] != 200:
            if time.monotonic() > end_s:
                raise RuntimeError(
                    f"serve is not up after 40 s: {self.machine.health()}\n{self.machine.log[-2000:]}"
                )
            time.sleep(0.2)

    # ------------------------------------------------------------ acting

    def _perform(self) -> None:
        orders = [act for act in self.script.acts if act.kind == "order"]  # one operator gives them in turn
        threads = [threading.Thread(target=self._act_at, args=orders, name="operator", daemon=True)]
        threads += [
            threading.Thread(target=self._act_at, args=(act,), name=str(act), daemon=True)
            for act in self.script.acts
            if act.kind != "order"
        ]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, self._began_s + self.script.length_s - time.monotonic()))
        for thread in threads:
            thread.join(200)  # commands that nobody answers are given up one after another
            if thread.is_alive():
                self._failures.append(f"{thread.name}: has not ended")
        if self._failures:
            raise RuntimeError("the round could not be run: " + "; ".join(self._failures))

    def _act_at(self, *acts: Act) -> None:
        for act in acts:
            self._act(act)

    def _act(self, act: Act) -> None:
        time.sleep(max(0.0, self._began_s + act.at_s - time.monotonic()))
        doing: dict[str, Callable[[Act], None]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "disk": self._spoil_disk,
            "encoder": self._change_encoder,
            "order": self._order,
            "port": self._take_port,
            "prove": self._prove,
            "clock": self._step_clock,
        }
        try:
            if act.kind in doing:
                doing[act.kind](act)
            else:
                with self._noted(act):
                    self._disturb(act)
        except Exception as error:  # noqa: BLE001 - a thread's end: the round fails with it
            self._failures.append(f"{act}: {error!r}")

    @contextlib.contextmanager
    def _noted(self, act: Act) -> Any:
        began_s = time.monotonic()
        yield
        self._note(act, began_s, time.monotonic())

    def _note(self, act: Act, began_s: float, ended_s: float) -> None:
        self._troubles.append(Trouble(act.kind, act.what, began_s, ended_s))

    def _disturb(self, act: Act) -> None:
        match act.kind:
            case "flood":
                flood(act.what, self.machine.rtmp, act.seconds)
            case "peer":
                self._bad.act(act.what, act.seconds)
            case "platform":
                self._exit.hang_up()
            case _:
                raise ValueError(f"an act of unknown kind {act.kind!r}")

    def _kill(self, act: Act) -> None:
        at_s, _ = self.machine.signal(act.what, signal.SIGKILL)
        self._note(act, at_s, at_s)
        if "supervisor" in act.what:
            time.sleep(act.seconds)
            began_s = time.monotonic()
            self.machine.launch()
            gate = self._gate_after(began_s)
            self._troubles.append(Trouble("serve", "again", began_s, gate))

    def _gate_after(self, began_s: float) -> float:
        """Wait until a gate runs that was begun after `began_s`; return when. At most 15 s."""
        wall = time.time() - (time.monotonic() - began_s)
        while time.monotonic() < began_s + 15:
            for process in self.machine.find("gate"):
                with contextlib.suppress(Exception):  # it may have ended meanwhile
                    if process.create_time() > wall:
                        return time.monotonic()
            time.sleep(0.1)
        return time.monotonic()

    def _freeze(self, act: Act) -> None:
        with self._freezing:
            began_s, processes = self.machine.signal(act.what, signal.SIGSTOP)
            self._frozen.update(process.pid for process in processes)
        time.sleep(act.seconds)
        with self._freezing:
            self._frozen.subtract(process.pid for process in processes)
            for process in processes:
                with contextlib.suppress(Exception):  # it was killed meanwhile
                    if self._frozen[process.pid] == 0:  # else another freeze still has it
                        process.send_signal(signal.SIGCONT)
        self._note(act, began_s, time.monotonic())

    def _spoil_disk(self, act: Act) -> None:
        with self._spoiling:
            if self._disk is None or self._broken_at is not None:
                return
            began_s = time.monotonic()
            self._spoil(act, self._disk, began_s)
            lasting = act.what in ("read-only", "failed")
            end_s = self._began_s + self.script.length_s if lasting else time.monotonic()
            self._note(act, began_s, end_s)

    def _spoil(self, act: Act, disk: Disk, began_s: float) -> None:
        match act.what:
            case "frozen":
                disk.freeze()
                self._wait_looking(act.seconds)
                disk.thaw()
            case "slow":
                while time.monotonic() < began_s + act.seconds:
                    disk.freeze()
                    time.sleep(1.2)
                    disk.thaw()
                    time.sleep(0.15)
            case "full":
                disk.fill()
                self._wait_looking(act.seconds)
                disk.free()
            case "run removed":
                run = disk.path / "run"
                run.unlink() if run.is_symlink() else shutil.rmtree(run)
            case "state broken" | "state cut":
                for path in (disk.path / "state").glob("*"):
                    if act.what == "state cut":
                        os.truncate(path, 100)
                    else:
                        path.write_bytes(b"\xff" * path.stat().st_size)
            case "read-only" | "failed":
                self._broken_at = time.time()
                if act.what == "read-only":
                    disk.read_only()
                else:
                    disk.fail()

    def _wait_looking(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        if seconds >= 5:
            time.sleep(seconds - 2)
            self._look()
        time.sleep(max(0.0, end_s - time.monotonic()))

    def _prove(self, act: Act) -> None:
        if self._proving.acquire(blocking=False):  # one at a time: on a slow machine they would pile up
            try:
                self._proofs.append(records.prove(self.machine.directory))
            finally:
                self._proving.release()

    def _step_clock(self, act: Act) -> None:
        if self._clock is not None:
            with self._noted(act):
                self._clock.step(float(act.what))

    def _take_port(self, act: Act) -> None:
        """Take the console's port as soon as the console is gone."""
        began_s = time.monotonic()
        taken = None
        while taken is None and time.monotonic() < began_s + act.seconds:
            try:
                taken = socket.create_server(("127.0.0.1", self.machine.console))
            except OSError:
                time.sleep(0.02)
        time.sleep(max(0.0, began_s + act.seconds - time.monotonic()))
        if taken is not None:
            taken.close()
            self._note(act, began_s, time.monotonic())

    # ------------------------------------------------------------ the encoder

    def _encode(self, clip: Path, start_s: float) -> Encoder:
        return Encoder(
            clip, self._url, start_s=start_s, keep_trying=True, log=self._directory / "encoder.log"
        )

    def _change_encoder(self, act: Act) -> None:
        with self._encoding:
            began_s = time.monotonic()
            if act.what == "lost":
                self._encoder.kill()
                time.sleep(act.seconds)
            else:
                self._encoder.stop()
            clip = {"other": self._clips.other, "twice": self._clips.twice}.get(act.what, self._clips.feed)
            self._encoder = self._encode(clip, self._encoder.next_keyframe_s())
            self._note(act, began_s, time.monotonic())

    # ------------------------------------------------------------ the operator

    def _order(self, act: Act) -> None:
        arguments = {"dump": ("--seconds", f"{act.seconds:g}")}.get(act.what, ())
        late = time.monotonic() > self._began_s + act.at_s + LATE_S  # earlier commands were not answered
        if late and act.what in OPENING:
            return
        end_s = time.monotonic() + (0 if late else INSIST_S)
        while True:
            order = self.machine.order(act.what, NAME, *arguments, seconds=act.seconds)
            self._orders.append(order)
            if order.outcome != "silent" or time.monotonic() > end_s:
                return
            time.sleep(0.3)

    def _look(self) -> None:
        order = self.machine.order("status", "--json")
        channel: dict[str, Any] = {}
        if order.outcome == "done":
            channels = json.loads(order.said)["channels"]
            channel = next((one for one in channels if one["name"] == NAME), {})
        self._looks.append(Look(order.began_s, order.ended_s, channel, "" if channel else order.said))

    # ------------------------------------------------------------ what was seen

    def _evidence(
        self,
        ended_s: float,
        ending: tuple[int, float],
        lines: list[str],
        lags: list[tuple[float, float]],
        place: Path,
    ) -> Evidence:
        errors = []
        for path in self._platform.recordings(NAME):
            empty = "video" not in {
                kind for kind, _ in Recording(path).tags
            }  # killed before the first picture
            if not empty and (said := decode_errors(path)):
                errors.append(f"{path.name}: {said[:500]}")
        lost_from = None if self._broken_at is None else self._broken_at - UNWRITTEN_S
        return Evidence(
            seed=self.script.seed,
            delay_s=self.script.delay_s,
            gop_s=GOP_S,
            began_s=self._began_s,
            ended_s=ended_s,
            encoder=[_plain(one) for one in self._entry.connections],
            platform=[_plain(one) for one in self._exit.connections],
            orders=sorted(self._orders, key=lambda order: order.began_s),
            troubles=sorted(self._troubles, key=lambda trouble: trouble.began_s),
            looks=self._looks,
            lags=lags,
            archive=archived.read(place / "archive" / NAME, lost_from, self._keep),
            decode_errors=errors,
            exit_code=ending[0],
            exit_took_s=ending[1],
            journal=lines[-400:],
            load=os.getloadavg()[0],
            record=self._read_record(place) if self._broken_at is None else None,
            proofs=sorted(self._proofs, key=lambda proof: proof.began_s),
        )

    def _read_record(self, place: Path) -> Record:
        record = records.read(place, self._heads if self._heads.exists() else None)
        records.prove_copy(self._copy, record)
        return record


def _give_way() -> None:
    """Let what is still to be read and decoded disturb no round that runs beside this one."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _plain(tapped: Tapped) -> Connection:
    return Connection(tapped.opened_s, tapped.closed_s, list(tapped.messages))
