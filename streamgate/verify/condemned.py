"""Which arrivals people had condemned or redacted, by the ledger, and whether any aired all the same."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamgate.core.edits import LIVE, Piece
from streamgate.ledger.record import Command, Notice
from streamgate.verify.facts import Said

SURE_US = 5_000  # a command is carried out within this before its measured time began
NEAR_S = 1.0  # wall clocks are compared where monotonic ones cannot be
HEARD_US = 1_000_000  # in so much of a redacted span packets came in: some of what aired must stand for them
_TRACKS = {"mute": "audio", "bleep": "audio", "mosaic": "video"}
_FIRST = -(1 << 62)
_MARKS = frozenset({"condemn", "redact"})
_UNDOES = frozenset({"lift", "uncut"})


class Condemned(NamedTuple):
    """Arrivals that must not air after a command. Both ends certain: the span was no shorter.

    `since_us`, `boot`: when the record was written; `since`: the same, wall clock. `first_us`, `last_us`:
    arrivals, monotonic; None: all that follow. `until`: the last one, wall clock. `lifted_us`: what left from
    then on may hold them; None: nothing may. `track`: "audio" or "video", if it is that one's packets alone.
    """

    what: str
    who: str
    place: str
    boot: str
    since_us: int
    since: float
    first_us: int
    last_us: int | None
    until: float | None
    lifted_us: int | None = None
    track: str = ""

    def forbids(self, piece: Piece, boot: str) -> bool:
        """Whether a piece of program holds what must not have aired. `boot`: of the process that aired it."""
        if piece.source != LIVE or piece.arrived_us is None or piece.held is None:
            return False
        first, last = piece.arrived_us
        # Sound of a filler may leave at the end of a piece: this is when its last live packet left, at least.
        left_us = max(piece.from_us, last + piece.held.min_us)
        if boot == self.boot:
            if left_us <= self.since_us or (self.lifted_us is not None and left_us >= self.lifted_us):
                return False
            return self._is_there(piece) if self.track else self._holds(first, last)
        if self.first_us != _FIRST or self.lifted_us is not None or piece.at < self.since + NEAR_S:
            return False  # what came in before another boot is in no ring any more
        arrived = piece.at - (piece.from_us - first) / 1e6
        return self.until is None or arrived < self.until - NEAR_S

    def _holds(self, first: int, last: int) -> bool:
        return last >= self.first_us and (self.last_us is None or first <= self.last_us)

    def _is_there(self, piece: Piece) -> bool:
        """Whether the span's own sound, or pictures, aired in a piece.

        When they arrived is told where some were replaced.
        """
        assert piece.arrived_us is not None
        assert self.last_us is not None
        live = [run for run in piece.runs if run.track == self.track and not run.clip]
        if piece.why:
            return any(self._holds(*run.arrived_us) for run in live if run.arrived_us is not None)
        both = min(piece.arrived_us[1], self.last_us) - max(piece.arrived_us[0], self.first_us)
        return bool(live) and both > HEARD_US


class _Standing:
    """The spans of one broadcast as the commands on them follow. `found`: what was forbidden, and when."""

    def __init__(self) -> None:
        self.found: list[Condemned] = []
        self._cut: Condemned | None = None
        self._cut_id = ""
        self._spans: dict[str, Condemned] = {}

    def cut(self, said: Said[Command] | Said[Notice]) -> None:
        if self._cut is None:
            act = said.record
            self._cut = Condemned(
                "cut", act.who, said.place, act.boot, act.mono_us, act.at, _FIRST, None, None
            )
            self._cut_id = str(act.args.get("span", "")) if isinstance(act, Command) else ""

    def restore(self, act: Command) -> None:
        cut, self._cut = self._cut, None
        if cut is None:
            return
        late_s = (act.latency_ms or 0.0) / 1000 + SURE_US / 1e6
        last_us = act.mono_us - round(late_s * 1e6)
        if act.boot == cut.boot:
            closed = cut._replace(last_us=last_us, until=act.at - late_s)
        else:
            closed = cut._replace(boot=act.boot, since_us=0, last_us=last_us)
        self._stand(self._cut_id, closed)

    def stop(self) -> None:
        if self._cut is not None:
            self.found.append(self._cut)
            self._cut = None

    def mark(self, said: Said[Command], act: Command) -> None:
        """A dump, or a span that was condemned or redacted."""
        made = _made(said, act)
        if made is not None:
            self._stand(str(act.args.get("span", "")), made)

    def move(self, said: Said[Command], act: Command) -> None:
        self._end(self._spans.pop(str(act.args.get("span", "")), None), act)
        self.mark(said, act)

    def lift(self, act: Command) -> None:
        span = str(act.args.get("span", ""))
        if span in self._spans:
            self._end(self._spans.pop(span), act)
        elif self._cut is not None:
            cut, self._cut = self._cut, None
            self._end(cut if cut.boot == act.boot else cut._replace(boot=act.boot, since_us=0), act)

    def _stand(self, span: str, made: Condemned) -> None:
        if span:
            if (before := self._spans.get(span)) is not None:  # a gate that lost its count, or a span widened
                self.found.append(before)
            self._spans[span] = made
        else:
            self.found.append(made)

    def _end(self, span: Condemned | None, act: Command) -> None:
        """A span does not stand any more: what had fallen due by then stays forbidden."""
        past_us = act.args.get("past_us")
        if span is None or not isinstance(past_us, int):
            return
        lifted_us = act.mono_us - round((act.latency_ms or 0.0) * 1000) - SURE_US
        self.found.append(span._replace(lifted_us=lifted_us))
        if span.first_us <= past_us:
            last_us = past_us if span.last_us is None else min(span.last_us, past_us)
            self.found.append(span._replace(last_us=last_us))

    def all(self) -> list[Condemned]:
        self.stop()
        return [*self.found, *self._spans.values()]


def find_condemned(
    acts: Sequence[Said[Command] | Said[Notice]],
    span: tuple[float, float],
    boots: Mapping[str, tuple[int, int]],
) -> list[Condemned]:
    """Return what was condemned during a broadcast, by the acts on its channel.

    `span`: from when to when it went, wall clock, s. `boots`: the same by the monotonic clock of each boot,
    us: that one counts where it is known, since a wall clock may have been set meanwhile.
    """
    standing = _Standing()
    for said in acts:
        act = said.record
        known = boots.get(act.boot)
        if not (span[0] <= act.at <= span[1] if known is None else known[0] <= act.mono_us <= known[1]):
            continue
        if isinstance(act, Notice) or act.what == "cut":
            standing.cut(said)
        elif act.answer == "second_person":
            continue
        elif act.what == "dump" or act.what in _MARKS:
            standing.mark(Said(act, said.file, said.line), act)
        elif act.what == "move":
            standing.move(Said(act, said.file, said.line), act)
        elif act.what in _UNDOES:
            standing.lift(act)
        elif act.what == "restore":
            standing.restore(act)
        elif act.what == "stop":
            standing.stop()
    return standing.all()


def _made(said: Said[Command], act: Command) -> Condemned | None:
    """Return the arrivals that a command covers: by the gate's own words, else by how long ago they were."""
    first, last, seconds = (act.args.get(name) for name in ("first_us", "last_us", "seconds"))
    if not (isinstance(first, int) and isinstance(last, int)):
        if act.what != "dump" or not isinstance(seconds, int | float):
            return None
        first = act.mono_us - round(seconds * 1e6)
        last = act.mono_us - round((act.latency_ms or 0.0) * 1000) - SURE_US
    kind = str(act.args.get("kind", act.what))
    made = Condemned(kind, act.who, said.place, act.boot, act.mono_us, act.at, first, last, None)
    return made._replace(track=_TRACKS.get(kind, "")) if last > first else None
