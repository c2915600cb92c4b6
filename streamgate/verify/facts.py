"""What the ledger says of recordings, of what aired and of comments: gathered, not judged."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import msgspec

from streamgate.ledger.chain import MAX_LINE
from streamgate.ledger.known import read_at
from streamgate.ledger.places import find_in_order, newest
from streamgate.ledger.record import (
    AiredList,
    Certified,
    Close,
    Command,
    Decision,
    Extent,
    Gap,
    Header,
    Index,
    Notice,
    Open,
    Part,
    Publication,
    Refusal,
    Removal,
    Seal,
    Setting,
)

GATE = "gate"
_KIND = b'"kind":"'
_ALWAYS = frozenset(
    b"part index edit_list certificate removal publication gap header open close seal".split()
)
# Of kinds that say much else: a line is read where one of these stands in it.
_COMMANDS = (
    b"cut",
    b"dump",
    b"condemn",
    b"redact",
    b"move",
    b"lift",
    b"uncut",
    b"restore",
    b"stop",
)
_MARKED: dict[bytes, tuple[bytes, ...]] = {
    b"command": tuple(b'"what":"' + what + b'"' for what in _COMMANDS),
    b"notice": (b'"code":"still_cut"',),
    b"decision": (b'"archive.hold"', b'"archive.release"', b'"review.decide'),
    b"refusal": (b'"review.decide',),
    b"setting": (b'"retention_days"',),
}
# Answers to a decision on a card that stands, or may: the comments process did not answer any more.
_MAY_HAVE_BEEN = frozenset({"ok", "comments_down", "comments_timeout", "database_away", "busy"})
_Known = (
    Part
    | Index
    | AiredList
    | Certified
    | Removal
    | Publication
    | Gap
    | Header
    | Open
    | Close
    | Seal
    | Command
    | Notice
    | Decision
    | Refusal
    | Setting
)
_decoder: msgspec.json.Decoder[_Known] = msgspec.json.Decoder(_Known)
T = TypeVar("T")


class Said(NamedTuple, Generic[T]):
    """A record and where it stands: the ledger's file, and the line."""

    record: T
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file} line {self.line}"


class Facts:
    """Records by what they speak of, each list in the order of the ledger."""

    def __init__(self) -> None:
        self.parts: dict[str, Said[Part]] = {}
        """By path below the archive; of a part that was recorded twice the newest."""
        self.indexes: dict[str, list[Said[Extent]]] = defaultdict(list)
        self.lists: dict[str, list[Said[AiredList]]] = {}
        """By path below the archive; the one that was spoken of last comes last."""
        self.certificates: dict[str, list[Said[Certified]]] = defaultdict(list)
        self.removals: dict[str, list[Said[Removal]]] = defaultdict(list)
        self.acts: dict[str, list[Said[Command] | Said[Notice]]] = defaultdict(list)
        """By channel: commands that condemn or end that, as they were carried out; a cut that goes on."""
        self.holds: list[Said[Decision]] = []
        self.settings: list[Said[Setting]] = []
        self.publications: list[Said[Publication]] = []
        self.reviews: dict[int, list[Decision | Refusal]] = defaultdict(list)
        """By card: approvals as the console recorded them; also where it never learned the outcome."""
        self.unsure: list[Decision | Refusal] = []
        """Approvals of many cards whose outcome the console never learned."""
        self.gaps: list[Gap] = []
        self.kills: list[tuple[str, float]] = []
        """Processes that came back without having ended, and when."""
        self.closed: dict[str, bool] = {}
        """By process: whether its newest record of all says that it ended."""
        self.until: dict[str, float] = {}
        """By process: wall clock of its newest record."""
        self.since_part: dict[str, float] = {}
        """By channel: the lowest wall clock from its newest part on. The clock may have been set back."""
        self.since: dict[str, float] = {}
        """By process: wall clock of its first record."""
        self._ended: dict[str, bool] = {}

    @property
    def running(self) -> bool:
        """Whether the gate had not ended when its last record was written: it runs, or was killed."""
        return not self.closed.get(GATE, True)

    def take(self, process: str, said: Said[_Known]) -> None:
        record = said.record
        self.since.setdefault(process, record.at)
        self.until[process] = max(record.at, self.until.get(process, 0.0))
        if process == GATE:
            self.since_part = {channel: min(at, record.at) for channel, at in self.since_part.items()}
        if isinstance(record, Open | Header) and not self._ended.get(process, True):
            self.kills.append((process, record.at))
        self._ended[process] = isinstance(record, Close)
        match record:
            case Part(index=index):
                self.since_part[record.channel] = record.at
                self.parts[record.path] = said  # type: ignore[assignment]
                self._take_index(said, index)
            case Index(index=index):
                self._take_index(said, index)
            case AiredList(edits=Extent(file=file)):
                known = self.lists.pop(file, [])
                known.append(said)  # type: ignore[arg-type]
                self.lists[file] = known
            case Certified(edits=Extent(file=file)):
                self.certificates[file].append(said)  # type: ignore[arg-type]
            case Removal():
                self.removals[record.path].append(said)  # type: ignore[arg-type]
            case Publication():
                self.publications.append(said)  # type: ignore[arg-type]
            case Gap():
                self.gaps.append(record)
            case Command(error=""):
                self.acts[record.channel].append(said)  # type: ignore[arg-type]
            case Notice():
                self.acts[record.channel].append(said)  # type: ignore[arg-type]
            case Decision(what="review.decide" | "review.decide_many") | Refusal():
                self._take_review(record)
            case Decision(answer="ok"):
                self.holds.append(said)  # type: ignore[arg-type]
            case Setting():
                self.settings.append(said)  # type: ignore[arg-type]
            case _:
                pass

    def _take_index(self, said: "Said[_Known]", index: Extent | None) -> None:
        if index is not None:
            self.indexes[index.file].append(Said(index, said.file, said.line))

    def _take_review(self, record: Decision | Refusal) -> None:
        if record.answer not in _MAY_HAVE_BEEN or record.args.get("decision") != "approve":
            return
        if record.what == "review.decide_many" and record.answer != "ok":
            self.unsure.append(record)
        cards = record.args.get("cards", [record.args.get("id")])
        for card in cards if isinstance(cards, list) else []:
            if isinstance(card, int):
                self.reviews[card].append(record)


def read_facts(ledger: Path) -> Facts:
    """Read a ledger. What is no record is passed over: the chain's check names it. Raises OSError."""
    facts = Facts()
    places = find_in_order(ledger)
    last = {process: newest(ledger, process) for process in {place.process for place in places}}
    for place in places:
        closed, line = False, b""
        with (ledger / place.name).open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), 1):
                closed = False
                for record in _read(line):
                    facts.take(place.process, Said(record, place.name, number))
                    closed = isinstance(record, Close)
            if (at := read_at(line)) is not None:
                facts.until[place.process] = max(at, facts.until.get(place.process, 0.0))
        if place == last[place.process]:  # not the one with the latest day: a clock may have been wrong
            facts.closed[place.process] = closed
    return facts


def _read(line: bytes) -> Iterator[_Known]:
    at = line.find(_KIND) + len(_KIND)
    kind = line[at : line.find(b'"', at)]
    if kind in _ALWAYS or any(mark in line for mark in _MARKED.get(kind, ())):
        try:
            yield _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
