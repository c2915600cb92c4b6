"""The verifier: reads a ledger from its files alone and proves its chains, or names the first bad record.

It holds the hashes of the records of two days (32 bytes each), and of every file no more than its head. The
ledger may be written to meanwhile: what a seal names that had not been read yet is read after all.
"""

import functools
import itertools
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.errors import ChainError, LedgerError
from streamgate.ledger.chain import MAX_LINE, Checker, Head, Milestones
from streamgate.ledger.known import Known, Mark, Proven, read_at, take_marks
from streamgate.ledger.places import FOLDER, Place, find_places, is_day
from streamgate.ledger.record import FileHead, Mended, Seal
from streamgate.ledger.signing import check
from streamgate.ledger.verdict import Finding, Proof, Signed, Verdict
from streamgate.wording import system_error

WHOLE_S = 1.0  # so long a line that is being written has time to become whole
RECENT_DAYS = 3  # are read anew, though they are as they were: what was added meanwhile speaks of them
_PAUSE_S = 0.02
_seals = msgspec.json.Decoder(Seal)
_mended = msgspec.json.Decoder(Mended)


class _Claim(NamedTuple):
    """What the record `line` of `file` says about another file."""

    file: str
    line: int
    head: FileHead


class _Sealed(NamedTuple):
    """A seal in its file: the line's number, the line, what it says."""

    number: int
    line: bytes
    seal: Seal

    @property
    def before(self) -> Head:
        return Head(self.number - 1, msgspec.json.decode(self.line)["prev"])


class _File:
    """A file that was read so far. `sealed`: its newest signed seal; `unsigned`: line of one that is not."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.checker: Checker = place.checker()
        self.hashes: Milestones | None = Milestones()
        self.bad_line = 0  # 0: none so far
        self.torn = ""  # why the last line is not whole
        self.remembered: Proven | None = None
        self.sealed: _Sealed | None = None
        self.unsigned = 0

    @property
    def follows_none(self) -> bool:
        if self.remembered is not None:
            return self.remembered.first
        header = self.checker.header
        return header is not None and header.previous is None


def find_ledger(where: Path) -> Path:
    """Return the ledger in a data directory, or the directory itself. Raises LedgerError: there is none."""
    if (where / FOLDER).is_dir():
        return where / FOLDER
    try:
        if any(is_day(path.name) for path in where.iterdir()):
            return where
    except OSError as error:
        raise LedgerError(f"{where} cannot be read ({error.strerror}); name a data directory") from error
    raise LedgerError(f"there is no ledger in {where}; name a data directory, or a copy of its {FOLDER}/")


def verify(where: Path, keys: Collection[str] = ()) -> Verdict:
    """Check the ledger in `where`. Raises LedgerError when it cannot be read.

    `keys`: public ones (hex), one of which must have signed every seal; none: a signature that is there must
    hold, whoever made it.
    """
    return prove(where, keys=keys).verdict


def prove(where: Path, known: Known | None = None, keys: Collection[str] = ()) -> Proof:
    """As `verify`; files of older days that look as they did in the check before are taken for the same.

    One of them that does not has all of them read anew. Raises LedgerError when the ledger cannot be read.
    """
    root = find_ledger(where)
    try:
        return _Verifier(root, known, keys).run()
    except OSError as error:
        file, reason = error.filename or root, system_error(error)
        text = f"{file} cannot be read: {error.strerror}"
        raise LedgerError(text, f"无法读取 {file}：{reason}") from error


class _Verifier:
    def __init__(self, root: Path, known: Known | None, keys: Collection[str]) -> None:
        self._root, self._known, self._keys = root, known, keys
        self._files: dict[str, _File] = {}
        self._findings: list[Finding] = []
        self._doubts: dict[str, int] = {}  # by file: the first line that is not proven; 0: none of them is
        self._claims: dict[str, list[_Claim]] = defaultdict(list)  # by file: those that are not settled

    def run(self) -> Proof:
        marks = take_marks(self._root)
        self._find_strangers()
        places = find_places(self._root)
        self._remember(places, marks)
        days: list[str] = []
        for place in places:
            if place.day not in days[-1:]:
                days.append(place.day)
                self._forget(days[:-2][-1:])
            if place.name not in self._files:
                self._read_file(place)
        self._settle()
        self._find_lost_beginnings()
        signed = self._check_signatures()
        first = min(self._findings, default=None)
        files = self._files.values()
        records = sum(one.checker.head.records for one in files)
        return Proof(
            Verdict(first is None, records, len(files), first, signed),
            self._until(),
            None if first else Known(marks, {one.place.name: _proven(one) for one in files}),
            sum(one.checker.head.records for one in files if one.remembered is None),
        )

    def _remember(self, places: list[Place], marks: Mapping[str, Mark]) -> None:
        """Take over what the check before has proven of older days, where all of that is as it was."""
        if self._known is None:
            return
        recent = set(sorted({place.day for place in places})[-RECENT_DAYS:])
        old = {name: mark for name, mark in marks.items() if name[:10] not in recent}
        before = {name: mark for name, mark in self._known.marks.items() if name[:10] not in recent}
        if old != before:
            return
        for place in places:
            proven = self._known.proven.get(place.name) if place.name in old else None
            if proven is not None:
                file = self._files[place.name] = _File(place)
                file.remembered, file.hashes = proven, None
                file.checker.head = Head(proven.records, proven.hash)
                file.checker.size = old[place.name].size

    def _find(self, finding: Finding, about: str = "") -> None:
        """Note what is bad; `about`: another file, of which nothing is certain any more."""
        self._findings.append(finding)
        name, line = (about, 0) if about else (finding.file, finding.line)
        self._doubts[name] = min(line, self._doubts.get(name, line))

    def _until(self) -> float | None:
        """Return when all records are whole: up to the last one, or to the first one that is not."""
        if self._doubts:
            ends = [self._before(name, line) for name, line in self._doubts.items()]
            return None if None in ends else min(filter(None, ends))
        last_day = max((one.place.day for one in self._files.values()), default="")
        newest = [one for one in self._files.values() if one.place.day == last_day]
        return max(filter(None, map(self._last_at, newest)), default=None)

    def _before(self, name: str, line: int) -> float | None:
        """Return the time of the record before a line; of the day's beginning where there is none."""
        day = name[:10]
        if not is_day(day):
            return None
        if line > 1:
            with (self._root / name).open("rb") as file:
                lines = iter(functools.partial(file.readline, MAX_LINE), b"")
                if (at := read_at(next(itertools.islice(lines, line - 2, None), b""))) is not None:
                    return at
        return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()

    def _last_at(self, file: _File) -> float | None:
        end = file.checker.size
        with (self._root / file.place.name).open("rb") as source:
            source.seek(max(0, end - MAX_LINE))
            lines = source.read(end - source.tell()).splitlines()
        return read_at(lines[-1]) if lines else None

    # ------------------------------------------------------------ files

    def _find_strangers(self) -> None:
        for path in sorted(self._root.iterdir()):
            if path.name.startswith(".") or path.name == "lost+found":
                continue
            if not (is_day(path.name) and path.is_dir()):
                self._find(Finding(path.name, 0, "it does not belong in a ledger"))
                continue
            for inner in sorted(path.iterdir()):
                name = inner.name.partition(".torn-")[0]
                if not inner.name.startswith(".") and Place.of(path.name, name) is None:
                    self._find(Finding(f"{path.name}/{inner.name}", 0, "it does not belong in a ledger"))

    def _forget(self, days: list[str]) -> None:
        """Drop the hashes of a day that is long past."""
        for one in self._files.values():
            if one.place.day in days:
                one.hashes = None

    def _read_file(self, place: Place) -> None:
        self._files[place.name] = file = _File(place)
        self._read(file)
        if file.checker.size == 0 and not file.bad_line and not file.torn:
            self._say(file, 1, "the file is empty")
        for claim in self._claims.pop(place.name, ()):
            self._check(claim)

    def _read(self, file: _File) -> None:
        """Read on from where the file was left: to its end, or its first bad line."""
        if file.bad_line:
            return
        file.torn = ""
        checker = file.checker
        with (self._root / file.place.name).open("rb") as source:
            failed_at = -1
            while True:
                source.seek(checker.size)
                try:
                    checker.feed_all(
                        iter(functools.partial(source.readline, MAX_LINE), b""),
                        functools.partial(self._note, file),
                        file.hashes,
                    )
                except ChainError as error:
                    source.seek(checker.size)
                    line = source.readline(MAX_LINE)
                    if line[-1:] != b"\n" and len(line) < MAX_LINE:
                        file.torn = str(error)
                    elif checker.size != failed_at:
                        failed_at = checker.size  # it may have been read while it was written: once more
                        continue
                    else:
                        self._say(file, checker.head.records + 1, str(error))
                return

    def _note(self, file: _File, kind: str, line: bytes) -> None:
        """Take what a record says about other files."""
        number = file.checker.head.records
        heads: list[FileHead] = []
        try:
            if kind == "seal":
                seal = _seals.decode(line)
                heads = seal.heads
                if seal.signature:
                    file.sealed = _Sealed(number, line, seal)
                else:
                    file.unsigned = number
            elif kind == "mended":
                self._check_kept(file, number, _mended.decode(line))
            elif file.checker.header is not None and file.checker.header.previous is not None:
                heads = [file.checker.header.previous]
        except msgspec.DecodeError as error:
            self._say(file, number, f"it is not understood: {error}")
        for head in heads:
            self._check(_Claim(file.place.name, number, head))

    def _say(self, file: _File, line: int, why: str) -> None:
        file.bad_line = file.bad_line or line
        self._find(Finding(file.place.name, line, why))

    def _check_kept(self, file: _File, line: int, mended: Mended) -> None:
        path = self._root / mended.kept
        try:
            with path.open("rb") as kept:
                sound = file_digest(kept, "sha256").hexdigest() == mended.sha256
        except FileNotFoundError:
            sound = False
        if not sound:
            self._find(
                Finding(file.place.name, line, f"{mended.kept}, which it names, is missing or was changed")
            )

    def _check_signatures(self) -> list[Signed]:
        """Check each file's newest signature: it covers all before it. With keys none may be missing."""
        held: dict[str, list[float]] = defaultdict(list)
        for file in self._files.values():
            if self._keys and file.unsigned:
                self._say(file, file.unsigned, "this seal is not signed")
            if (sealed := file.sealed) is None:
                continue
            if why := check(sealed.line, sealed.seal, file.place.name, sealed.before, self._keys):
                self._say(file, sealed.number, why)
            else:
                held[sealed.seal.key].append(sealed.seal.at)
        return [Signed(key, len(times), max(times)) for key, times in sorted(held.items())]

    # ------------------------------------------------------------ what files say about each other

    def _check(self, claim: _Claim) -> None:
        """Compare a claim with the file, or keep it until the file is read (on)."""
        file = self._files.get(claim.head.file)
        if file is None or (claim.head.records > file.checker.head.records and not file.bad_line):
            self._claims[claim.head.file].append(claim)
            return
        if file.bad_line and claim.head.records >= file.bad_line:
            return  # that file's fault is known already
        if file.hashes is not None:
            holds = claim.head.records > 0 and file.hashes.holds(claim.head)
        else:
            known = file.checker.head
            holds = claim.head.records < known.records or claim.head.hash == known.hash
        if not holds:
            self._find(
                Finding(
                    claim.file,
                    claim.line,
                    f"{claim.head.file} had another record {claim.head.records} when this was written:"
                    " that file was written anew",
                ),
                about=claim.head.file,
            )

    def _settle(self) -> None:
        """Read on where others name more than was read, and where a line was not whole."""
        end = time.monotonic() + WHOLE_S
        while True:
            for file in list(self._files.values()):
                if file.torn:
                    self._read(file)
            named, self._claims = self._claims, defaultdict(list)
            before = sum(map(len, named.values()))
            for name, claims in named.items():
                self._read_on(name, claims)
            torn = [file for file in self._files.values() if file.torn]
            now = sum(map(len, self._claims.values()))
            if not torn and (now == 0 or now >= before):
                break
            if time.monotonic() > end:
                break
            time.sleep(_PAUSE_S)
        for file in torn:
            self._say(file, file.checker.head.records + 1, file.torn)
        for claims in self._claims.values():
            for claim in claims:
                self._find(Finding(claim.file, claim.line, self._missing(claim)), about=claim.head.file)

    def _read_on(self, name: str, claims: list[_Claim]) -> None:
        file = self._files.get(name)
        if file is not None:
            self._read(file)
        else:
            day, _, last = name.partition("/")
            place = Place.of(day, last)
            if place is not None and (self._root / place.name).is_file():
                self._read_file(place)
        for claim in claims:
            self._check(claim)

    def _missing(self, claim: _Claim) -> str:
        file = self._files.get(claim.head.file)
        if file is None:
            return f"{claim.head.file}, which it names, is missing"
        return (
            f"{claim.head.file} had {claim.head.records} records when this was written,"
            f" now it has {file.checker.head.records}: its last lines were cut off"
        )

    def _find_lost_beginnings(self) -> None:
        """Of the files of a process that follow none only those of the first day may be there.

        Days of other files do not count: a clock that was set back makes a later file an earlier day's.
        """
        first: dict[str, str] = {}
        beginnings = [file for file in self._files.values() if file.follows_none]
        for file in beginnings:
            first[file.place.process] = min(file.place.day, first.get(file.place.process, "9999"))
        for file in beginnings:
            if file.place.day > first[file.place.process]:
                self._say(file, 1, "the file follows no other, though the process has older ones")


def _proven(file: _File) -> Proven:
    return Proven(*file.checker.head, first=file.follows_none)
