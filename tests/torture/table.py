"""Who dies or freezes, who brings it back, and how long air suffers: measured from rounds."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from torture.evidence import Evidence, Trouble
from torture.facts import Facts

ALONE_S = 8.0  # before and after, nothing else was done
LOOK_S = 12.0


@dataclass(frozen=True)
class Row:
    """A hole: the longest time without a picture around it. `connections`: how often a new one was made.

    `live_lost`: how often live was on air before and not 12 s after.
    """

    what: str
    times: int
    hole_median_s: float
    hole_max_s: float
    connections: int
    live_lost: int


def rows(rounds: Iterable[Evidence]) -> list[Row]:
    """Return one row per kind of trouble, from those troubles that nothing else overlapped."""
    holes: dict[str, list[float]] = defaultdict(list)
    connections: dict[str, int] = defaultdict(int)
    lost: dict[str, int] = defaultdict(int)
    for evidence in rounds:
        facts = Facts(evidence)
        for trouble in evidence.troubles:
            if trouble.kind not in ("kill", "freeze", "disk", "flood", "peer") or not _alone(
                trouble, evidence
            ):
                continue
            name = _name(trouble)
            until_s = trouble.ended_s + LOOK_S
            times = [m.first_s for m in facts.pictures if trouble.began_s - 1 < m.first_s < until_s]
            if len(times) < 2:
                continue
            holes[name].append(max(b - a for a, b in pairwise(times)))
            connections[name] += any(trouble.began_s < one.opened_s < until_s for one in evidence.platform)
            live = [one.left_s for one in facts.passages if one.kind == "video"]
            before = any(trouble.began_s - 1 < at_s < trouble.began_s for at_s in live)
            lost[name] += before and not any(until_s - 1 < at_s < until_s for at_s in live)
    return [
        Row(name, len(times), round(median(times), 2), round(max(times), 2), connections[name], lost[name])
        for name, times in sorted(holes.items())
    ]


def _alone(trouble: Trouble, evidence: Evidence) -> bool:
    begin_s, end_s = trouble.began_s - ALONE_S, trouble.ended_s + ALONE_S
    orders = [order for order in evidence.orders if order.verb in ("stop", "start")]
    return not any(one.began_s < end_s and one.ended_s > begin_s for one in orders) and not any(
        other is not trouble and other.began_s < end_s and other.ended_s > begin_s
        for other in evidence.troubles
    )


def _name(trouble: Trouble) -> str:
    lasts_s = trouble.ended_s - trouble.began_s
    if trouble.kind == "freeze" or trouble.what in ("frozen", "slow", "full"):
        short = "under 4 s" if lasts_s < 4 else "over 4 s"
        return f"{trouble.kind} {trouble.what} {short}"
    return f"{trouble.kind} {trouble.what}"


def text(rows: list[Row]) -> str:
    """Return the table for a terminal."""
    if not rows:
        return "(nothing happened alone)"
    width = max(len(row.what) for row in rows)
    lines = [f"{'':<{width}}  times  hole median  max (s)  new connections  live lost"]
    for row in rows:
        lines.append(
            f"{row.what:<{width}}  {row.times:>5}  {row.hole_median_s:>11.2f}  {row.hole_max_s:>7.2f}"
            f"  {row.connections:>15}  {row.live_lost:>9}"
        )
    return "\n".join(lines)
