"""Who dies or freezes, and how long air suffers: the table of docs/administrators, measured from rounds."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from torture.evidence import Evidence, Trouble
from torture.facts import Facts

ALONE_S = 8.0  # before and after it, nothing else was done
LOOK_S = 12.0
LIVE_BACK_S = 45.0
KINDS = ("kill", "freeze", "disk", "flood", "peer", "platform")


@dataclass
class Row:
    """One kind of trouble, each time it came alone.

    `holes_s`: the longest time without a picture around it. `connections`: how often the platform got a new
    one. `filler_s`: how long filler aired where live had been on air, if so within 45 s and nothing else
    was done meanwhile (0: live was not left).
    """

    what: str
    holes_s: list[float] = field(default_factory=list)
    connections: int = 0
    filler_s: list[float] = field(default_factory=list)


def rows(rounds: Iterable[Evidence]) -> list[Row]:
    """Return one row per kind of trouble, from those troubles that nothing else overlapped."""
    found: dict[str, Row] = defaultdict(lambda: Row(""))
    for evidence in rounds:
        facts = Facts(evidence)
        live = sorted(one.left_s for one in facts.passages if one.kind == "video")
        for trouble in evidence.troubles:
            if trouble.kind not in KINDS or not _alone(trouble, evidence, ALONE_S):
                continue
            until_s = trouble.ended_s + LOOK_S
            times = [one.first_s for one in facts.pictures if trouble.began_s - 1 < one.first_s < until_s]
            if len(times) < 2:
                continue
            row = found[_name(trouble)]
            row.what = _name(trouble)
            row.holes_s.append(max(b - a for a, b in pairwise(times)))
            row.connections += any(trouble.began_s < one.opened_s < until_s for one in evidence.platform)
            until_s = trouble.ended_s + LIVE_BACK_S
            around = [at_s for at_s in live if trouble.began_s - 1 < at_s < until_s]
            calm = _alone(trouble, evidence, LIVE_BACK_S) and until_s < evidence.ended_s
            if calm and around and around[0] < trouble.began_s:
                longest_s = max((b - a for a, b in pairwise([*around, until_s])), default=0.0)
                row.filler_s.append(longest_s if longest_s > 1 else 0.0)
    return sorted(found.values(), key=lambda row: row.what)


def _alone(trouble: Trouble, evidence: Evidence, after_s: float) -> bool:
    """Whether nothing else was done from shortly before a trouble until `after_s` after it."""
    begin_s, end_s = trouble.began_s - ALONE_S, trouble.ended_s + after_s
    orders = [order for order in evidence.orders if order.verb != "status"]
    others = [other for other in evidence.troubles if other is not trouble]
    if trouble.kind == "kill" and "supervisor" in trouble.names:  # running serve again belongs to it
        others = [other for other in others if other.kind != "serve"]
    return not any(one.began_s < end_s and one.ended_s > begin_s for one in [*orders, *others])


def _name(trouble: Trouble) -> str:
    lasts_s = trouble.ended_s - trouble.began_s
    if trouble.kind == "freeze" or trouble.what in ("frozen", "slow", "full"):
        short = "up to 4 s" if lasts_s < 4 else "over 4 s"
        return f"{trouble.kind} {trouble.what}, {short}"
    return f"{trouble.kind} {trouble.what}"


def text(rows: list[Row]) -> str:
    """Return the table for a terminal."""
    if not rows:
        return "(nothing happened alone)"
    width = max(len(row.what) for row in rows)
    lines = [
        f"{'':<{width}}  times  no picture: median, max s  new connections  filler for live: median, max s"
    ]
    for row in rows:
        hole = f"{median(row.holes_s):.2f} {max(row.holes_s):7.2f}"
        filler = f"{median(row.filler_s):.1f} {max(row.filler_s):7.1f}" if row.filler_s else "-"
        lines.append(
            f"{row.what:<{width}}  {len(row.holes_s):>5}  {hole:>25}  {row.connections:>15}  {filler:>30}"
        )
    return "\n".join(lines)
