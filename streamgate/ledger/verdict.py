"""Results of a check of the ledger: a verdict, what is bad, who signed, what the next check may know."""

import msgspec

from streamgate.ledger.known import Known


class Finding(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """A record that is not what it must be. `line` counts from 1; 0: the file as a whole.

    `broadcast`: that it belongs to, where that is known.
    """

    file: str
    line: int
    why: str
    broadcast: str = ""


class Signed(msgspec.Struct, frozen=True):
    """A public key (hex) that signed, in how many files its signature holds, and when the newest was made."""

    key: str
    files: int
    until: float


class Verdict(msgspec.Struct, frozen=True):
    """What `streamgate verify --json` prints. `signed`: by which keys; more than one is worth a question."""

    ok: bool
    records: int
    files: int
    first_bad: Finding | None
    signed: list[Signed] = []


class Proof(msgspec.Struct, frozen=True):
    """A verdict, and `until` when all is whole: wall clock of a record, or of a day's beginning (s).

    `until` None: nothing is proven. `known`: for the next check; None where there was something bad.
    `read`: how many records were read, rather than known from the check before.
    """

    verdict: Verdict
    until: float | None
    known: Known | None
    read: int
