"""What was seen and done in one round. The judge reads this and nothing else.

All times are CLOCK_MONOTONIC in seconds. `encoder` is the wire between encoder and gate, `platform` the one
between gate and platform.
"""

import dataclasses
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.rtmpwire import Message


@dataclass
class Connection:
    """One RTMP connection and the messages its client sent."""

    opened_s: float
    closed_s: float | None = None
    messages: list[Message] = field(default_factory=list)


@dataclass(frozen=True)
class Order:
    """One run of a command: from its start to its answer.

    `outcome`: "done"; "refused" (the gate answered that it may not be); "silent" (the gate did not answer).
    `seconds`: of a dump. `starved_s`: how long the command's own process waited for a processor.
    """

    verb: str
    began_s: float
    ended_s: float
    outcome: str
    said: str = ""
    seconds: float = 0
    starved_s: float = 0


@dataclass(frozen=True)
class Trouble:
    """Something done to the machine, the processes or the peers, from `began_s` to `ended_s`.

    `kind` and `what`:
      kill      `what` names the processes, joined by "+"; the instant of the signal
      serve     `serve` was run again; until it was up
      freeze    SIGSTOP to SIGCONT; `what` as for kill, or "all"
      disk      "frozen", "slow", "full", "read-only", "failed", "run removed", "state broken", "state cut"
      flood     what a stranger did to the RTMP port
      peer      what a bad destination beside the good one did
      platform  the good platform's connection broke
      encoder   "lost", "back", "other", "twice": what the encoder did
      port      another program held the console's port
      clock     `what`: by how many seconds the wall clock is off from then on
    """

    kind: str
    what: str
    began_s: float
    ended_s: float

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.what.split("+"))

    def hits(self, name: str) -> bool:
        return name in self.names or "all" in self.names


@dataclass(frozen=True)
class Look:
    """One `status --json`. `channel`: the channel's part of it; empty: no answer, `said` tells why."""

    began_s: float
    ended_s: float
    channel: dict[str, Any]
    said: str = ""


@dataclass(frozen=True)
class Proof:
    """One `verify` of the directory while it is written to. `code`: its exit code; `said`: the first finding.

    `remarks`: how many places are told as open or lost.
    """

    began_s: float
    ended_s: float
    code: int
    said: str = ""
    remarks: int = 0


@dataclass
class Archive:
    """What the recordings hold: digests of payloads, packets in gap records, what does not decode."""

    digests: set[str] = field(default_factory=set)
    files: int = 0
    gap_packets: int = 0
    gaps: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass
class Record:
    """What verify, certificate and render said of the data directory at the end, and verify of its copy.

    `below_floor`: live packets; `missing`: packets that aired and that nothing holds; `kills`: times between
    two gate processes; `lost`: places where an edit list is not whole.
    """

    verify_code: int = 0
    verify_said: str = ""
    below_floor: int = 0
    missing: int = 0
    kills: int = 0
    lost: int = 0
    errors: list[str] = field(default_factory=list)
    copy_code: int = 0
    copy_said: str = ""


@dataclass
class Evidence:
    """All of one round. `lags`: (from, until) when the observer itself was late: nothing there proves a hole.

    `gop_s`: the longest distance of two keyframes. `ended_s`: when SIGTERM was sent.
    """

    seed: int
    delay_s: float
    gop_s: float
    began_s: float
    ended_s: float
    encoder: list[Connection]
    platform: list[Connection]
    orders: list[Order]
    troubles: list[Trouble]
    looks: list[Look]
    lags: list[tuple[float, float]]
    archive: Archive
    decode_errors: list[str]
    exit_code: int
    exit_took_s: float
    journal: list[str] = field(default_factory=list)
    load: float = 0.0
    record: Record | None = None
    proofs: list[Proof] = field(default_factory=list)

    def save(self, path: Path) -> None:
        plain = dataclasses.asdict(self)
        plain["archive"]["digests"] = sorted(self.archive.digests)
        with gzip.open(path, "wt") as file:
            json.dump(plain, file)


def load(path: Path) -> Evidence:
    """Read what `Evidence.save` wrote."""
    with gzip.open(path, "rt") as file:
        plain = json.load(file)
    for wire in ("encoder", "platform"):
        plain[wire] = [
            Connection(one["opened_s"], one["closed_s"], [Message(**message) for message in one["messages"]])
            for one in plain[wire]
        ]
    plain["orders"] = [Order(**one) for one in plain["orders"]]
    plain["troubles"] = [Trouble(**one) for one in plain["troubles"]]
    plain["looks"] = [Look(**one) for one in plain["looks"]]
    plain["proofs"] = [Proof(**one) for one in plain.get("proofs", ())]
    plain["lags"] = [(begin, end) for begin, end in plain["lags"]]
    plain["archive"] = Archive(**{**plain["archive"], "digests": set(plain["archive"]["digests"])})
    plain["record"] = Record(**plain["record"]) if plain.get("record") else None
    return Evidence(**plain)
