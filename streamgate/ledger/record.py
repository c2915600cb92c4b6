"""The kinds of records that stand in the ledger. Pure.

A record says `at` (wall clock, seconds since the epoch), `mono_us` (CLOCK_MONOTONIC, microseconds) and `boot`
(the machine's boot, which `mono_us` counts from); the writer fills the three in. Members that are empty are
left out of the line. Never put a secret into a record: no stream key, password, token or URL with a key.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec


class Record(msgspec.Struct, tag_field="kind", omit_defaults=True, kw_only=True):
    """Base of all records. A new kind is a subclass with a `tag` of its own; readers see it as a dict."""

    at: float = 0.0
    mono_us: int = 0
    boot: str = ""


class Personal(Record):
    """What somebody did: `who` ("console:alice", "cli:root"), in which `role`, `from` where (an address)."""

    who: str = ""
    role: str = ""
    from_: str = msgspec.field(default="", name="from")


# ---------------------------------------------------------------- decisions and facts


class Command(Personal, tag="command"):
    """A command with its exact arguments, and how it was answered. `error`: why it was refused, or failed."""

    channel: str = ""
    what: str = ""
    args: Mapping[str, Any] = {}
    reason: str = ""  # that the person gave
    answer: str = ""
    error: str = ""
    error_zh: str = ""  # the same in Chinese, where it is known
    latency_ms: float | None = None


class Notice(Record, tag="notice"):
    """Something that happened, as the operators' log tells it."""

    seq: int = 0
    channel: str = ""
    who: str = ""
    code: str = ""
    text: str = ""
    text_zh: str = ""
    level: Literal["info", "warning", "alarm"] = "info"


class Change(msgspec.Struct, omit_defaults=True):
    """A value that a decision changed. `old`, `new`: plain values, secrets redacted; left out: not there."""

    name: str
    old: Any = None
    new: Any = None


class Decision(Personal, tag="decision"):
    """What a person decided anywhere but on air: about people, tokens, channels, destinations, the database.

    `session`: beginning of the session's id. `what`: noun.verb, "person.invite". `answer`: "ok"; "stored"
    when the gate has not taken it over yet; else the code of the refusal, which `error` says in words.
    `times`: so many equal refusals are told by this one; left out: one.
    """

    session: str = ""
    channel: str = ""
    what: str = ""
    args: Mapping[str, Any] = {}
    reason: str = ""
    changes: list[Change] = []
    answer: str = ""
    error: str = ""
    error_zh: str = ""  # the same in Chinese, where it is known
    latency_ms: float | None = None
    times: int = 1


class Extent(msgspec.Struct, frozen=True):
    """A file that only grows, as far as somebody read it: SHA-256 of its first `bytes` bytes.

    `file`: below the archive.
    """

    file: str
    bytes: int
    sha256: str


class Part(Record, tag="part"):
    """A part of the archive that was closed. Times: wall clock, s.

    `path`: below the archive; `sha256`: of its bytes; `events_sha256`: of the script events beside it, "":
    there are none. `closed`: why it ended; "crash": it was mended after one. `index`: of its day, as far as
    its line.
    """

    channel: str = ""
    path: str = ""
    number: int = 0
    start: float = 0.0
    end: float = 0.0
    bytes: int = 0
    sha256: str = ""
    events_sha256: str = ""
    closed: str = ""
    index: Extent | None = None


class Index(Record, tag="index"):
    """The index of a day as a process found it at its start, or with a line about what was not recorded."""

    channel: str = ""
    index: Extent | None = None


class AiredList(Record, tag="edit_list"):
    """The edit list of a broadcast as far as it goes (`edits`). `ended`: it is over. Times: wall clock, s."""

    channel: str = ""
    broadcast: str = ""
    start: float = 0.0
    end: float = 0.0
    ended: bool = False
    edits: Extent | None = None


class Certified(Record, tag="certificate"):
    """The delay certificate of a broadcast (`streamgate.archive.certificate`), by its list, `edits`.

    Written at the end of the broadcast, or by the next process where a kill ended it. `gaps`: how many.
    """

    channel: str = ""
    broadcast: str = ""
    start: float = 0.0
    end: float = 0.0
    ended: bool = False
    floor_s: float = 0.0
    delay_s: float = 0.0
    min_s: float | None = None
    p50_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None
    packets: int = 0
    below_floor: int = 0
    gaps: int = 0
    edits: Extent | None = None


class Removal(Record, tag="removal"):
    """A file of the archive that the sweeper removes, written before it goes. Times: wall clock, s.

    `path`: below the archive, of a part, an edit list or a kept filler; `sha256`: of its bytes; `reason`: why
    it may go.
    """

    channel: str = ""
    path: str = ""
    number: int = 0
    start: float = 0.0
    end: float = 0.0
    bytes: int = 0
    sha256: str = ""
    reason: str = ""


class StageApproval(msgspec.Struct, frozen=True):
    """That a person approved a stage of a card, in which `role`. `at`: wall clock, s.

    `person`: the account's number; `by`: its name as in other records ("console:alice").
    """

    stage: int
    person: int
    by: str
    role: str
    at: float


class Publication(Record, tag="publication"):
    """A card whose comments were published, with the approvals that allowed it.

    `verdict`: of the filter (0 clean to 4 block); `stages`: how many the card needed. Of comments there are
    numbers only: a ledger forgets nothing.
    """

    channel: str = ""
    broadcast: str = ""
    card: int = 0
    comments: list[int] = []
    verdict: int = 0
    stages: int = 0
    approvals: list[StageApproval] = []


class CopyRemoval(Record, tag="copy_removal"):
    """A file of the second copy that was removed from its target. `path`: in the data directory.

    `bytes`, `sha256`: of the recording, as the sweeper noted them; `target`: where the copy was.
    """

    channel: str = ""
    path: str = ""
    bytes: int = 0
    sha256: str = ""
    target: str = ""
    reason: str = ""


class Setting(Personal, tag="setting"):
    """A setting that was changed. `old`, `new`: as plain values, secrets redacted; left out: not there."""

    channel: str = ""
    name: str = ""
    old: Any = None
    new: Any = None
    reason: str = ""


class SignIn(Personal, tag="sign_in"):
    """Somebody signed in, or tried to. `who` is empty when the name is nobody's: it may be a password.

    `answer`: "ok" or a code, which `error` says in words; `factors`: with what ("password", "totp", "link");
    `times`: as of a decision.
    """

    session: str = ""
    answer: str = ""
    error: str = ""
    error_zh: str = ""  # the same in Chinese, where it is known
    factors: list[str] = []
    latency_ms: float | None = None
    times: int = 1


class SessionEnd(Personal, tag="session_end"):
    """A session is over. `why`: "signed out", "idle", "expired", "disabled" ...; `by`: who ended it."""

    session: str = ""
    why: str = ""
    by: str = ""


class Refusal(Personal, tag="refusal"):
    """Something was asked for and refused before anything was decided: no right, too many tries, no gate.

    `who` is empty for somebody who is not signed in. `answer`: the code; `times`: as of a decision.
    """

    session: str = ""
    channel: str = ""
    what: str = ""
    args: Mapping[str, Any] = {}
    reason: str = ""
    right: str = ""
    answer: str = ""
    error: str = ""
    error_zh: str = ""  # the same in Chinese, where it is known
    latency_ms: float | None = None
    times: int = 1


# ---------------------------------------------------------------- what the ledger says of itself


class FileHead(msgspec.Struct, frozen=True):
    """The last record of a file, as somebody saw it. `file`: DAY/NAME; `hash`: of record number `records`."""

    file: str
    records: int
    hash: str


class Header(Record, tag="header"):
    """First record of a file. `previous`: the process's file that this one follows, None: the first.

    `form`: version of the ledger's form (chain.FORM). `day`: UTC, YYYY-MM-DD.
    """

    form: int = 0
    process: str = ""
    day: str = ""
    file: str = ""
    pid: int = 0
    previous: FileHead | None = None


class Open(Record, tag="open"):
    """The process came back and goes on with the file. No `close` before it: it had been killed."""

    pid: int = 0


class Close(Record, tag="close"):
    """The process ends, or goes on in the file of another day."""

    why: Literal["end", "midnight"]


class Seal(Record, tag="seal"):
    """The heads of the other files that the process can read. They can lose no line that stands here.

    `own`: the record before this one. `key`: public, Ed25519, hex; `signature`: see ledger/signing.py; both
    left out where the process could not read the key.
    """

    why: Literal["start", "period", "midnight", "end"]
    heads: list[FileHead] = []
    own: FileHead | None = None
    key: str = ""
    signature: str = ""


class Gap(Record, tag="gap"):
    """`lost` records could not be written: from the first at `since` to the last at `until` (wall, s)."""

    lost: int = 0
    since: float = 0.0
    until: float = 0.0
    why: str = ""


class Mended(Record, tag="mended"):
    """The last bytes of `file` were no whole record; they are kept in the file `kept` beside it."""

    file: str = ""
    kept: str = ""
    bytes: int = 0
    sha256: str = ""


class Damaged(Record, tag="damaged"):
    """A file of this process that did not verify when the process began; it is left as it is."""

    file: str = ""
    line: int = 0
    why: str = ""
