"""How soon live is back after a kill of the gate, seen from the platform."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from torture.evidence import Evidence
from torture.facts import Facts

WATCHED_S = 10.0  # a kill later than so long before the end proves nothing
ON_AIR_S = 0.5  # live had been on air if a picture of it left so shortly before


@dataclass(frozen=True)
class Return:
    """What followed one kill.

    `dead_s`: when. `quiet`: the gate alone was killed, and nothing else was done from a delay before it on.
    `back_s`: from the kill to the first live picture after it. `early_s`: how long before the kill that
    picture had come in; negative: it came after. None: no live picture was seen any more.
    """

    dead_s: float
    quiet: bool
    back_s: float | None
    early_s: float | None


def find(rounds: Iterable[Evidence]) -> list[Return]:
    """Return one for each kill of the gate with live on air."""
    found = []
    for evidence in rounds:
        facts = Facts(evidence)
        live = sorted((one.left_s, one.came_s) for one in facts.passages if one.kind == "video")
        for trouble in facts.troubles("kill"):
            dead_s = trouble.began_s
            if not trouble.hits("gate") or dead_s > evidence.ended_s - WATCHED_S:
                continue
            before = [left_s for left_s, _ in live if left_s < dead_s + 0.1]
            if not before or dead_s - before[-1] > ON_AIR_S:
                continue
            after = next((one for one in live if one[0] > dead_s + 0.2), None)
            orders = [order for order in evidence.orders if order.verb != "status"]
            others = [one for one in evidence.troubles if one is not trouble]
            begin_s, end_s = dead_s - evidence.delay_s - 2, dead_s + WATCHED_S
            quiet = trouble.what == "gate" and not any(
                one.began_s < end_s and one.ended_s > begin_s for one in [*orders, *others]
            )
            found.append(
                Return(
                    dead_s,
                    quiet,
                    None if after is None else after[0] - dead_s,
                    None if after is None else dead_s - after[1],
                )
            )
    return found


def text(returns: list[Return]) -> str:
    """Return the sums for a terminal."""
    if not returns:
        return "(never with live on air)"
    lines = []
    for quiet in (True, False):
        some = [one for one in returns if one.quiet is quiet]
        early = [one.back_s for one in some if one.back_s is not None and (one.early_s or 0) > 0]
        took = f"; after {median(early):.1f} s, at most {max(early):.1f} s" if early else ""
        what = "nothing else done" if quiet else "beside commands or other kills"
        lines.append(f"{what}: {len(early)} of {len(some)} times live came back from the recording{took}")
    return "; ".join(lines)


def proven(rounds: Iterable[Evidence]) -> str:
    """Return how often a directory was proven, by what was done to it, for a terminal."""
    done: Counter[str] = Counter()
    looks = bad = 0
    for evidence in rounds:
        looks += len(evidence.proofs) + (evidence.record is not None)
        bad += sum(proof.code != 0 for proof in evidence.proofs)
        bad += evidence.record is not None and evidence.record.verify_code != 0
        for trouble in evidence.troubles:
            if trouble.kind == "kill":
                done.update(f"kill of {name}" for name in trouble.names)
            elif trouble.kind in ("disk", "clock"):
                done[f"{trouble.kind} {trouble.what}"] += 1
    told = ", ".join(f"{count} x {what}" for what, count in sorted(done.items()))
    return f"{looks} times verified, {bad} not proven; {told or 'nothing was done'}"
