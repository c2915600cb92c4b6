"""Commands on spans of unaired packets: condemn, redact, move, lift, undo a cut. Pure.

Marked ends are aligned to what the gate can do: it leaves live at any picture and enters it at a keyframe.
A command does not change packets that have fallen due, whether they aired or were replaced (invariant 2).
"""

from collections.abc import Callable
from typing import NamedTuple

from streamgate.core.box import Box
from streamgate.core.ring import Ring
from streamgate.core.spans import MOSAIC, SOUND_REDACTIONS, Span, SpanKind, Spans
from streamgate.errors import Refused

SECOND_US = 1_000_000
SAME_US = 2_000  # ends of spans at most this far apart are the same
KEYFRAME_US = 1_000  # a span up to a keyframe is reported to end this long before it
SHOWN_US = SECOND_US  # a picture that arrived longer ago was no longer on screen
SOUND_LEAD_US = 100_000  # a decoded AAC frame (23 ms at 44.1 kHz) overlaps the next one


class Reach(NamedTuple):
    """The arrivals that a span takes off air or redacts. `last` None: a cut in force.

    `open_end`: live returns at a keyframe that has not arrived yet; `last` is the newest arrival so far.
    """

    first: int
    last: int | None
    open_end: bool = False


class Marking:
    """Marks spans on a ring's packets. `past`: the newest arrival that has fallen due. Times: us."""

    def __init__(self, spans: Spans, ring_of: Callable[[], Ring]) -> None:
        """`ring_of`: returns the ring whose pictures spans are aligned to, the wanted camera's."""
        self._spans, self._ring_of = spans, ring_of

    @property
    def _ring(self) -> Ring:
        return self._ring_of()

    def reach(self, span: Span, now: int) -> Reach:
        """Return the arrivals that a span takes off air (up to the next keyframe) or redacts.

        A mosaic covers whole GOPs: it begins with the keyframe before, if that has not left the ring.
        """
        if span.end is None:
            return Reach(span.start, None)
        if span.why in SOUND_REDACTIONS:
            return Reach(span.start, span.end)
        start, end = span.start, span.end
        if span.why == MOSAIC:
            start = max((at for at, _ in self._ring.keyframes() if at <= start), default=start)
        keyframe = next((arrival for arrival, _ in self._ring.keyframes() if arrival > end), None)
        if keyframe is None:
            return Reach(start, max(end, now), open_end=True)
        return Reach(start, max(end, keyframe - KEYFRAME_US))

    def mark(
        self,
        kind: SpanKind,
        ends: tuple[int, int],
        now: int,
        *,
        actor: str,
        reason: str,
        box: Box | None = None,
    ) -> Span:
        """Condemn or redact the arrivals between `ends`, both inclusive."""
        start, end = self._fit(kind, ends, now)
        return self._spans.condemn(start, end, actor, kind, reason, box=box)

    def move(self, span: Span, ends: tuple[int, int], now: int, past: int) -> None:
        """Change the ends of a span."""
        if span.end is None:
            raise Refused(
                "a cut in force has no end to be moved; restore ends it, uncut takes it back",
                "切断尚未结束，不能移动；请用「恢复」结束或「撤销切断」",
            )
        start, end = self._fit_move(span, ends, now, past)
        self._spans.move(span, start, end, past)

    def uncovers(self, span: Span, ends: tuple[int, int], now: int, past: int) -> bool:
        """Whether moving a span to `ends` uncovers packets that are not due yet."""
        start, end = self._fit_move(span, ends, now, past)
        was_start, was_end = max(span.start, past + 1), now if span.end is None else span.end
        return was_start <= was_end and (start > was_start + SAME_US or end < was_end - SAME_US)

    def find(self, span_id: str, past: int) -> Span:
        """Return a span whose end has not fallen due. Otherwise raises Refused, which lists the spans."""
        span = self._spans.get(span_id)
        if span is not None and (span.end is None or span.end > past):
            return span
        if span is not None:
            raise Refused(
                f"span {span_id} has passed air: what it covered was replaced, and stays so",
                f"区段 {span_id} 已播过，其内容已被替换，不能更改",
            )
        names = ", ".join(one.id for one in self._spans if one.id) or "none"
        raise Refused(f"there is no span {span_id}; spans are: {names}", f"没有区段 {span_id}；现有：{names}")

    def find_cut(self, past: int) -> Span:
        """Return the cut in force, else the newest one that has not passed air. Refused: there is none."""
        found = [one for one in self._spans if one.why == "cut" and (one.end is None or one.end > past)]
        if not found:
            raise Refused(
                "nothing is cut, and nothing that a cut condemned is still to air; there is nothing to undo",
                "没有可撤销的切断：当前未切断，此前切断的内容均已播过",
            )
        return found[-1]

    def lift(self, span: Span, past: int) -> None:
        """Lift a span: its packets that are not due yet can air."""
        self._spans.lift(span, past)

    def _fit_move(self, span: Span, ends: tuple[int, int], now: int, past: int) -> tuple[int, int]:
        """Return the aligned ends of a span that is moved.

        The start of replaced sound has its lead already: a move that gives it back does not add another.
        """
        start, end = self._fit(span.why, ends, now, begun=span.start <= past)
        if span.why in SOUND_REDACTIONS and ends[0] >= span.start - SAME_US:
            start = max(start, span.start)
        return start, end

    def _fit(
        self, kind: SpanKind, ends: tuple[int, int], now: int, *, begun: bool = False
    ) -> tuple[int, int]:
        """Return the aligned ends of a span. `begun`: its start may be an arrival that has left the ring."""
        first, last = ends
        if first >= last:
            raise Refused(
                "a span must end after it begins: --from is the earlier time, --to the later one",
                "区段的结束须晚于开始",
            )
        if first > now:
            raise Refused(
                "a span begins at what has arrived already; use cut, or wait", "区段须从已到达的内容开始"
            )
        end, gone = min(last, now), self._ring.popped
        if end <= gone:
            raise Refused("all of that has aired already, or was replaced", "所选内容均已播过，无法更改")
        start = first - SOUND_LEAD_US if kind in SOUND_REDACTIONS else self._fit_picture(first)
        return (start if begun else max(start, gone + 1)), end

    def _fit_picture(self, first: int) -> int:
        """Return the arrival of the picture that was on screen at `first`."""
        shown = self._ring.last_video(first + SAME_US // 2)
        return shown if shown is not None and first - shown < SHOWN_US else first
