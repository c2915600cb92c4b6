"""Checks edit lists: they are what the ledger says; what aired was recorded, held and not condemned."""

import contextlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.archive.certificate import Certifier
from streamgate.archive.edit_list import (
    CLIPS,
    FOLDER,
    SUFFIX,
    Begin,
    ClipKept,
    Line,
    read_line,
)
from streamgate.archive.edit_trail import as_record
from streamgate.core.delay import MIN_DELAY_US
from streamgate.core.edits import LIVE, Piece
from streamgate.core.standby import recording_of
from streamgate.ledger import record as ledger
from streamgate.verify.condemned import Condemned, find_condemned
from streamgate.verify.digests import Digests, Wanted
from streamgate.verify.facts import Facts, Said
from streamgate.verify.index import check_growth
from streamgate.verify.media import Recorded
from streamgate.verify.numbers import REMOVED, Held, Numbers
from streamgate.verify.outcome import Certified, Missing, Notes, Remark
from streamgate.verify.scope import ARCHIVE, Scope

AFTER_S = 1.0  # commands so close behind a list's last line belong to it
_SAME = tuple(
    name for name in ledger.Certified.__struct_fields__ if name not in ("at", "mono_us", "boot", "edits")
)


class _Read(NamedTuple):
    """A line of an edit list that can be read. `end`: of it, in bytes."""

    number: int
    end: int
    line: Line | None


class AiredCheck:
    """Checks the edit lists of one data directory, and the fillers kept beside them."""

    def __init__(self, archive: Path, facts: Facts, notes: Notes, scope: Scope, digests: Digests) -> None:
        self._archive, self._facts, self._notes = archive, facts, notes
        self._scope, self._digests = scope, digests

    def run(self, recorded: Mapping[str, Recorded]) -> None:
        """Check all lists against what is recorded. Raises OSError."""
        paths = self._archive.glob(f"*/{FOLDER}/*{SUFFIX}")  # two of them may say to be of one broadcast
        there = {path.relative_to(self._archive).as_posix() for path in paths if path.is_file()}
        by_channel: dict[str, list[str]] = defaultdict(list)
        for name in there | set(self._facts.lists):
            by_channel[name.partition("/")[0]].append(name)
        for channel, names in sorted(by_channel.items()):
            cameras = (channel, recording_of(channel))
            lines = [line for one in cameras if one in recorded for line in recorded[one].lines]
            removed = [
                (said.record.start, said.record.end)
                for some in self._facts.removals.values()
                for said in some
                if said.record.channel in cameras
            ]
            numbers = Numbers(lines, removed)
            newest = self._find_newest(names)
            named: dict[str, str] = {}
            for name in sorted(names, key=_start):
                broadcast = _broadcast(name)
                if self._scope.has_broadcast(broadcast):
                    running = name == newest and self._facts.running
                    named |= _ListCheck(self, channel, name, numbers, open_=running).run()
            self._check_clips(channel, named)
        self._find_strangers()

    def _find_newest(self, names: Iterable[str]) -> str:
        """Return the list of a channel that its broadcast may go on in. One under another's name is none.

        That is one the ledger does not know yet, or the one it spoke of last: a clock may have been set back.
        """
        told = {name: place for place, name in enumerate(self._facts.lists)}
        for name in sorted(names, key=lambda name: (told.get(name, len(told)), _start(name)), reverse=True):
            with contextlib.suppress(FileNotFoundError), (self._archive / name).open("rb") as file:
                first = read_line(file.readline())
                if not isinstance(first, Begin) or _is_of(first, name):
                    return name
        return ""

    def _find_strangers(self) -> None:
        for folder in sorted(self._archive.glob(f"*/{FOLDER}")):
            for path in sorted(folder.iterdir()):
                if path.name.startswith(".") or path.name == CLIPS or path.suffix == SUFFIX:
                    continue
                name = f"{ARCHIVE}/{path.relative_to(self._archive).as_posix()}"
                self._notes.find(name, 0, "it does not belong here: nobody recorded it in the ledger")

    def _check_clips(self, channel: str, named: Mapping[str, str]) -> None:
        """Check kept fillers. `named`: by SHA-256, the broadcast whose list names it."""
        folder = self._archive / channel / FOLDER / CLIPS
        there = sorted(folder.glob("*.clip")) if folder.is_dir() else []
        for path, digest in zip(there, self._digests.of([Wanted(path) for path in there]), strict=True):
            if digest.sha256 != path.stem:
                name = f"{ARCHIVE}/{path.relative_to(self._archive).as_posix()}"
                why = "it was changed, or put here: its SHA-256 is not its name"
                self._notes.find(name, 0, why, named.get(path.stem, ""))
        for sha256 in sorted(set(named) - {path.stem for path in there}):
            rest = f"{channel}/{FOLDER}/{CLIPS}/{sha256}.clip"
            why = "a filler that aired is missing"
            if (removals := self._facts.removals.get(rest)) is not None:
                why = f"{removals[-1].place} says that it was removed; {named[sha256]} names it"
            self._notes.find(f"{ARCHIVE}/{rest}", 0, why, named[sha256])


class _ListCheck:
    """Checks one edit list. `open_`: its broadcast may be going on."""

    def __init__(self, check: AiredCheck, channel: str, name: str, numbers: Numbers, *, open_: bool) -> None:
        self._facts, self._notes, self._numbers = check._facts, check._notes, numbers  # noqa: SLF001
        self._archive = check._archive  # noqa: SLF001
        self._channel, self._name, self._open = channel, name, open_
        self._broadcast = _broadcast(name)
        self._bad = False

    def run(self) -> dict[str, str]:
        """Check it; return the fillers that it names, each with the broadcast."""
        try:
            data = (self._archive / self._name).read_bytes()
        except FileNotFoundError:
            self._tell_missing()
            return {}
        self._check_growth(data)
        lines = list(_read(data))
        if not self._bad:
            self._check_lines(lines)
        kept = (one.line for one in lines)
        return {line.sha256: self._broadcast for line in kept if isinstance(line, ClipKept) and line.sha256}

    def _find(self, line: int, why: str) -> None:
        self._bad = True
        self._notes.find(f"{ARCHIVE}/{self._name}", line, why, self._broadcast)

    def _tell_missing(self) -> None:
        said = self._facts.lists[self._name][-1]
        if self._name in self._facts.removals:
            return
        one = said.record
        self._find(0, f"the edit list is missing; {said.place} names it")
        size = one.edits.bytes if one.edits is not None else 0
        gone = Missing(f"{ARCHIVE}/{self._name}", self._channel, one.start, one.end, size, self._broadcast)
        self._notes.missing[gone] = None

    def _check_growth(self, data: bytes) -> None:
        """Compare the file with what the ledger says of it."""
        name = f"{ARCHIVE}/{self._name}"
        told = self._facts.lists.get(self._name, [])
        extents = [Said(one.record.edits, one.file, one.line) for one in told if one.record.edits is not None]
        good, fault = check_growth(data, extents)
        ended = bool(told) and told[-1].record.ended
        kept = all(isinstance(one.line, ClipKept) for one in _read(data[good:]))
        if fault is not None:
            self._find(fault.line, fault.why)
        elif self._open and good < len(data) and (kept or not ended):
            self._notes.open[Remark(name, "its end is not in the ledger yet", self._broadcast)] = None
        elif not extents and not self._is_known():
            self._notes.unproven[Remark(name, "it is older than what the ledger knows of edit lists")] = None
        elif good < len(data):
            line = data.count(b"\n", 0, good) + 1
            self._find(line, "lines were added: nobody recorded them in the ledger")

    def _is_known(self) -> bool:
        """Whether the ledger spoke of this channel's edit lists when this one began."""
        own = (name for name in self._facts.lists if name.startswith(f"{self._channel}/"))
        first = min(map(_start, own), default=None)
        return first is not None and _start(self._name) >= first

    # ------------------------------------------------------------ lines

    def _check_lines(self, lines: list[_Read]) -> None:
        certifier = Certifier()
        certificates = deque(self._facts.certificates.get(self._name, []))
        start = next((one.line.at for one in lines if isinstance(one.line, Begin)), 0.0)
        end = max((one.line.at for one in lines if isinstance(one.line, Begin | Piece)), default=start)
        acts = self._facts.acts.get(self._channel, [])
        condemned = find_condemned(acts, (start, end + AFTER_S), _find_boots(lines))
        begin: Begin | None = None
        agreed = False
        for one in lines:
            line = one.line
            while certificates and _bytes(certificates[0]) < one.end:  # a kill had torn this line
                agreed = self._check_certificate(one.number, certificates.popleft(), certifier)
            if line is None:
                certifier.damaged += 1
            else:
                certifier.take(line)
            if isinstance(line, Begin):
                begin = line
                if not _is_of(line, self._name):
                    self._find(one.number, f"it belongs to {line.broadcast} of channel {line.channel}")
            elif isinstance(line, Piece) and begin is not None and line.source == LIVE:
                self._check_piece(one.number, line, begin, condemned)
            while certificates and _bytes(certificates[0]) == one.end:
                agreed = self._check_certificate(one.number, certificates.popleft(), certifier)
        for said in certificates:
            agreed = self._check_certificate(len(lines), said, certifier)
        if certifier.begun:
            found = msgspec.structs.asdict(certifier.certificate())
            self._notes.certificates.append(Certified(**found, proven=not self._bad, recorded=agreed))

    def _check_certificate(self, number: int, said: Said[ledger.Certified], certifier: Certifier) -> bool:
        extent = said.record.edits
        if extent is None or not certifier.begun:
            self._find(number, f"{said.place} certifies what this list does not say")
            return False
        made = as_record(certifier.certificate(), extent)
        differs = [name for name in _SAME if getattr(made, name) != getattr(said.record, name)]
        if differs:
            self._find(number, f"{said.place} certifies another {', '.join(differs)} than follows from it")
        return not differs

    def _check_piece(self, number: int, piece: Piece, begin: Begin, condemned: list[Condemned]) -> None:
        held = piece.held
        if held is None or piece.arrived_us is None:
            self._find(number, "live aired, and for how long it had been held is not there")
            return
        floor_us = max(MIN_DELAY_US, begin.floor_us)
        if held.below_floor or held.min_us < floor_us or piece.to_us - piece.arrived_us[1] < floor_us:
            below = max(held.below_floor, 1)
            self._find(number, f"{below} packets aired below the floor of {floor_us / 1e6:g} s")
        if sum(packets for _, packets in held.ms) != held.packets:
            self._find(number, "the times held do not add up to the packets that aired")
        for one in condemned:
            if one.forbids(piece, begin.boot):
                self._find(number, f"it aired what a {one.what} by {one.who} had condemned: {one.place}")
        self._check_recorded(number, piece, begin)

    def _check_recorded(self, number: int, piece: Piece, begin: Begin) -> None:
        """Find packets that aired and are in no part, or came in at other times than the parts say."""
        assert piece.arrived_us is not None
        # A ring that was taken back from the recording holds packets of the process before.
        series = piece.series or begin.series
        found: list[Held] = []
        first, last = (piece.at - (piece.from_us - us) / 1e6 for us in piece.arrived_us)
        for run in piece.runs:
            if run.clip:  # a silent frame of the filler before it
                continue
            found.append(self._numbers.find(series, run))
            for hole in found[-1].holes:
                self._explain(number, run.track, hole, series, (first, last))
        starts = [held.from_us for held in found if held.from_us is not None]
        ends = [held.to_us for held in found if held.to_us is not None]
        if any(run.clip and run.track == "video" for run in piece.runs):
            return  # pictures of a mosaic: when those that they stand for came in is in no run
        if piece.series or not found or len(starts) < len(found) or any(held.holes for held in found):
            return
        if piece.arrived_us[0] < min(starts) or piece.arrived_us[1] > max(ends):
            self._find(number, "its packets came in at other times than the index of their parts says")

    def _explain(
        self, number: int, track: str, hole: tuple[int, int], series: int, arrived: tuple[float, float]
    ) -> None:
        """Say why packets that aired are in no part, or that they should be."""
        name, packets = f"{ARCHIVE}/{self._name}", hole[1] - hole[0] + 1
        if self._open and hole[0] > self._numbers.newest(series, track):
            why = f"line {number}: the part that holds it is not in the index yet"
            self._notes.open[Remark(name, why, self._broadcast)] = None
        elif why := self._numbers.explain(*arrived):
            told = f"line {number}: {packets} packets of {track} have no number in a part ({why})"
            if why != REMOVED:
                self._notes.lost[Remark(name, told, self._broadcast)] = None
        else:
            self._find(number, f"{packets} packets of {track} aired and are in no part")


def _read(data: bytes) -> Iterator[_Read]:
    at = 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        at += len(line)
        if line.endswith(b"\n") and line.strip():
            yield _Read(number, at, read_line(line))


def _find_boots(lines: Iterable[_Read]) -> dict[str, tuple[int, int]]:
    """Return from when to when a list goes by the monotonic clock of each boot, us, and a little longer."""
    found: dict[str, tuple[int, int]] = {}
    boot = ""
    for one in lines:
        if isinstance(one.line, Begin):
            boot, at = one.line.boot, one.line.mono_us
        elif isinstance(one.line, Piece) and boot:
            at = one.line.to_us
        else:
            continue
        first, last = found.get(boot, (at, at))
        found[boot] = first, max(last, at + round(AFTER_S * 1e6))
    return found


def _is_of(begin: Begin, name: str) -> bool:
    """Whether a list stands under its own name."""
    return f"{begin.channel}/{FOLDER}/{begin.broadcast}{SUFFIX}" == name


def _bytes(said: Said[ledger.Certified]) -> int:
    return said.record.edits.bytes if said.record.edits is not None else 0


def _broadcast(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(SUFFIX)


def _start(name: str) -> str:
    """Return what orders the edit lists of a channel: their names end with when they began."""
    return _broadcast(name)
