"""What follows from the evidence: who was away until when, what was on air, which packets are the same."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tools.rtmpwire import Message
from torture.evidence import Connection, Evidence, Order, Trouble

GATE_BACK_S = 3.0  # filler again so long after a gate died that somebody can restart
HUNG_S = 4.5  # the supervisor takes a gate that is silent for so long for dead: 4 s and a heartbeat
SURELY_ALIVE_S = 3.5  # a freeze up to this long must not get a gate killed
SERVE_S = 4.0  # from `serve` to its gate process
THAW_S = 3.0  # after a freeze
PLATFORM_BACK_S = 4.0  # after the good platform's connection broke
EDGE_S = 0.5  # on the way from the encoder's wire to the gate

Interval = tuple[float, float]


def overlap(interval: Interval, others: Iterable[Interval]) -> float:
    """Return how many seconds of `interval` lie in at least one of `others`."""
    begin, end = interval
    covered = 0.0
    for low, high in sorted(others):
        until = min(high, end)
        if until > max(low, begin):
            covered += until - max(low, begin)
            begin = until
    return covered


def inside(at_s: float, intervals: Iterable[Interval]) -> bool:
    return any(begin <= at_s <= end for begin, end in intervals)


@dataclass(frozen=True)
class Away:
    """The gate process was gone from `dead_s`; by `back_s` its successor must have filler on air."""

    dead_s: float
    back_s: float
    why: str

    @property
    def interval(self) -> Interval:
        return self.dead_s - 0.1, self.back_s


@dataclass(frozen=True)
class Passage:
    """A live packet's way through the gate: its place among the arrivals, when it came and when it left."""

    kind: str
    number: int
    came_s: float
    left_s: float


class Facts:
    """Facts about one round. Pure."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.aways = sorted(self._find_aways(), key=lambda away: away.dead_s)
        self.freezes = [
            (trouble.began_s - 0.1, trouble.ended_s + THAW_S)
            for trouble in self.troubles("freeze")
            if trouble.hits("gate")
        ]
        self.arrivals = self._arrivals()
        self._number = {message.digest: number for number, message in enumerate(self.arrivals)}
        self.pictures = sorted(
            (message for one in evidence.platform for message in one.messages if message.kind == "video"),
            key=lambda message: message.first_s,
        )
        self.passages = self._passages()
        self._leads = self._find_leads()

    def troubles(self, *kinds: str) -> list[Trouble]:
        return [trouble for trouble in self.evidence.troubles if trouble.kind in kinds]

    def orders(self, *verbs: str) -> list[Order]:
        return [order for order in self.evidence.orders if order.verb in verbs]

    # ------------------------------------------------------------ processes

    def supervised_from(self, at_s: float) -> float:
        """Return the first time from `at_s` on at which a supervisor runs; infinity if none does."""
        again = True
        while again and at_s < math.inf:
            again = False
            for trouble in self.troubles("kill", "freeze"):
                if not trouble.hits("supervisor") or trouble.began_s > at_s:
                    continue
                until_s = trouble.ended_s
                if trouble.kind == "kill":
                    served = [one for one in self.troubles("serve") if one.began_s >= trouble.began_s]
                    up = [min(one.ended_s, one.began_s + SERVE_S) for one in served]
                    until_s = min(up, default=math.inf)
                if until_s > at_s:
                    at_s, again = until_s, True
        return at_s

    def stretch(self, begin_s: float, end_s: float) -> Interval:
        """Return an interval whose end the freezes of the gate within it put off."""
        for trouble in sorted(self.troubles("freeze"), key=lambda trouble: trouble.began_s):
            if trouble.hits("gate") and trouble.began_s < end_s and trouble.ended_s > begin_s:
                end_s = max(end_s, trouble.ended_s + end_s - max(trouble.began_s, begin_s))
        return begin_s, end_s

    def _find_aways(self) -> Iterable[Away]:
        for trouble in self.evidence.troubles:
            dead_s = trouble.began_s
            if trouble.kind == "kill" and trouble.hits("gate"):
                up_s = max(self.supervised_from(dead_s), self._thawed(dead_s))
                yield Away(dead_s, up_s + GATE_BACK_S, "killed")
            elif trouble.kind == "serve":  # it ends the gate that an earlier supervisor left
                up_s = max(min(trouble.ended_s, dead_s + SERVE_S), self._thawed(dead_s))
                yield Away(dead_s, up_s + GATE_BACK_S, "taken over")
            elif (
                trouble.kind == "freeze"
                and trouble.hits("gate")
                and not trouble.hits("supervisor")
                and trouble.ended_s - dead_s > SURELY_ALIVE_S
            ):
                hung_s = min(trouble.ended_s, dead_s + HUNG_S)
                up_s = max(self.supervised_from(hung_s), self._thawed(hung_s))
                yield Away(dead_s, up_s + GATE_BACK_S, "hung")

    def _thawed(self, at_s: float) -> float:
        """Return when the disk answers that is frozen at `at_s`; else `at_s`.

        A gate that is killed in a system call of such a disk keeps its connections open until then, and the
        platform refuses a second one (nginx-rtmp: "Already publishing").
        """
        frozen = [one for one in self.troubles("disk") if one.what == "frozen"]
        return max((one.ended_s for one in frozen if one.began_s <= at_s <= one.ended_s), default=at_s)

    @property
    def excuses(self) -> list[Interval]:
        """Times in which the platform need not get anything."""
        lost = self.troubles("platform")
        broken = [self.stretch(one.began_s - 0.1, one.ended_s + PLATFORM_BACK_S) for one in lost]
        hung = [away.dead_s for away in self.aways if away.why == "hung"]
        freezes = [freeze for freeze in self.freezes if freeze[0] + 0.1 not in hung]
        return [away.interval for away in self.aways] + freezes + broken

    # ------------------------------------------------------------ packets

    def _arrivals(self) -> list[Message]:
        """Return sound and picture packets in the order in which they came, a repeated one only once."""
        seen: dict[str, Message] = {}
        for connection in self.evidence.encoder:
            for message in connection.messages:
                if message.kind in ("video", "audio"):
                    seen.setdefault(message.digest, message)
        return list(seen.values())

    def times_sent(self, number: int) -> int:
        """Return over how many connections an arrival came: an encoder that starts anew may begin with it."""
        digest = self.arrivals[number].digest
        return sum(
            any(message.digest == digest for message in connection.messages)
            for connection in self.evidence.encoder
        )

    def _passages(self) -> list[Passage]:
        found = []
        for connection in self.evidence.platform:
            for message in connection.messages:
                number = self._number.get(message.digest)
                if message.kind in ("video", "audio") and number is not None:
                    came_s = self.arrivals[number].last_s
                    found.append(Passage(message.kind, number, came_s, message.first_s))
        return found

    def _find_leads(self) -> dict[float, float]:
        leads: dict[float, float] = {}
        for connection in self.evidence.platform:
            furthest_behind_s = math.inf
            for message in connection.messages:
                if message.kind == "video":
                    ahead_s = message.dts / 1000 - message.first_s
                    furthest_behind_s = min(furthest_behind_s, ahead_s)
                    leads[message.first_s] = ahead_s - furthest_behind_s
        return leads

    def lead_s(self, left_s: float) -> float:
        """Return how much program a player without a buffer has in hand with the picture that left then.

        Such a player stops when it has nothing to show, and is behind from then on. What a machine that stood
        still brings at once when it caught up, the player has in hand. The gate may pause for as long before
        it joins filler (ADR 7, program clock), and nobody sees a hole.
        """
        return self._leads.get(left_s, 0.0)

    def groups(self) -> Iterable[tuple[Connection, list[Message]]]:
        """Return the encoder's groups of pictures, each with the connection it came over."""
        for connection in self.evidence.encoder:
            group: list[Message] = []
            for message in connection.messages:
                if message.kind != "video":
                    continue
                if message.keyframe and group:
                    yield connection, group
                    group = []
                group.append(message)
            if group:
                yield connection, group

    # ------------------------------------------------------------ what was wanted

    def windows(self) -> list[Interval]:
        """Return when a broadcast was on: from the first publish, or a start, to a stop or the end."""
        evidence = self.evidence
        if not evidence.encoder:
            return []
        found: list[Interval] = []
        begin_s: float | None = evidence.encoder[0].opened_s
        for order in self.orders("stop", "start"):
            if order.verb == "stop" and order.outcome != "refused" and begin_s is not None:
                found.append((begin_s, order.began_s))
                begin_s = None
            elif order.verb == "start" and order.outcome != "silent" and begin_s is None:
                begin_s = order.ended_s
        if begin_s is not None:
            found.append((begin_s, evidence.ended_s))
        return found

    def cuts(self) -> list[tuple[Order, Order | None]]:
        """Return each cut that was answered, with the order that began to end it (None: it stayed)."""
        found: list[tuple[Order, Order | None]] = []
        cut: Order | None = None
        for order in self.orders("cut", "restore", "stop"):
            if order.verb == "cut" and order.outcome == "done":
                cut = cut or order
            elif cut is not None and order.verb != "cut" and order.outcome != "refused":
                found.append((cut, order))
                cut = None
        if cut is not None:
            found.append((cut, None))
        return found

    def may_be_cut(self, at_s: float) -> bool:
        """Say whether a cut may be in force: an order without an answer may have been heard, or not."""
        cut = False
        for order in self.orders("cut", "restore", "stop"):
            if order.began_s >= at_s:
                break
            if order.verb == "cut":
                cut = cut or order.outcome != "refused"
            elif order.outcome != "silent":
                cut = False
        return cut

    def surely_before(self, at_s: float) -> float:
        """Return a time such that what came by then over the encoder's wire was in the gate by `at_s`."""
        sure_s = at_s - EDGE_S
        for trouble in self.evidence.troubles:
            slow = trouble.kind in ("freeze", "kill") and (trouble.hits("ingest") or trouble.hits("gate"))
            if (
                slow or trouble.kind in ("flood", "serve")
            ) and trouble.began_s < at_s < trouble.ended_s + THAW_S:
                sure_s = min(sure_s, trouble.began_s - EDGE_S)
        return sure_s
