"""Operators' commands on spans of one channel: condemn, redact, dump, move, lift, undo a cut.

A command that uncovers packets follows the rules of `restore`: a channel may require two people for it.
"""

from collections.abc import Callable

from msgspec.structs import replace

from streamgate.clock import now_us, wall_at
from streamgate.core.box import Box, check_box
from streamgate.core.gate import Gate
from streamgate.core.reaction import MAX_REACTION_S
from streamgate.core.spans import MOSAIC, Span, SpanKind
from streamgate.core.two_people import LAPSES_US, Asked, TwoPeople, is_person
from streamgate.errors import Refused
from streamgate.link.messages import (
    Condemn,
    Lift,
    Marked,
    Marking,
    Move,
    Redact,
    SpanRequest,
    SpanStatus,
    Uncut,
    WaitingRestore,
    Warn,
)
from streamgate.playout.texts import add_reason, say

SECOND_US = 1_000_000
MAX_KEYFRAMES = 512  # in a status
MAX_AGO_S = 1200.0  # twice the longest delay
MAX_AHEAD_S = 1.0  # clocks of pages may differ
_SAID = {"mute": "muted", "bleep": "bleeped", "mosaic": "mosaicked"}


class Marks:
    """Commands on spans. `done` is called after each change with the actor and the notice."""

    def __init__(self, channel: str, gate: Gate, done: Callable[[str, Warn], None]) -> None:
        self._channel, self._gate, self._done = channel, gate, done
        self._two_people = TwoPeople()
        self.needs_two = False

    # ------------------------------------------------------------ commands

    def dump(self, seconds: float, actor: str, reason: str) -> Marked:
        """Condemn the newest `seconds`."""
        now = now_us()
        span = self._gate.dump(seconds, now, actor, reason)
        marked = replace(self._marked(span, now), seconds=round(seconds, 3))
        self._done(actor, add_reason(say("dump", seconds=seconds), reason))
        return marked

    def dump_own(self, channel_s: float, reaction_s: float, actor: str, reason: str) -> Marked:
        """Condemn the channel's own length plus the person's reaction time; at most the delay."""
        reaction_s = min(max(0.0, reaction_s), MAX_REACTION_S)
        seconds = min(channel_s + reaction_s, self._gate.delay_us / SECOND_US)
        marked = self.dump(round(seconds, 3), actor, reason)
        return replace(marked, channel_s=channel_s, reaction_s=round(reaction_s, 3))

    def carry_out(self, request: Marking, actor: str, reason: str) -> Marked | None:
        """Carry out a command on spans; None: it waits for a second person."""
        match request:
            case Condemn():
                return self._mark(request, "condemn", actor, reason)
            case Redact():
                return self._mark(request, request.with_, actor, reason, _box_of(request))
            case Move():
                return self._move(request, actor, reason)
            case Lift():
                span = self._gate.marking.find(request.span, self._gate.past(now_us()))
                return self._lift(span, "lift", actor, reason)
            case Uncut():
                span = self._gate.marking.find_cut(self._gate.past(now_us()))
                return self._lift(span, "uncut", actor, reason)

    def _mark(
        self, request: SpanRequest, kind: SpanKind, actor: str, reason: str, box: Box | None = None
    ) -> Marked:
        gate, now = self._gate, now_us()
        span = gate.mark(kind, _find_arrivals(request, now), now, actor, reason, box=box)
        marked = self._marked(span, now)
        self._done(actor, add_reason(say(_SAID.get(kind, "condemned"), **_words(marked)), reason))
        return marked

    def _move(self, request: Move, actor: str, reason: str) -> Marked | None:
        gate, now = self._gate, now_us()
        past = gate.past(now)
        span = gate.marking.find(request.span, past)
        ends = _find_arrivals(request, now)
        if gate.marking.uncovers(span, ends, now, past):
            if not request.may_uncover:
                raise Refused(
                    f"that lets a part of span {span.id} air again: it needs the right to restore",
                    f"此操作会放出区段 {span.id} 的一部分，需要「恢复」权限",
                )
            if self.needs_two:
                first_asked = self._agree("move", span.id, actor, reason, ends)
                if first_asked is None:
                    return None
                ends = _hull(ends, first_asked.to)
        elif span.end is not None:  # never shrink it, not even slightly: small steps would add up
            ends = _hull(ends, (span.start, span.end))
        gate.move(span, ends, now)
        marked = self._marked(span, now)
        self._done(actor, add_reason(say("moved", **_words(marked)), reason))
        return marked

    def _lift(self, span: Span, what: str, actor: str, reason: str) -> Marked | None:
        if self.needs_two and self._agree(what, span.id, actor, reason) is None:
            return None
        now = now_us()
        marked = self._marked(span, now)
        self._gate.lift(span, now)
        self._done(actor, add_reason(say("uncut" if span.why == "cut" else "lifted", span=span.id), reason))
        return marked

    # ------------------------------------------------------------ two people

    def agree_to_restore(self, actor: str, reason: str) -> Asked | None:
        """Return the first person's request to end a cut if this one completes it; None: it waits."""
        return self._agree("restore", "", actor, reason)

    def _agree(
        self, what: str, span: str, actor: str, reason: str, to: tuple[int, int] = (0, 0)
    ) -> Asked | None:
        if not is_person(actor):
            raise Refused(
                f"channel {self._channel} demands two people to let condemned material air, or to end a cut;"
                " a token is none: sign in",
                f"频道 {self._channel} 须两人确认才能恢复，令牌不能代替人；请登录后操作",
            )
        first = self._two_people.ask(actor, reason, now_us(), what=what, span=span, to=to)
        if first is None:
            code = "restore_waits" if what == "restore" else "undo_waits"
            waits = say(code, seconds=LAPSES_US / SECOND_US, what=what, span=span)
            self._done(actor, add_reason(waits, reason))
        return first

    def waiting(self, now: int) -> WaitingRestore | None:
        """Return the request that waits for a second person."""
        waiting = self._two_people.waiting(now) if self._gate.on_air else None
        if waiting is None:
            return None
        left_s = (waiting.at_us + LAPSES_US - now) / SECOND_US
        told = WaitingRestore(waiting.actor, waiting.reason, round(left_s, 1), waiting.what, waiting.span)
        if waiting.what != "move":
            return told
        from_at, to_at = (round(wall_at(now) + (end - now) / SECOND_US, 6) for end in waiting.to)
        return replace(told, from_at=from_at, to_at=to_at)

    def forget_waiting(self) -> None:
        self._two_people.forget()

    # ------------------------------------------------------------ reports

    def marked(self, span: Span) -> Marked:
        """Return what a span takes off air or redacts, as of now."""
        return self._marked(span, now_us())

    def _marked(self, span: Span, now: int) -> Marked:
        gate, wall = self._gate, wall_at(now)
        past = gate.past(now)
        reach = gate.marking.reach(span, now)
        first = max(reach.first, past + 1) if span.why == "cut" else reach.first
        last = reach.last
        return Marked(
            span=span.id,
            kind=span.why,
            from_s=_from_now(first, now),
            from_at=round(wall + (first - now) / SECOND_US, 6),
            to_s=None if last is None else _from_now(last, now),
            to_at=None if last is None else round(wall + (last - now) / SECOND_US, 6),
            first_us=span.start,
            last_us=span.end,
            past_us=past,
            open_end=reach.open_end,
        )

    def statuses(self, now: int) -> list[SpanStatus]:
        """Return the spans that have not passed air."""
        gate, delay, wall, statuses = self._gate, self._gate.delay_us, wall_at(now), []
        past = gate.past(now)
        for span in gate.spans:
            if not span.id or (span.end is not None and span.end <= past):
                continue  # the remainder of a moved or lifted span, or one that has passed air
            reach = gate.marking.reach(span, now)
            first = max(reach.first, past + 1) if span.why == "cut" else reach.first
            ends_us = None if reach.last is None else reach.last + delay - now
            statuses.append(
                SpanStatus(
                    starts_in_s=round(max(0, first + delay - now) / SECOND_US, 2),
                    ends_in_s=None if ends_us is None else round(ends_us / SECOND_US, 2),
                    actor=span.actor,
                    id=span.id,
                    kind=span.why,
                    reason=span.reason,
                    from_at=round(wall + (first - now) / SECOND_US, 3),
                    to_at=None if reach.last is None else round(wall + (reach.last - now) / SECOND_US, 3),
                    open_end=reach.open_end,
                    ready=gate.can_redact(span),
                    box=span.box,
                )
            )
        return statuses

    def keyframes_at(self, now: int) -> list[float]:
        """Return the arrivals of held keyframes, wall clock: possible ends of a span."""
        wall = wall_at(now)
        arrivals = [arrival for arrival, _ in self._gate.ring_wanted().keyframes()][-MAX_KEYFRAMES:]
        return [round(wall + (arrival - now) / SECOND_US, 3) for arrival in arrivals]


def _find_arrivals(request: SpanRequest, now: int) -> tuple[int, int]:
    """Return the first and last arrival of a request, us."""
    given = (request.from_s, request.to_s, request.from_at, request.to_at)
    match given:
        case (float(), float(), None, None):
            times = (given[0], given[1])
        case (None, None, float(), float()):
            wall = wall_at(now)
            times = (given[2] - wall, given[3] - wall)
        case _:
            raise Refused(
                "a span needs its beginning and its end: both in seconds from now (from_s, to_s), or both by"
                " the clock (from_at, to_at)",
                "区段须同时给出开始和结束：均为相对现在的秒数（from_s、to_s），或均为时钟时间（from_at、to_at）",
            )
    first, last = times
    if not -MAX_AGO_S <= first <= MAX_AHEAD_S or not -MAX_AGO_S <= last <= MAX_AHEAD_S:
        raise Refused(
            f"from {first:g} to {last:g} s: allowed are -{MAX_AGO_S:g} to 0 seconds, as in"
            " --from -12.5 --to -8",
            f"时间范围 {first:g} 至 {last:g} 秒不允许：须在 -{MAX_AGO_S:g} 至 0 秒之间",
        )
    return now + round(first * SECOND_US), now + round(last * SECOND_US)


def _box_of(request: Redact) -> Box | None:
    if request.box is None:
        return None
    if request.with_ != MOSAIC:
        raise Refused(
            f"a box belongs to a mosaic, not to {request.with_}; leave it out",
            f"区域只用于马赛克，不用于 {request.with_}；请去掉",
        )
    return check_box(request.box)


def _hull(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return min(one[0], other[0]), max(one[1], other[1])


def _from_now(arrival: int, now: int) -> float:
    return round((arrival - now) / SECOND_US, 3)


def _words(marked: Marked) -> dict[str, object]:
    return {"span": marked.span, "first": -marked.from_s, "last": -(marked.to_s or 0.0)}
