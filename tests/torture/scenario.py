"""A random script of acts for one round, from a seed. Pure: the same seed gives the same script."""

import random
import re
from dataclasses import dataclass

FILL_S = 33.0  # from the first publish until live is on air
CALM_S = 44.0  # after the last act: a delay, a group of pictures, the restart of what died, a margin
LENGTH_S = 165.0
RECORD_S = 125.0  # of a round of kills of everybody who writes
KILLS_S = 225.0  # of a round of kills; the clip lasts for so long


@dataclass(frozen=True)
class Act:
    """One act at `at_s` seconds after the first publish. It lasts `seconds` (0: an instant).

    `kind`, `what`: as in `evidence.Trouble`; kind "prove": the directory is verified; kind "order": `what` is
    a command's name, `seconds` the argument of a dump. A killed supervisor is followed by `serve` again after
    `seconds`.
    """

    at_s: float
    kind: str
    what: str
    seconds: float = 0.0

    @property
    def end_s(self) -> float:
        return self.at_s + (0.0 if self.kind == "order" else self.seconds)

    def __str__(self) -> str:
        last = f" {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at_s:6.1f}  {self.kind} {self.what}{last}"


@dataclass(frozen=True)
class Script:
    """What happens in one round. `peers`: bad destinations beside the good one. `length_s`: until SIGTERM."""

    seed: int
    delay_s: float
    peers: tuple[str, ...]
    acts: tuple[Act, ...]
    length_s: float

    def __str__(self) -> str:
        head = f"seed {self.seed}: {self.length_s:.0f} s, delay {self.delay_s:g} s"
        head += f", bad destinations: {', '.join(self.peers) or 'none'}"
        return "\n".join([head, *(f"  {act}" for act in self.acts)])


PEERS = ("refusing", "silent", "closing", "unresolvable", "pinging", "deaf")
PROCESSES = ("gate", "ingest", "console", "supervisor")
_KILLS = ("gate", "gate", "ingest", "console", "supervisor", "gate+ingest", "gate+console")
_KILLS += ("gate+supervisor", "supervisor+console", "gate+ingest+console+supervisor")
_FREEZES = ("gate", "ingest", "console", "supervisor", "all", "all", "gate+supervisor")
_DISKS = ("frozen", "frozen", "slow", "full", "run removed", "state broken", "state cut")
_LAST_DISKS = ("read-only", "failed")  # not mended before the end of the round
_FLOODS = ("acknowledgements", "connects", "wrong keys", "wrong keys beside the encoder")
_ENCODER = ("lost", "other", "twice")
_WRITERS = ("gate", "gate", "gate", "console", "comments", "copy", "ingest", "gate+console+comments+copy")
_WRITERS_DISKS = ("full", "slow", "frozen", "full")
_STEPS = ("+3600", "-3600", "+1", "-1", "+259200", "-600", "+6912000")  # seconds; the last are 80 days
KINDS = ("kill", "freeze", "disk", "flood", "peer", "encoder", "order", "platform")
_WEIGHTS = (5, 5, 5, 3, 2, 2, 4, 1)


_HEAD = re.compile(r"seed (\d+): (\d+) s, delay (\S+) s, bad destinations: (.*)")
_ACT = re.compile(r"\s*([0-9.]+)  (\w+) (.*?)(?: ([0-9.]+) s)?")


def parse(text: str) -> Script:
    """Return a script from its printed form (`str(script)`). ValueError names a line that is none."""
    head, *lines = [line for line in text.splitlines() if line.strip()]
    if (found := _HEAD.fullmatch(head)) is None:
        raise ValueError(f"{head!r} is not the first line of a script: seed 1: 165 s, delay 30 s, ...")
    seed, length_s, delay_s, names = found.groups()
    acts = []
    for line in lines:
        if (found := _ACT.fullmatch(line)) is None:
            raise ValueError(f"{line!r} is no act: '  45.0  disk frozen 6.0 s'")
        at_s, kind, what, seconds = found.groups()
        acts.append(Act(float(at_s), kind, what, float(seconds or 0)))
    peers = () if names == "none" else tuple(names.split(", "))
    return Script(int(seed), float(delay_s), peers, tuple(acts), float(length_s))


SHORT = Script(
    seed=0,
    delay_s=30.0,
    peers=("pinging", "unresolvable"),
    acts=(
        Act(4, "freeze", "all", 5.0),
        Act(14, "kill", "console"),
        Act(18, "flood", "acknowledgements", 8.0),
        Act(28, "peer", "pinging", 4.0),
        Act(45, "disk", "frozen", 6.0),
        Act(47, "order", "cut"),
        Act(53, "order", "restore"),
        Act(60, "kill", "gate"),
    ),
    length_s=112.0,
)
"""The round that `make test` runs: one of each kind, by hand."""


def make(seed: int, *, disk: bool = True, length_s: float = LENGTH_S) -> Script:
    """Return the script of a seed. `disk`: the machine lets the data directory have a disk of its own."""
    dice = random.Random(seed)
    peers = tuple(dice.sample(PEERS, dice.choice((0, 1, 2, 3))))
    acts: list[Act] = []
    at = dice.uniform(4, FILL_S + 8)
    fresh = True  # the disk still can be read and written
    failed = False  # it answers every call with an error
    ended = False  # serve has been ended and begun anew
    hung_up = False
    alone = dice.random() < 0.35  # one thing at a time: what the table is measured from
    rest = dice.choice((0.5, 1.0, 3.0))  # in a calm round live is on air more often
    while at < length_s - CALM_S:
        kind = dice.choices(KINDS, _WEIGHTS)[0]
        made: list[Act] = []
        if kind == "kill":
            what = dice.choice(_KILLS)
            dead_s = dice.choice((0.5, 2.0, 4.0, 8.0)) if "supervisor" in what else 0.0
            if dead_s and (ended or failed):  # a new `serve` must be able to read its settings
                at += 0.5
                continue
            ended = ended or bool(dead_s)
            made = [Act(at, "kill", what, dead_s)]
            if "console" in what and dead_s and dice.random() < 0.6:
                made.insert(0, Act(at, "port", "console", dead_s + dice.uniform(4, 12)))
        elif kind == "freeze":
            what = dice.choice(_FREEZES)
            made = [Act(at, "freeze", what, dice.choice((0.2, 1.0, 2.5, 3.5, 5.0, 9.0, 20.0, 45.0)))]
        elif kind == "disk" and disk and fresh:
            if dice.random() < 0.25:
                what = dice.choice(_LAST_DISKS)
                if what == "failed" and any(one.kind == "kill" and one.end_s + 8 > at for one in acts):
                    at += 0.5
                    continue
                made = [Act(at, "disk", what)]
                fresh, failed = False, what == "failed"
            else:
                what = dice.choice(_DISKS)
                lasts = (
                    dice.choice((0.5, 2.5, 5.0, 9.0, 20.0, 40.0)) if what in ("frozen", "slow", "full") else 0
                )
                made = [Act(at, "disk", what, lasts)]
                if what == "state broken":  # read by the next gate only, which may take it for a cut
                    made += [Act(at + 0.3, "kill", "gate"), Act(at + 6, "order", "restore")]
        elif kind == "flood":
            made = [Act(at, "flood", dice.choice(_FLOODS), dice.choice((4.0, 12.0)))]
        elif kind == "peer" and set(peers) & {"pinging", "deaf"}:
            what = dice.choice(sorted(set(peers) & {"pinging", "deaf"}))
            made = [Act(at, "peer", what, dice.choice((4.0, 10.0)))]
        elif kind == "encoder":
            what = dice.choice(_ENCODER)
            made = [Act(at, "encoder", what, dice.choice((1.0, 4.0, 12.0)) if what == "lost" else 0)]
        elif kind == "platform" and not hung_up:
            hung_up = True  # again and again, and the gate would rightly wait for longer each time
            made = [Act(at, "platform", "hang up")]
        elif kind == "order":
            made = _orders(dice, at)
        if not made or max(act.end_s for act in made) > length_s - CALM_S:
            at += 0.5
            continue
        acts += made
        if alone:
            at = max(act.end_s for act in made) + dice.uniform(9, 40)
            continue
        # sometimes the next act comes into the middle of this one
        over = max(act.end_s for act in made) if dice.random() < 0.7 else at
        at = over + dice.choice((0.5, 2.0, 6.0, 14.0)) * dice.uniform(0.5, 1.5) * rest
        if dice.random() < 0.25:  # a cut in the middle of trouble: the case that matters most
            when = at - 0.3 if over == at else dice.uniform(made[-1].at_s, over)
            back = when + dice.uniform(3, 12)
            if back < length_s - CALM_S:
                acts += [Act(when, "order", "cut"), Act(back, "order", "restore")]
    acts.sort(key=lambda act: act.at_s)
    return Script(seed, 30.0, peers, tuple(_sane(acts)), length_s)


def kills(seed: int) -> Script:
    """Return a script that kills the gate again and again: mostly a delay apart, some close together.

    In half of the rounds people give commands, and other processes die as well.
    """
    dice = random.Random(seed)
    busy = dice.random() < 0.5
    acts: list[Act] = []
    at = FILL_S + dice.uniform(2, 6)
    while at < KILLS_S - 12:
        acts.append(Act(at, "kill", "gate"))
        if busy and dice.random() < 0.6:
            acts += _orders(
                dice, at + dice.choice((-6, -1.5, -0.2, 0.4, 1.5, 5, 15)) * dice.uniform(0.7, 1.3)
            )
        if busy and dice.random() < 0.2:
            acts.append(Act(at + dice.uniform(-8, 8), "kill", dice.choice(("ingest", "console"))))
        at += dice.uniform(6, 20) if dice.random() < 0.15 else dice.uniform(36, 42)
    acts.sort(key=lambda act: act.at_s)
    kept = [act for act in _sane(acts) if act.end_s < KILLS_S - 10]
    return Script(seed, 30.0, (), tuple(kept), KILLS_S)


def record(seed: int, *, disk: bool = True) -> Script:
    """Return a script that kills each process that writes, again and again, and proves the directory after.

    Beside it the disk fills up or slows down, and the wall clock steps: of each at most one at a time.
    """
    dice = random.Random(seed)
    acts: list[Act] = []
    at = dice.uniform(6, 9)
    gate_at = 0.0  # when the gate died last: it is back before it dies again
    troubles = [("clock", what) for what in _STEPS] + [("disk", what) for what in _WRITERS_DISKS if disk]
    dice.shuffle(troubles)
    while at < RECORD_S - CALM_S:
        what = dice.choice(_WRITERS)
        if "gate" in what and at < gate_at + 8:
            what = dice.choice(("console", "comments", "copy", "console+comments+copy"))
        gate_at = at if "gate" in what else gate_at
        acts.append(Act(at, "kill", what))
        acts.append(Act(at + dice.choice((0.1, 0.6, 2.0)), "prove", "directory"))
        if troubles and dice.random() < 0.35 and all(act.end_s < at for act in acts[:-2]):
            kind, how = troubles.pop()
            lasts = dice.choice((4.0, 8.0)) if kind == "disk" else 0.0
            if at + lasts < RECORD_S - CALM_S:
                acts.append(Act(at + dice.uniform(-1, 1), kind, how, lasts))
        orders = _orders(dice, at + 1)
        if dice.random() < 0.2 and orders[-1].at_s < RECORD_S - CALM_S:
            acts += orders
        at += dice.uniform(2.5, 6)
    acts.sort(key=lambda act: act.at_s)
    return Script(seed, 30.0, (), tuple(_sane(acts)), RECORD_S)


def _orders(dice: random.Random, at: float) -> list[Act]:
    what = dice.choice(("cut", "cut", "dump", "backup", "stop"))
    later = at + dice.uniform(2, 10)
    match what:
        case "cut":
            return [Act(at, "order", "cut"), Act(later, "order", "restore")]
        case "dump":
            return [Act(at, "order", "dump", dice.choice((3.0, 10.0, 25.0)))]
        case "backup":
            return [Act(at, "order", "backup"), Act(later, "order", "live")]
        case _:
            return [Act(at, "order", "stop"), Act(later, "order", "start")]


def _sane(acts: list[Act]) -> list[Act]:
    """Drop orders that would be refused because of one another: cut, backup and stop do not overlap.

    A restore without a cut is kept where the state file was broken: the next gate may take that for a cut.
    """
    ends = {"cut": "restore", "backup": "live", "stop": "start"}
    kept: list[Act] = []
    open_until = ""
    broken = False
    for act in acts:
        broken = broken or act.what == "state broken"
        if act.kind != "order" or act.what == "dump":
            kept.append(act)
        elif act.what in ends:
            if not open_until:
                open_until = ends[act.what]
                kept.append(act)
        elif act.what == open_until or (act.what == "restore" and broken and not open_until):
            open_until, broken = "", False
            kept.append(act)
    return kept
