"""What a check of a data directory comes to."""

import msgspec

from streamgate.archive.certificate import Certificate
from streamgate.ledger.verdict import Finding, Signed

MAX_TOLD = 100


class Missing(msgspec.Struct, frozen=True, omit_defaults=True, rename={"start": "from", "end": "to"}):
    """A file that the ledger names, that nobody removed, and that is not there. Wall clock, s."""

    file: str
    channel: str
    start: float
    end: float
    bytes: int
    broadcast: str = ""


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """What neither proves nor refutes anything: still open, lost as documented, or old."""

    file: str
    why: str
    broadcast: str = ""


class Certified(Certificate):
    """A certificate as it follows from the edit list. `proven`: nothing speaks against what it rests on.

    `recorded`: the ledger has the same one.
    """

    proven: bool = False
    recorded: bool = False


class Outcome(msgspec.Struct):
    """What `streamgate verify --json` prints; the first five members as of `ledger.verify.Verdict`.

    `bad`: how many findings there are, `findings`: the first of them. `parts`, `bytes`: that were hashed.
    `stamps`: time stamps (RFC 3161) that hold, `stamped`: when the newest was made.
    `open`: still being written, not in the ledger yet. `lost`: as the documents say it may be. `unproven`:
    older than the ledger's knowledge of the archive.
    """

    ok: bool
    records: int
    files: int
    first_bad: Finding | None
    signed: list[Signed]
    certificates: list[Certified]
    missing: list[Missing]
    bad: int
    findings: list[Finding]
    parts: int
    bytes: int
    stamps: int
    stamped: float | None
    open: list[Remark]
    lost: list[Remark]
    unproven: list[Remark]


class Notes:
    """Gathers findings and remarks while the check goes on, each once."""

    def __init__(self) -> None:
        self.findings: dict[Finding, None] = {}
        self.missing: dict[Missing, None] = {}
        self.open: dict[Remark, None] = {}
        self.lost: dict[Remark, None] = {}
        self.unproven: dict[Remark, None] = {}
        self.certificates: list[Certified] = []
        self.parts = 0

    def find(self, file: str, line: int, why: str, broadcast: str = "") -> None:
        self.findings[Finding(file, line, why, broadcast)] = None

    def told(self, remarks: dict[Remark, None]) -> list[Remark]:
        return list(remarks)[:MAX_TOLD]
