"""Which packets were disturbed by nothing: those must air and be recorded."""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.rtmpwire import Message
from torture.evidence import Trouble
from torture.facts import EDGE_S, Facts, Interval, inside

SETTLE_S = 1.0
RELINK_S = 3.0  # ingest and gate find each other again, and a keyframe comes
INGEST_BACK_S = 5.0  # ingest is restarted and the encoder has come back
SHORT_S = 0.8  # a freeze this short is jitter
WRITTEN_S = 8.0  # after a disk is well again
UNSYNCED_S = 45.0  # what a disk that breaks had not yet taken: ext4's 30 s of delayed allocation, and some
FOREVER = float("inf")


@dataclass(frozen=True)
class Calm:
    """Times that do not count: of arrival, of air, and of arrival for the archive."""

    arrivals: list[Interval]
    air: list[Interval]
    recording: list[Interval]


def disturbances(facts: Facts) -> Calm:
    """Return the times in which something was done that may keep a packet from air or from the archive."""
    delay_s, gop_s = facts.evidence.delay_s, facts.evidence.gop_s
    arrivals: list[Interval] = []
    recording: list[Interval] = []
    for away in facts.aways:  # the ring is lost
        arrivals.append((away.dead_s - delay_s - SETTLE_S, away.back_s + RELINK_S))
        recording.append((away.dead_s - gop_s - SETTLE_S, away.back_s + RELINK_S))
    for trouble in facts.evidence.troubles:
        begin_s, end_s = trouble.began_s, trouble.ended_s
        if trouble.kind == "freeze" and trouble.hits("gate") and end_s - begin_s > SHORT_S:
            arrivals.append((begin_s - delay_s - SETTLE_S, end_s + RELINK_S + SETTLE_S))
            recording.append((begin_s - SETTLE_S, end_s + RELINK_S))
        lasts = trouble.kind == "kill" or (trouble.kind == "freeze" and end_s - begin_s > SHORT_S)
        if lasts and trouble.hits("ingest"):
            back_s = max(end_s, facts.supervised_from(begin_s))
            arrivals.append((begin_s - SETTLE_S, back_s + INGEST_BACK_S))
            recording.append((begin_s - SETTLE_S, back_s + INGEST_BACK_S))
        if trouble.kind == "serve":
            arrivals.append((begin_s - SETTLE_S, end_s + INGEST_BACK_S))
            recording.append((begin_s - SETTLE_S, end_s + INGEST_BACK_S))
        if trouble.kind == "platform":
            arrivals.append((begin_s - delay_s - SETTLE_S, end_s - delay_s + 6))
        if trouble.kind == "disk":
            recording += _disk(trouble)
    air = _wishes(facts)
    arrivals += [(begin, end) for begin, end in _condemned(facts)]
    return Calm(arrivals, air, recording)


def _disk(trouble: Trouble) -> list[Interval]:
    if trouble.what in ("read-only", "failed"):
        return [(trouble.began_s - UNSYNCED_S, FOREVER)]
    if trouble.what in ("frozen", "slow", "full"):
        return [(trouble.began_s - 3, trouble.ended_s + WRITTEN_S)]
    return []


def _condemned(facts: Facts) -> Iterator[Interval]:
    """Return arrivals that people took off air, uncertain edges included."""
    delay_s = facts.evidence.delay_s
    begin_s: float | None = None
    marks: list[tuple[str, float, float, str]] = []
    for trouble in facts.troubles("disk"):  # the next gate cannot read its record: it may take it for a cut
        dead = [away.dead_s for away in facts.aways if away.dead_s > trouble.began_s]
        if trouble.what.startswith("state") and dead:
            marks.append(("cut", dead[0], dead[0], "done"))
    marks += [(one.verb, one.began_s, one.ended_s, one.outcome) for one in facts.orders("cut", "restore")]
    for verb, began_s, ended_s, outcome in sorted(marks, key=lambda mark: mark[1]):
        if verb == "cut" and outcome != "refused":
            begin_s = began_s if begin_s is None else begin_s
        elif verb == "restore" and begin_s is not None and outcome != "silent":
            yield begin_s - delay_s - EDGE_S, ended_s + EDGE_S
            begin_s = None
    if begin_s is not None:
        yield begin_s - delay_s - EDGE_S, FOREVER
    for dump in facts.orders("dump"):
        yield dump.began_s - dump.seconds - EDGE_S, dump.ended_s + EDGE_S
    stopped_s: float | None = None
    for order in facts.orders("stop", "start"):
        if order.verb == "stop" and order.outcome != "refused":
            stopped_s = order.began_s if stopped_s is None else stopped_s
        elif order.verb == "start" and order.outcome != "silent" and stopped_s is not None:
            yield stopped_s - delay_s - SETTLE_S, order.ended_s + SETTLE_S
            stopped_s = None
    if stopped_s is not None:
        yield stopped_s - delay_s - SETTLE_S, FOREVER


def _wishes(facts: Facts) -> list[Interval]:
    """Return times of air in which people wanted backup footage."""
    found: list[Interval] = []
    begin_s: float | None = None
    for order in facts.orders("backup", "live"):
        if order.verb == "backup" and order.outcome != "refused":
            begin_s = order.began_s if begin_s is None else begin_s
        elif order.outcome == "refused" and facts.may_be_cut(order.began_s):
            continue  # what was wanted before the cut is wanted after it
        elif order.verb == "live" and begin_s is not None and order.outcome != "silent":
            found.append((begin_s - EDGE_S, order.ended_s + facts.evidence.gop_s + SETTLE_S))
            begin_s = None
    if begin_s is not None:
        found.append((begin_s - EDGE_S, FOREVER))
    return found


def undisturbed(facts: Facts, *, recording: bool) -> Iterator[Message]:
    """Return the pictures that must air (or be recorded): from a keyframe on, until something disturbs."""
    times = disturbances(facts)
    delay_s = facts.evidence.delay_s
    for connection, group in facts.groups():
        closed_s = FOREVER if connection.closed_s is None else connection.closed_s
        for message in group:
            at_s = message.last_s
            if at_s > closed_s - EDGE_S:
                break
            if recording:
                if inside(at_s, times.recording) or at_s > facts.evidence.ended_s - SETTLE_S:
                    break
            elif (
                inside(at_s, times.arrivals)
                or inside(at_s + delay_s, times.air)
                or at_s + delay_s > facts.evidence.ended_s - SETTLE_S
            ):
                break
            yield message


def unaired(facts: Facts, late_s: float) -> Iterator[tuple[float, str]]:
    """Find pictures that should have aired and did not, or late: one finding for each stretch of them."""
    left = {facts.arrivals[one.number].digest: one.left_s for one in facts.passages if one.kind == "video"}
    missing: list[float] = []
    late: list[tuple[float, float]] = []
    for message in undisturbed(facts, recording=False):
        due_s = message.last_s + facts.evidence.delay_s
        left_s = left.get(message.digest)
        if left_s is None:
            missing.append(due_s)
        elif left_s > due_s + late_s and not inside(left_s, facts.evidence.lags):
            late.append((due_s, left_s - due_s))
    for stretch in stretches(missing):
        text = f"{len(stretch)} live pictures due in these {stretch[-1] - stretch[0]:.1f} s never aired,"
        yield stretch[0], f"{text} and nothing had disturbed them"
    if late:
        yield (
            late[0][0],
            f"{len(late)} live pictures left late, by up to {max(by_s for _, by_s in late):.2f} s",
        )


def unrecorded(facts: Facts) -> Iterator[tuple[float, str]]:
    """Find pictures that came and are not in the archive; where the disk could not, a gap is."""
    archive = facts.evidence.archive
    missing = [
        message.last_s
        for message in undisturbed(facts, recording=True)
        if message.digest not in archive.digests
    ]
    for stretch in stretches(missing):
        yield (
            stretch[0],
            f"{len(stretch)} pictures that came in these {stretch[-1] - stretch[0]:.1f} s are not recorded",
        )
    disks = [one for one in facts.troubles("disk") if one.what in ("frozen", "slow", "full")]
    if any(one.what in ("read-only", "failed") for one in facts.troubles("disk")):
        return  # no gap can be written
    for disk in disks:
        within = (disk.began_s - 3, disk.ended_s + WRITTEN_S)
        aired = [
            one
            for one in facts.passages
            if inside(one.came_s, [within]) and facts.arrivals[one.number].digest not in archive.digests
        ]
        if len(aired) > archive.gap_packets:
            text = f"{len(aired)} packets aired that are not recorded while the disk was {disk.what},"
            yield disk.began_s, f"{text} and the gaps recorded are of {archive.gap_packets} packets"


def stretches(times: list[float]) -> list[list[float]]:
    """Split a list of times where they are over 1.5 s apart."""
    found: list[list[float]] = []
    for at_s in sorted(times):
        if found and at_s - found[-1][-1] < 1.5:
            found[-1].append(at_s)
        else:
            found.append([at_s])
    return found
