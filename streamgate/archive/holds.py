"""Holds: spans of recordings that the sweeper leaves alone until two people lift the hold.

They stand in two plain files with the same content: `archive/holds.json`, which goes along with a copy of the
archive, and `holds.json` in the data directory. What either of them holds is held. A file that is there and
cannot be read holds everything: in doubt nothing is removed.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import msgspec

from streamgate.archive.parts import make_directory, parse
from streamgate.clock import wall_s
from streamgate.core.actor import is_same_person
from streamgate.core.two_people import is_person
from streamgate.disk import replace_file
from streamgate.errors import ArchiveError, Refused
from streamgate.ledger.owner import give_to_owner
from streamgate.wording import in_chinese, system_error

FILE = "holds.json"
INCIDENT = "incident:"  # how the actor begins that is no person and may place a hold
MAX_REASON = 500
MAX_HOLDS = 10_000
LAPSES_S = 86_400.0  # so long the first person's request to lift a hold waits for the second one's
LONGEST_PART_S = 330.0  # MAX_PART_US of the recorder, and what its clock and the name's may differ by


class Lifting(msgspec.Struct, frozen=True):
    """The first person's request to lift a hold. `at`: wall clock."""

    by: str
    at: float
    reason: str


class Hold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A span of a channel that is kept. Times: wall clock. `by`: "cli:NAME", "console:NAME", "incident:…"."""

    id: str
    channel: str
    start: float
    end: float
    reason: str
    by: str
    at: float
    broadcast: str = ""  # that was named when it was placed
    lifting: Lifting | None = None

    def covers(self, channel: str, start: float, end: float) -> bool:
        return self.channel == channel and self.start <= end and self.end >= start


class _File(msgspec.Struct):
    holds: list[Hold]
    v: int = 1


class Holds:
    """The holds of a data directory. Calls block; they raise ArchiveError when a file cannot be used."""

    def __init__(self, archive: Path, *, clock: Callable[[], float] = wall_s) -> None:
        self._files = (archive / FILE, archive.parent / FILE)
        self._lock = archive.parent / ".holds.lock"
        self._clock = clock

    def read(self) -> list[Hold]:
        """Return all holds, the oldest first."""
        found: dict[str, Hold] = {}
        for path in self._files:
            for hold in _read(path):
                known = found.get(hold.id)
                # A request that only one file knows did not come to its end: it is made again.
                agreed = known is None or known.lifting == hold.lifting
                found[hold.id] = hold if agreed else msgspec.structs.replace(hold, lifting=None)
        return sorted(found.values(), key=lambda hold: (hold.at, hold.id))

    def keeper(self) -> Callable[[str], bool]:
        """Return what says of a part, by its path below the archive, whether it is held."""
        holds = self.read()

        def held(key: str) -> bool:
            name = parse(PurePosixPath(key))
            if name is None:
                return True
            start = name.start_ms / 1000
            return any(hold.covers(name.channel, start - 1, start + LONGEST_PART_S) for hold in holds)

        return held

    def covers(self) -> Callable[[str, float, float], bool]:
        """Return what says of a span of a channel whether any of it is held."""
        holds = self.read()
        return lambda channel, start, end: any(hold.covers(channel, start, end) for hold in holds)

    def place(
        self, channel: str, start: float, end: float, *, reason: str, by: str, broadcast: str = ""
    ) -> Hold:
        """Hold a span, on disk when this returns. Raises Refused: an empty span, no reason, no person.

        An incident holds what it is about by itself; such a hold, too, is lifted by two people alone.
        """
        reason = _check(reason, by, placed_by_incident=by.startswith(INCIDENT))
        if not start < end:
            raise Refused(
                "the span to hold is empty: its end must lie after its start", "保留时段为空：结束须晚于开始"
            )
        with self.locked():
            holds = self.read()
            if len(holds) >= MAX_HOLDS:
                raise Refused(
                    f"there are {MAX_HOLDS} holds already; lift some",
                    f"保留已达 {MAX_HOLDS} 个，请先解除",
                )
            hold = Hold(
                f"hold-{secrets.token_hex(4)}", channel, start, end, reason, by, self._clock(), broadcast
            )
            self._write([*holds, hold])
        return hold

    def lift(self, hold_id: str, *, reason: str, by: str) -> tuple[Hold, Lifting | None]:
        """Ask for the end of a hold. Return it, and the first person's request once it is lifted.

        The first request waits LAPSES_S for another person's; the same person again begins anew. Raises
        Refused: there is no such hold, no reason, or no person asks.
        """
        reason = _check(reason, by)
        with self.locked():
            holds = self.read()
            hold = next((one for one in holds if one.id == hold_id), None)
            if hold is None:
                names = ", ".join(one.id for one in holds[-20:]) or "none"
                raise Refused(f"there is no hold {hold_id}; holds are: {names}", f"没有保留 {hold_id}")
            first, now = hold.lifting, self._clock()
            if first is not None and 0 <= now - first.at < LAPSES_S and not is_same_person(first.by, by):
                self._write([one for one in holds if one.id != hold_id])
                return hold, first
            waiting = msgspec.structs.replace(hold, lifting=Lifting(by, now, reason))
            self._write([waiting if one.id == hold_id else one for one in holds])
        return waiting, None

    def _write(self, holds: list[Hold]) -> None:
        data = msgspec.json.format(msgspec.json.encode(_File(holds))) + b"\n"
        for path in self._files:
            try:
                if not path.parent.is_dir():
                    make_directory(path.parent)
                    give_to_owner(path.parent, path.parent.parent)
                replace_file(path, data)
                give_to_owner(path, path.parent)
            except OSError as error:
                raise ArchiveError(
                    f"{path} cannot be written ({error.strerror}): see to the disk and try again",
                    f"无法写入 {path}（{system_error(error)}）：请检查磁盘后重试",
                ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody place or lift a hold meanwhile, in this process and in others."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            give_to_owner(descriptor, self._lock.parent)
        except OSError as error:
            raise ArchiveError(
                f"{self._lock} cannot be made ({error.strerror})",
                f"无法创建 {self._lock}（{system_error(error)}）",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _read(path: Path) -> list[Hold]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).holds
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveError(
            f"{path} cannot be read ({error}): everything is held until it is mended or put back from"
            f" its copy",
            f"无法读取 {path}（{in_chinese(error)}）：在修复或由副本恢复之前，所有录像均予保留",
        ) from error


def _check(reason: str, by: str, *, placed_by_incident: bool = False) -> str:
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise Refused(
            f"this needs a reason of 1 to {MAX_REASON} characters; it is kept",
            f"此操作须填写理由（1 至 {MAX_REASON} 字），理由会留存",
        )
    if not is_person(by) and not placed_by_incident:
        raise Refused(
            f"{by} is no person; holds are placed and lifted by people", "保留须由具名人员设置和解除"
        )
    return reason
