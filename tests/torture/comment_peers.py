"""Peers of a torture run with comments: programs that write, reviewers with accounts, readers of the feed.

Each is a thread that notes what it was told, and goes on when a process is away.
"""

import contextlib
import http.client
import itertools
import json
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from torture.comments_judge import TERMS, Asked, Connection, Event, Heard, Sent, Told

CHANNEL = "main"
_AGAIN_S = 0.1
_ANSWER_S = 8.0
_FAULTS = (OSError, http.client.HTTPException, ValueError)
_WORDS = (
    "真好",
    "晚上",
    "主持人",
    "来了",
    "great",
    "evening",
    "hall",
    "choir",
    "加油",
    "校友",
    "录音",
    "灯光",
)


class Peer:
    """A thread that does one turn after the other until `end`."""

    def __init__(self, name: str, port: int, seed: int, headers: dict[str, str]) -> None:
        self.name, self.dice = name, random.Random(seed)
        self._port, self._headers = port, {"Content-Type": "application/json", **headers}
        self._web: http.client.HTTPConnection | None = None
        self.ending = threading.Event()
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def turn(self) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        try:
            while not self.ending.is_set():
                self.turn()
        except BaseException as error:  # the conductor raises it
            self.failure = error
            raise
        finally:
            self.close()

    def close(self) -> None:
        if self._web is not None:
            self._web.close()
            self._web = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and answer; status 0: nobody knows what became of it. The connection is kept."""
        if self._web is None:
            self._web = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_S)
        try:
            self._web.request(method, path, None if body is None else json.dumps(body), self._headers)
            answer = self._web.getresponse()
            return answer.status, json.loads(answer.read())
        except _FAULTS:
            self.close()
            return 0, None


class Writer(Peer):
    """A source with a key: it hands in again, under the same client_id, whatever it got no answer for."""

    def __init__(self, name: str, port: int, key: str, told: Told, seed: int, *, most: int) -> None:
        super().__init__(name, port, seed, {"Authorization": f"Bearer {key}"})
        self._told, self._most = told, most
        self._numbers = itertools.count(1)
        self.repeated = self.refused = 0
        self._known: deque[str] = deque(maxlen=500)

    def turn(self) -> None:
        if self._known and self.dice.random() < 0.1:
            batch = self.dice.sample(list(self._known), min(len(self._known), self._most))
            self.repeated += len(batch)
        else:
            batch = [self._new() for _ in range(self.dice.randint(1, self._most))]
        while not self._hand_in(batch):
            self.repeated += len(batch)
            time.sleep(_AGAIN_S)
        self.ending.wait(self.dice.uniform(0.0, 0.05 * self._most))

    def _new(self) -> str:
        number = next(self._numbers)
        text = f"{self.dice.choice(_WORDS)} {self.dice.choice(_WORDS)} {self.name}{number}"
        if self.dice.random() < 0.2:
            text = f"{self.dice.choice(_WORDS)} {number // 20}"  # several say the same: one card
        if self.dice.random() < 0.3:
            text += self.dice.choice(list(TERMS))
        author = self.dice.randint(1, 40)
        self._told.sent[self.name, f"c{number}"] = Sent(f"u{author}", f"viewer {author}", text)
        return f"c{number}"

    def _hand_in(self, batch: list[str]) -> bool:
        """Return whether these were answered for."""
        comments = [{"client_id": one, **self._told.sent[self.name, one]._asdict()} for one in batch]
        body: Any = comments[0] if len(comments) == 1 else comments
        status, answer = self.ask("POST", f"/api/v1/channels/{CHANNEL}/comments", body)
        if status in {0, 503}:
            return False
        if status == 429:
            self.refused += len(batch)
            return True
        assert status == 202, (status, answer)
        self.refused += len(answer["refused"])
        for one in answer["accepted"]:
            self._told.accepted.append((self.name, one["client_id"], one["id"]))
            self._known.append(one["client_id"])
        return True


class Reviewer(Peer):
    """A person at the queue, through the console: takes cards dealt or picked, decides, thinks again."""

    def __init__(self, name: str, port: int, cookie: str, told: Told, seed: int, *, senior: bool) -> None:
        super().__init__(name, port, seed, {"Cookie": cookie})
        self._told, self._senior = told, senior
        self._own: deque[tuple[int, int]] = deque(maxlen=5)  # approvals, with the version after each
        self.gone = 0

    def turn(self) -> None:
        acts: list[tuple[float, Callable[[], None]]] = [
            (0.40, self._decide_dealt),
            (0.30, self._decide_picked),
            (0.08, self._undo),
            (0.10, self._decide_many),
            (0.08, self._retract),
            (0.04, self._restore if self._senior else self._decide_dealt),
        ]
        act = self.dice.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        act()
        self.ending.wait(self.dice.uniform(0.0, 0.05))

    # ------------------------------------------------------------ what they do

    def _decide_dealt(self) -> None:
        answer = self._post("deal", {"stage": 0, "order": self.dice.choice(["oldest", "gravest"])})
        if answer is not None and answer["card"] is not None:
            self._decide_on(answer["card"])

    def _decide_picked(self) -> None:
        """Pick a card as from the list on the screen, where others pick, too."""
        for card in self._some("waiting", 1):
            if self.dice.random() < 0.5 and self._post(f"cards/{card['id']}/claim", None) is None:
                return
            self._decide_on(card)

    def _decide_on(self, card: dict[str, Any]) -> None:
        verb = self.dice.choices(["approve", "reject", "escalate"], [8, 1, 1])[0]
        version = card["version"] - (self.dice.random() < 0.05)  # or a page that lags behind
        if version < 1:
            return
        reason = "spam" if verb == "reject" else ""
        now = self._ask_to(verb, card["id"], version, reason)
        if now and verb == "approve":
            self._own.append((card["id"], now))

    def _undo(self) -> None:
        if self._own:
            self._ask_to("undo", *self._own.pop())

    def _restore(self) -> None:
        for card in self._some("blocked", 1):
            self._ask_to("restore", card["id"], card["version"], "harmless")

    def _retract(self) -> None:
        for card in self._some("published", 1):
            one = self.dice.choice([*card["comments"], None])
            body = {"id": card["id"], "reason": "taken back", "comment": one}
            status, answer = self.ask("POST", f"/api/v1/review/{CHANNEL}/retract", body)
            now = answer["card"]["version"] if status == 200 else 0
            self._note("retract", card["id"], 0, status, now=now, comment=one)

    def _decide_many(self) -> None:
        cards = {
            card["id"]: card["version"] for card in self._some("waiting", 8) if card["verdict"] == "clean"
        }
        if not cards:
            return
        verb = self.dice.choices(["approve", "reject"], [9, 1])[0]
        body = {"cards": list(cards.items()), "decision": verb, "reason": "spam" if verb == "reject" else ""}
        status, answer = self.ask("POST", f"/api/v1/review/{CHANNEL}/decisions/batch", body)
        if status != 200:
            for card, version in cards.items():
                self._note(verb, card, version, status)
            return
        for one in answer["outcomes"]:
            refused = one.get("failure") is not None
            self._note(verb, one["id"], cards[one["id"]], 409 if refused else 200, now=one["version"])

    # ------------------------------------------------------------ how they ask

    def _ask_to(self, verb: str, card: int, version: int, reason: str = "") -> int:
        """Decide; when no answer comes, ask the same once more, as a person does. Returns the new version."""
        body = {"id": card, "version": version, "decision": verb, "reason": reason}
        for _ in range(2):
            status, answer = self.ask("POST", f"/api/v1/review/{CHANNEL}/decisions", body)
            self._note(verb, card, version, status, now=answer["version"] if status == 200 else 0)
            if status == 200:
                return int(answer["version"])
            if status in {403, 409}:
                return 0
            time.sleep(_AGAIN_S)
        return 0

    def _note(
        self, verb: str, card: int, version: int, status: int, *, now: int = 0, comment: int | None = None
    ) -> None:
        assert status in {0, 200, 403, 409, 503, 504}, (self.name, verb, card, version, status)
        result = {200: "done", 403: "refused", 409: "refused"}.get(status, "lost")
        if result == "lost":
            self.gone += 1
        self._told.asked.append(Asked(self.name, verb, card, version, result, now, comment))

    def _some(self, pile: str, number: int) -> list[dict[str, Any]]:
        path = f"/api/v1/review/{CHANNEL}/queue?pile={pile}&limit=30"
        status, answer = self.ask("GET", path)
        if status != 200:
            time.sleep(_AGAIN_S)
            return []
        cards: list[dict[str, Any]] = answer["cards"]
        return self.dice.sample(cards, min(number, len(cards)))

    def _post(self, path: str, body: Any) -> dict[str, Any] | None:
        status, answer = self.ask("POST", f"/api/v1/review/{CHANNEL}/{path}", body)
        if status == 200:
            found: dict[str, Any] = answer
            return found
        if status not in {403, 409}:
            time.sleep(_AGAIN_S)
        return None


class Reader(Peer):
    """A reader of the feed, as a browser's EventSource: after every break it asks for what it lacks."""

    def __init__(self, name: str, port: int, seed: int, start: int | None = None) -> None:
        super().__init__(name, port, seed, {})
        self.heard = Heard(name, start)
        self.breaks = 0
        self._last: int | None = start
        self._socket: socket.socket | None = None

    @property
    def last(self) -> int:
        return self._last or 0

    def hang_up(self) -> None:
        """Break the connection; called by another thread."""
        broken = self._socket
        if broken is not None:
            with contextlib.suppress(OSError):
                broken.shutdown(socket.SHUT_RDWR)

    def turn(self) -> None:
        headers = {} if self._last is None else {"Last-Event-ID": str(self._last)}
        web = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            web.request("GET", f"/api/v1/channels/{CHANNEL}/published", headers=headers)
            self._socket = web.sock
            with web.getresponse() as answer:
                if answer.status == 200:
                    self._follow(answer)
        except _FAULTS:
            time.sleep(_AGAIN_S)
        finally:
            self._socket = None
            web.close()
            self.breaks += 1
        self.ending.wait(self.dice.uniform(0.0, 0.3))

    def _follow(self, answer: http.client.HTTPResponse) -> None:
        after = self._last
        for kind, number, data in read_events(answer):
            if number is not None:
                self._last = number
                if self.heard.start is None:
                    self.heard.start = number
            if kind == "interaction":  # it says that the reader follows live from here on
                self.heard.connections.append(
                    Connection(after if after is not None else self.last, time.time())
                )
            elif kind:
                assert number is not None, (kind, data)
                body = json.loads(data)
                self.heard.events.append(
                    Event(number, kind, body["id"], body.get("author", ""), body.get("text", ""))
                )
            if self.ending.is_set():
                return


def read_events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, int | None, str]]:
    """Yield name, number and data of each event that came whole (WHATWG HTML, 9.2.6)."""
    kind, data, number = "", "", None
    while line := answer.readline().decode():
        if not line.endswith("\n"):
            return
        name, _, value = line.rstrip("\n").partition(": ")
        match name:
            case "event":
                kind = value
            case "data":
                data += value
            case "id":
                number = int(value)
            case "" if not value:
                yield kind, number, data
                kind, data, number = "", "", None
