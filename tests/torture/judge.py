"""The rules: each a function from the facts of a round to its violations. None knows the gate's own code."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from torture.calm import stretches, unaired, unrecorded
from torture.evidence import Evidence, Order
from torture.facts import EDGE_S, Facts, Interval, inside, overlap
from torture.returns import find as find_returns

FLOOR_S = 30.0  # rule R1; nothing lowers it
HOLE_S = 1.0  # without a picture, while on air
DISK_HOLE_S = 0.5  # the same while only the disk is in trouble
START_S = 10.0  # from the first publish to the first picture: the slate is being made
RESTART_S = 5.0  # from `start`
AFTER_CUT_PICTURES = 1
ON_ITS_WAY_S = 0.25  # sockets and the reader: what left before a cut may be read so much later
ANSWER_S = 1.0
STATUS_S = 3.0
TELL_S = 12.0  # a disk in trouble for so long stands in the status
RUN_BACK_S = 10.0  # after `run/` was removed commands may fail for so long
LATE_S = 2.0
EXIT_S = 5.0
RETURN_S = 8.0  # the gate is back within 3 s, a keyframe comes every 2 s, and some


@dataclass(frozen=True)
class Violation:
    """`at_s`: seconds since the first publish."""

    rule: str
    at_s: float
    text: str

    def __str__(self) -> str:
        return f"{self.at_s:6.1f}  {self.rule}: {self.text}"


Found = Iterator[tuple[float, str]]  # CLOCK_MONOTONIC, text


def judge(evidence: Evidence) -> list[Violation]:
    """Return every violation of a round in order of time."""
    facts = Facts(evidence)
    found = [
        Violation(rule.__name__, at_s - evidence.began_s, " ".join(text.split())[:300])
        for rule in RULES
        for at_s, text in rule(facts)
    ]
    return sorted(found, key=lambda violation: violation.at_s)


# ------------------------------------------------------------ what airs


def floor(facts: Facts) -> Found:
    """No live packet leaves before it is 30 s old, and the channel's delay."""
    least_s = max(FLOOR_S, facts.evidence.delay_s)
    early = [one for one in facts.passages if one.left_s - one.came_s < least_s]
    if early:
        worst = min(early, key=lambda one: one.left_s - one.came_s)
        text = f"{len(early)} live packets left early, the youngest {worst.left_s - worst.came_s:.4f} s old"
        yield early[0].left_s, text


def condemned(facts: Facts) -> Found:
    """After a cut nothing live leaves; what came before its restore, or in a dump, never does."""
    for cut, end in facts.cuts():
        until_s = (facts.evidence.ended_s if end is None else end.began_s) + FLOOR_S
        after = [
            one
            for one in facts.passages
            if one.kind == "video" and cut.ended_s < _left(facts, one.left_s) < until_s
        ]
        late = [one for one in after if _left(facts, one.left_s) > cut.ended_s + ON_ITS_WAY_S]
        if late or len(after) > AFTER_CUT_PICTURES:
            last_s = after[-1].left_s - cut.ended_s
            yield (
                after[0].left_s,
                f"{len(after)} live pictures after a cut was answered, the last {last_s:.2f} s after",
            )
        if end is not None and end.verb == "restore":
            yield from _never(facts, (0.0, facts.surely_before(end.began_s)), cut.ended_s, "cut")
    for dump in facts.orders("dump"):
        if dump.outcome == "done":
            span = (dump.ended_s - dump.seconds, facts.surely_before(dump.began_s))
            yield from _never(facts, span, dump.ended_s, "dump")
    for stop in facts.orders("stop"):
        if stop.outcome == "done":
            yield from _never(facts, (0.0, facts.surely_before(stop.began_s)), stop.ended_s, "stop")


def _never(facts: Facts, span: Interval, after_s: float, why: str) -> Found:
    """What came within `span` does not leave after `after_s`."""
    bad = [
        one
        for one in facts.passages
        if span[0] < one.came_s < span[1] and _left(facts, one.left_s) > after_s + ON_ITS_WAY_S
    ]
    if bad:
        when = f"the first came {bad[0].came_s - after_s:+.2f} s from its answer"
        yield bad[0].left_s, f"{len(bad)} packets left that a {why} had condemned; {when}"


def _left(facts: Facts, read_s: float) -> float:
    """Return when a packet read at `read_s` may have left, given that the reader itself was late at times."""
    return min((begin for begin, end in facts.evidence.lags if begin <= read_s <= end + 0.05), default=read_s)


def once(facts: Facts) -> Found:
    """No live packet leaves twice, and they leave in the order in which they came."""
    for kind in ("video", "audio"):
        last = -1
        seen: Counter[int] = Counter()
        again: list[float] = []
        back: list[float] = []
        for one in facts.passages:
            if one.kind == kind:
                if one.number in seen:
                    if seen[one.number] >= facts.times_sent(one.number):
                        again.append(one.left_s)
                elif one.number < last:
                    back.append(one.left_s)
                seen[one.number] += 1
                last = max(last, one.number)
        for times, how in ((again, "a second time"), (back, "out of order")):
            for stretch in stretches(times):
                lasted = f"in these {stretch[-1] - stretch[0]:.1f} s"
                yield stretch[0], f"{len(stretch)} {kind} packets left {how} {lasted}"


def program(facts: Facts) -> Found:
    """While on air the platform gets pictures without a hole, except where the gate could not run."""
    excuses = facts.excuses + facts.evidence.lags
    for index, (begin_s, end_s) in enumerate(facts.windows()):
        times = [message.first_s for message in facts.pictures if begin_s <= message.first_s <= end_s]
        before_s = begin_s
        for number, at_s in enumerate([*times, end_s]):
            bound_s = _hole_bound(facts, (before_s, at_s))
            if number == 0:
                bound_s = START_S if index == 0 else RESTART_S
            hole_s = at_s - before_s - overlap((before_s, at_s), excuses) - facts.lead_s(before_s)
            if hole_s > bound_s:
                yield (
                    before_s,
                    f"no picture for {at_s - before_s:.2f} s, {hole_s:.2f} s of it without an excuse",
                )
            before_s = at_s


def _hole_bound(facts: Facts, hole: Interval) -> float:
    disks = [(one.began_s, one.ended_s + 2) for one in facts.troubles("disk")]
    others = [(one.began_s, one.ended_s + 5) for one in facts.evidence.troubles if one.kind != "disk"]
    delay_s = facts.evidence.delay_s  # the encoder's own hole airs so much later
    others += [(one.began_s + delay_s, one.ended_s + delay_s + 5) for one in facts.troubles("encoder")]
    return DISK_HOLE_S if overlap(hole, disks) and not overlap(hole, others) else HOLE_S


def connection(facts: Facts) -> Found:
    """The platform gets a new connection only after the gate died, the platform broke it, or a start."""
    allowed = [facts.stretch(away.dead_s, away.back_s + 2) for away in facts.aways]
    allowed += [facts.stretch(one.began_s, one.ended_s + 6) for one in facts.troubles("platform")]
    stops = facts.orders("stop")
    allowed += [(one.began_s, one.ended_s + RESTART_S) for one in facts.orders("start")]
    if stops:  # an encoder that comes back may begin a broadcast, too
        published = [
            min((message.first_s for message in one.messages), default=one.opened_s)
            for one in facts.evidence.encoder
        ]
        allowed += [(at_s, at_s + RESTART_S) for at_s in published if at_s > stops[0].began_s]
    for one in facts.evidence.platform[1:]:
        if not inside(one.opened_s, allowed):
            yield one.opened_s, "a new connection to the platform without a cause"


def timestamps(facts: Facts) -> Found:
    """Within a connection the DTS of pictures and of sound rise."""
    for one in facts.evidence.platform:
        for kind in ("video", "audio"):
            last = None
            for message in one.messages:
                if message.kind == kind:
                    if last is not None and message.dts <= last:
                        yield message.first_s, f"{kind} DTS {message.dts} after {last}"
                    last = message.dts


def decodes(facts: Facts) -> Found:
    """What the platform recorded decodes without a complaint."""
    for error in facts.evidence.decode_errors:
        yield facts.evidence.ended_s, error


def calm(facts: Facts) -> Found:
    """What came in and was disturbed by nothing airs, on time: live returns by itself."""
    yield from unaired(facts, LATE_S)


def returns(facts: Facts) -> Found:
    """Live is back soon when nothing but the gate died: what it held comes back from the recording."""
    for one in find_returns([facts.evidence]):
        late = one.back_s is None or one.back_s > RETURN_S
        if one.quiet and late and not overlap((one.dead_s, one.dead_s + RETURN_S), facts.evidence.lags):
            after = "was not seen again" if one.back_s is None else f"came back {one.back_s:.1f} s after it"
            yield one.dead_s, f"only the gate died, and live {after}"


# ------------------------------------------------------------ commands, archive, end


def answers(facts: Facts) -> Found:
    """A command is answered within a second unless the gate cannot run; nothing answered is forgotten."""
    excuses = facts.excuses + facts.evidence.lags
    removed = [
        (one.began_s, one.ended_s + RUN_BACK_S) for one in facts.troubles("disk") if one.what == "run removed"
    ]
    unanswered: list[Order] = []
    for order in facts.evidence.orders:
        took = (order.began_s, order.ended_s)
        waited_s = order.ended_s - order.began_s - order.starved_s - overlap(took, excuses)
        if order.outcome == "silent":
            if not overlap(took, excuses + removed):
                unanswered.append(order)
        elif waited_s > ANSWER_S:
            yield order.began_s, f"{order.verb} was answered after {order.ended_s - order.began_s:.2f} s"
    for _, again in groupby(unanswered, lambda order: order.verb):
        orders = list(again)
        tried = f"{orders[0].verb} was not answered, {len(orders)} times"
        yield (
            orders[0].began_s,
            f"{tried} until {orders[-1].ended_s - orders[0].began_s:.1f} s: {orders[0].said[:90]}",
        )
    yield from _forgotten(facts)


def _forgotten(facts: Facts) -> Found:
    asked: dict[str, Order] = {}
    for order in facts.orders("cut", "restore", "backup", "live", "stop"):
        before = {"restore": "cut", "live": "backup"}.get(order.verb, "")
        cut = order.verb == "live" and facts.may_be_cut(order.began_s)  # rightly refused
        if before in asked and order.outcome == "refused" and not cut:
            yield order.began_s, f"the gate forgot a {before}: {order.said[-160:]}"
        if order.verb == "stop":
            asked.clear()
        if not cut:
            asked.pop(before, None)
        if order.verb in ("cut", "backup") and order.outcome == "done":
            asked[order.verb] = order


def archive(facts: Facts) -> Found:
    """What came in is in the archive, or a gap is recorded; its files decode."""
    yield from unrecorded(facts)
    errors = facts.evidence.archive.errors
    if errors:
        files = facts.evidence.archive.files
        yield facts.evidence.ended_s, f"{len(errors)} of {files} files do not decode; the first: {errors[0]}"


def record(facts: Facts) -> Found:
    """The directory is proven; certificate and edit list are whole, what aired is recorded.

    A disk that was bad may cost packets and lines; then too the directory is proven, and tells what is lost.
    """
    evidence = facts.evidence
    found = evidence.record
    if found is None:
        return
    if found.verify_code:
        yield evidence.ended_s, f"verify ended with {found.verify_code}: {found.verify_said}"
    if found.copy_code:
        yield evidence.ended_s, f"verify of the second copy ended with {found.copy_code}: {found.copy_said}"
    if found.below_floor:
        yield evidence.ended_s, f"by the edit lists {found.below_floor} packets left below the floor"
    if facts.troubles("disk"):
        return
    for error in found.errors:
        yield evidence.ended_s, f"certificate or rendering failed: {error}"
    if found.missing or found.lost:
        text = f"{found.missing} packets that aired are missing, {found.lost} places are lost"
        yield evidence.ended_s, f"by the edit lists {text}"
    died = [away for away in facts.aways if inside(away.dead_s, facts.windows())]
    if died and not found.kills:
        yield died[0].dead_s, "the gate died on air and no certificate says so"


def proofs(facts: Facts) -> Found:
    """While it is written to, and whoever was killed, the directory is proven or told as open: no alarm."""
    for proof in facts.evidence.proofs:
        if proof.code:
            yield proof.began_s, f"verify of the live directory ended with {proof.code}: {proof.said}"


def tells(facts: Facts) -> Found:
    """`status` answers at the end, and while the disk is in trouble it says so."""
    evidence = facts.evidence
    for look in evidence.looks:
        last = look.began_s > evidence.ended_s - 30 and look is evidence.looks[-1]
        if not look.channel:
            if last or not inside(look.began_s, facts.excuses):
                yield look.began_s, f"status was not answered: {look.said[-160:]}"
            continue
        troubled = [
            one for one in facts.troubles("disk") if one.what in ("frozen", "full", "read-only", "failed")
        ]
        long = [one for one in troubled if one.began_s + TELL_S < look.began_s and look.ended_s < one.ended_s]
        quiet = look.channel["archive"]["state"] in ("ok", "idle") and not look.channel["warnings"]
        if long and quiet and look.channel["ingest"]["connected"]:
            age_s = look.began_s - long[0].began_s
            yield look.began_s, f"the disk is {long[0].what} for {age_s:.0f} s and status says nothing of it"
    if evidence.looks:
        asked = (evidence.looks[-1].began_s, evidence.looks[-1].ended_s)
        if asked[1] - asked[0] - overlap(asked, evidence.lags) > STATUS_S:
            yield asked[0], f"status was answered after {asked[1] - asked[0]:.1f} s"
    else:
        yield evidence.ended_s, "status was never asked"


def ends(facts: Facts) -> Found:
    """SIGTERM ends `serve` with 0 within 5 s."""
    evidence = facts.evidence
    if evidence.exit_code == -1:
        yield evidence.ended_s, "serve had ended by itself"
    elif evidence.exit_code != 0 or evidence.exit_took_s > EXIT_S:
        yield evidence.ended_s, f"serve ended with {evidence.exit_code} after {evidence.exit_took_s:.1f} s"


RULES: tuple[Callable[[Facts], Found], ...] = (
    floor,
    condemned,
    once,
    program,
    connection,
    timestamps,
    decodes,
    calm,
    returns,
    answers,
    archive,
    record,
    proofs,
    tells,
    ends,
)
__all__ = ["EDGE_S", "RULES", "Violation", "judge"]
