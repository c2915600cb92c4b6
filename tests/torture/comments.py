"""People review while comments and console are killed: nothing is lost, nothing unreviewed goes out.

    PYTHONPATH=tests python -m torture.comments [--kills 100] [--seed N] [--database postgresql]

A real `serve`. Sources hand in singles and batches, and again whatever they got no answer for; six reviewers
with accounts decide through the console's API; readers follow the feed and resume by Last-Event-ID. At random
times the comments process, the console or both get SIGKILL, now and then while they are starting. What each
was told is judged against database, feed and ledger by `comments_judge`.
"""

import argparse
import contextlib
import hashlib
import json
import random
import secrets
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.people import add_person, sign_in
from tools.postgres import Postgres
from tools.serve import Gate
from torture.comment_peers import CHANNEL, Peer, Reader, Reviewer, Writer
from torture.comments_judge import TERMS, Stored, Told, judge, read_stored

from streamgate.config import load
from streamgate.store import sources
from streamgate.store.database import Database
from streamgate.store.location import Location, locate

PEOPLE = {
    "ann": "reviewer",
    "ben": "reviewer",
    "sam": "senior-reviewer",
    "sue": "senior-reviewer",
    "cai": "chief-reviewer",
    "cyn": "chief-reviewer",
}
SOURCES = {"s": 1, "t": 3, "u": 40}
"""Name, and how many comments it hands in at once at most."""
READERS = 4
WINDOW_S = 0.5
_SEVERITIES = ("suspected", "sensitive", "important", "block")  # of TERMS, in that order
_ALIVE_S = (0.2, 2.0)  # of the processes between two kills
_STARTING_S = (0.0, 1.5)  # after a kill, where the next one comes before they are back
_SOON = 0.15  # how often it does
_BACK_S = 60.0
_SETTLED_S = 30.0
_KILLED = (("comments",), ("console",), ("comments", "console"))


@dataclass
class Seen:
    """One run. `faults`: what the judge found, by rule."""

    told: Told
    kills: Counter[str] = field(default_factory=Counter)
    breaks: int = 0
    repeated: int = 0
    refused: int = 0
    ledger: str = ""
    stored: Stored = field(default_factory=Stored)
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.ledger == "proven" and not self.faults

    def results(self) -> Counter[str]:
        return Counter(f"{one.verb} {one.result}" for one in self.told.asked)

    def lines(self) -> Iterator[str]:
        told, stored = self.told, self.stored
        yield f"kills {dict(self.kills)}, connections of readers broken {self.breaks}"
        yield (
            f"comments: {len(told.sent)} sent, {len(told.accepted)} acknowledged, {self.repeated} handed in"
            f" again, {self.refused} refused, {len(stored.comments)} stored on {len(stored.cards)} cards"
        )
        yield f"decisions: {dict(sorted(self.results().items()))}; {len(stored.acts)} acts on record"
        kinds = Counter(item.kind for item in stored.feed)
        yield f"feed: {dict(kinds)}; readers were told {[len(one.events) for one in told.readers]}"
        yield f"ledger: {len(stored.ledger)} records of review, {self.ledger}"
        for rule, faults in self.faults.items():
            yield f"  {rule}: {len(faults)} {faults[:3]}"


class Room:
    """A gate with reviewers, sources, readers; everybody's threads."""

    def __init__(self, directory: Path, seed: int, database: str) -> None:
        self.dice = random.Random(seed)
        self.told = Told(PEOPLE)
        self.gate = Gate(directory / "data")
        self.gate.add(CHANNEL)
        if database:
            (self.gate.directory / "streamgate.toml").write_text(f'database = "{database}"')
        lists = self.gate.directory / "wordlists"
        lists.mkdir()
        terms = "\n".join(f"{term} | {word}" for term, word in zip(TERMS, _SEVERITIES, strict=True))
        (lists / "torture.txt").write_text(f"@category torture\n@version 1\n{terms}\n")
        self.location: Location = locate(load(self.gate.directory).database, self.gate.directory)
        self.writers: list[Writer] = []
        self.reviewers: list[Reviewer] = []
        self.readers: list[Reader] = []

    def open(self) -> None:
        gate, page = self.gate, self.gate.page_url.rstrip("/")
        gate.start()
        cookies = {}
        for name, role in {**PEOPLE, "olga": "operator"}.items():
            person = add_person(self.location, name, [role])
            cookies[name] = "=".join(sign_in(page, person))
        switches = {"comments": True, "window_s": WINDOW_S}
        operator = Peer("olga", gate.console, 0, {"Cookie": cookies["olga"]})
        wait(lambda: operator.ask("PUT", f"/api/v1/review/{CHANNEL}/interaction", switches)[0] == 200, "open")
        operator.close()
        seeds = iter(range(self.dice.randrange(2**30), 2**31))
        for number in range(READERS):
            self.readers.append(Reader(f"reader {number}", gate.public, next(seeds)))
        self.start(self.readers)
        wait(lambda: all(one.heard.start is not None for one in self.readers), "read")
        for name, most in SOURCES.items():
            self.writers.append(
                Writer(name, gate.public, self._add_source(name), self.told, next(seeds), most=most)
            )
        for name, role in PEOPLE.items():
            senior = role != "reviewer"
            self.reviewers.append(
                Reviewer(name, gate.console, cookies[name], self.told, next(seeds), senior=senior)
            )
        self.start([*self.writers, *self.reviewers])
        wait(lambda: len(self.told.accepted) > 20, "comments to come in")

    def _add_source(self, name: str) -> str:
        key = secrets.token_urlsafe(24)
        hashed = hashlib.sha256(key.encode()).hexdigest()
        with Database(self.location) as opened, opened.write() as session:
            sources.add(session, name, hashed, channel=CHANNEL, by="torture", at=time.time())
        return key

    def start(self, peers: list[Peer] | list[Reader]) -> None:
        for one in peers:
            if isinstance(one, Reader):
                self.told.readers.append(one.heard)
            one.thread.start()

    def end(self, peers: list[Writer] | list[Reviewer] | list[Reader]) -> None:
        for one in peers:
            one.ending.set()
            if isinstance(one, Reader):
                one.hang_up()
        for one in peers:
            one.thread.join(60)
            assert not one.thread.is_alive(), f"{one.name} does not end"
            assert one.failure is None, f"{one.name}: {one.failure!r}"

    def torment(self, kills: int) -> Counter[str]:
        """Kill, and break connections of readers, until there were so many kills."""
        done: Counter[str] = Counter()
        for number in range(kills):
            names = self.dice.choice(_KILLED)
            for name in names:
                wait(lambda name=name: self._kill(name), f"there is a process {name}")
            done["+".join(names)] += 1
            if number + 1 < kills and self.dice.random() < _SOON:
                time.sleep(self.dice.uniform(*_STARTING_S))
                continue
            wait(self.is_up, "come back")
            time.sleep(self.dice.uniform(*_ALIVE_S))
            if self.dice.random() < 0.5:
                self.dice.choice(self.readers).hang_up()
        return done

    def _kill(self, name: str) -> bool:
        try:
            self.gate.kill(name)
        except (AssertionError, ProcessLookupError):  # the supervisor has not started it again yet
            return False
        return True

    def is_up(self) -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.gate.public}/healthz", timeout=2) as answer,
        ):
            return bool(answer.status == 200 and self.gate.health(2)[0] == 200)
        return False

    def settle(self) -> None:
        """Let what is under way come to its end; then somebody reads the feed from its beginning."""
        wait(self.is_up, "come back")
        self.end(self.writers)
        time.sleep(1)
        self.end(self.reviewers)

        def is_settled() -> bool:
            stored = read_stored(self.url)
            last = max((item.id for item in stored.feed), default=0)
            waiting = [card for card in stored.cards if card.state == "approved" and not card.held]
            return not waiting and all(one.last >= last for one in self.readers)

        late = Reader("late reader", self.gate.public, 0, start=0)
        with contextlib.suppress(TimeoutError):  # the judge says what is missing
            wait(is_settled, "settle", _SETTLED_S)
            self.readers.append(late)
            self.start([late])
            wait(is_settled, "settle", _SETTLED_S)
        self.end(self.readers)

    @property
    def url(self) -> str:
        if self.location.kind == "sqlite":
            return f"sqlite:///file:{self.location.file}?mode=ro&uri=true"
        return self.location.url


def run(directory: Path, kills: int, seed: int, database: str = "") -> Seen:
    """Let everybody work until there were so many kills; return what was found. `database`: of a server."""
    room = Room(directory, seed, database)
    seen = Seen(room.told)
    try:
        room.open()
        seen.kills = room.torment(kills)
        room.settle()
    finally:
        for one in (*room.writers, *room.reviewers, *room.readers):
            one.ending.set()
        if room.gate.process is not None:
            room.gate.stop()
    seen.breaks = sum(one.breaks for one in room.readers)
    seen.repeated = sum(one.repeated for one in room.writers)
    seen.refused = sum(one.refused for one in room.writers)
    done = room.gate.command("verify", str(room.gate.directory), "--json", seconds=120)
    seen.ledger = "proven" if done.code == 0 else f"{done.code}: {json.loads(done.out)['first_bad']}"
    seen.stored = read_stored(room.url)
    for path in sorted((room.gate.directory / "ledger").rglob("console*.jsonl")):
        records = map(json.loads, path.read_text().splitlines())
        seen.stored.ledger += [one for one in records if one.get("what", "").startswith("review.")]
    seen.faults = judge(seen.told, seen.stored)
    return seen


def wait(condition: Callable[[], bool], what: str, seconds: float = _BACK_S) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m torture.comments", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture-") as made, contextlib.ExitStack() as closing:
        database = ""
        if chosen.database == "postgresql":
            server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")))  # its socket needs a short path
            closing.callback(server.close)
            database = server.new_database("gate")
        seen = run(Path(made), chosen.kills, chosen.seed, database)
    print(f"seed {chosen.seed}, {chosen.database}:")
    print(*seen.lines(), sep="\n")
    return 0 if seen.ok else 1


if __name__ == "__main__":
    sys.exit(main())
