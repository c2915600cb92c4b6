"""People decide while gate and console are killed: what was answered to a person stands in the ledger.

    PYTHONPATH=tests python -m torture.decisions [--kills 200] [--seed N]

Five people with sessions work over HTTP: directors and operators command a channel, each decision with a
reason of its own; an administrator invites people. At random times the gate, the console or both get SIGKILL.
At the end the ledger is verified, and every decision that was answered must be in it once, with the name of
who gave it.
"""

import argparse
import http.client
import json
import random
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.people import Person, sign_in
from tools.serve import Gate

CHANNEL = "main"
PEOPLE = {
    "ann": ("director",),
    "ben": ("director",),
    "cyn": ("operator",),
    "dai": ("operator",),
    "eve": ("administrator",),
}
INVITE = "invite"
INVITED: dict[str, Any] = {"roles": ["reviewer"]}
_VERBS = {
    "director": ("cut", "restore", "dump", "start", "stop"),
    "operator": ("cut", "dump", "restore"),
    "administrator": (INVITE, "cut", "restore"),
}
_PAUSE_S = (0.01, 0.15)  # of a person between two decisions
_ALIVE_S = (0.3, 1.6)  # of the processes between two kills
_BACK_S = 30.0


@dataclass(frozen=True)
class Decision:
    """What was asked for and answered. `status`: 200 done, 202 waits, 403 and 409 refused.

    `reason`: what it is known by in the ledger; of an invitation the name of who is invited.
    """

    who: str
    verb: str
    reason: str
    status: int


@dataclass
class Seen:
    """One run. `missing`, `twice`, `foreign`: not in the ledger, more than once, or of another name."""

    kills: Counter[str] = field(default_factory=Counter)
    answered: list[Decision] = field(default_factory=list)
    unanswered: int = 0
    missing: list[Decision] = field(default_factory=list)
    twice: list[Decision] = field(default_factory=list)
    foreign: list[Decision] = field(default_factory=list)
    verdict: str = ""
    records: int = 0

    @property
    def ok(self) -> bool:
        return self.verdict == "proven" and not self.missing and not self.twice and not self.foreign


class Desk:
    """One person with a session who decides, again and again, and notes what was answered."""

    def __init__(self, gate: Gate, person: Person, role: str, seed: int, ending: threading.Event) -> None:
        self._gate, self._name, self._ending = gate, person.name, ending
        self._cookie = "=".join(sign_in(gate.page_url.rstrip("/"), person))
        self._verbs = _VERBS[role]
        self._dice = random.Random(seed)
        self.answered: list[Decision] = []
        self.unanswered = 0
        self.thread = threading.Thread(target=self._work, name=person.name, daemon=True)

    def _work(self) -> None:
        number = 0
        while not self._ending.wait(self._dice.uniform(*_PAUSE_S)):
            number += 1
            verb, reason = self._dice.choice(self._verbs), f"{self._name} says {number}"
            try:
                status = self._ask(verb, reason)
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
                continue
            if status >= 500:  # the gate was gone, and the console said so
                self.unanswered += 1
            else:
                self.answered.append(Decision(self._name, verb, reason, status))

    def _ask(self, verb: str, reason: str) -> int:
        web = http.client.HTTPConnection("127.0.0.1", self._gate.console, timeout=5)
        try:
            headers = {"Cookie": self._cookie, "Content-Type": "application/json"}
            path, body = f"channels/{CHANNEL}/{verb}", {"reason": reason}
            if verb == INVITE:
                path, body = "invitations", INVITED | {"username": reason}
            web.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
            answer = web.getresponse()
            answer.read()
            return answer.status
        finally:
            web.close()


def run(directory: Path, kills: int, seed: int) -> Seen:
    """Let people decide until `kills` kills are done; return what was found in the ledger."""
    dice = random.Random(seed)
    seen = Seen()
    gate = Gate(directory / "data")
    gate.add(CHANNEL)
    people = {gate.person(name, *roles): roles[0] for name, roles in PEOPLE.items()}
    gate.start()
    ending = threading.Event()
    try:
        desks = [
            Desk(gate, person, role, seed + number, ending)
            for number, (person, role) in enumerate(people.items())
        ]
        for desk in desks:
            desk.thread.start()
        for _ in range(kills):
            time.sleep(dice.uniform(*_ALIVE_S))
            names = dice.choice((("gate",), ("console",), ("gate", "console")))
            for name in names:
                gate.kill(name)
            seen.kills["+".join(names)] += 1
            _wait_healthy(gate)
        time.sleep(1)
        ending.set()
        for desk in desks:
            desk.thread.join(20)
            seen.answered += desk.answered
            seen.unanswered += desk.unanswered
    finally:
        ending.set()
        gate.stop()
    judge(gate, seen)
    return seen


def _wait_healthy(gate: Gate) -> None:
    end_s = time.monotonic() + _BACK_S
    while gate.health(1)[0] != 200:
        if time.monotonic() > end_s:
            raise RuntimeError(f"not healthy {_BACK_S:.0f} s after a kill: {gate.health()}")
        time.sleep(0.05)


def judge(gate: Gate, seen: Seen) -> None:
    """Read the ledger's files as plain JSON lines, apart from streamgate's own reader."""
    key = str(gate.directory / "seal.pub")
    done = gate.command("verify", str(gate.directory), "--key", key, "--json", seconds=120)
    verdict = json.loads(done.out)
    seen.verdict = "proven" if done.code == 0 and verdict["ok"] else f"{done.code}: {verdict['first_bad']}"
    seen.records = verdict["records"]
    found: dict[str, list[str]] = {}
    for path in sorted((gate.directory / "ledger").rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            record: dict[str, Any] = json.loads(line)
            if reason := _reason(record):
                found.setdefault(reason, []).append(record["who"])
    for decision in seen.answered:
        names = found.get(decision.reason, [])
        if not names:
            seen.missing.append(decision)
        elif len(names) > 1:
            seen.twice.append(decision)
        elif names != [f"console:{decision.who}"]:
            seen.foreign.append(decision)


def _reason(record: dict[str, Any]) -> str:
    """Return what a decision or its refusal is known by: its reason, or who is invited."""
    if record.get("kind") not in ("command", "decision", "refusal"):
        return ""
    args = record.get("args") or {}
    return str(record.get("reason") or args.get("reason") or args.get("username") or "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m torture.decisions", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture-") as made:
        seen = run(Path(made), chosen.kills, chosen.seed)
    answers = Counter(decision.status for decision in seen.answered)
    print(f"seed {chosen.seed}: kills {dict(seen.kills)}")
    print(f"decisions answered {len(seen.answered)} {dict(answers)}, not answered {seen.unanswered}")
    print(f"ledger: {seen.records} records, {seen.verdict}")
    for name in ("missing", "twice", "foreign"):
        found: list[Decision] = getattr(seen, name)
        print(f"  {name}: {len(found)} {found[:3] or ''}")
    return 0 if seen.ok else 1


if __name__ == "__main__":
    sys.exit(main())
