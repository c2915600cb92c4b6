"""Sessions and tokens in use, kept in the runtime directory for a console that starts without its database.

The file holds digests of cookies and tokens, names and rights; no secret. It is in shared memory, for this
user alone, and does not outlive the machine. It counts only while the database does not answer.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from console.auth.principals import Bearer, Limit, Session
from streamgate.runtime.rundir import make_runtime_dir, runtime_dir
from streamgate.store.users import Grant

FILE = "console-sessions.json"
VERSION = 1
SEEN_S = 10.0  # when somebody was seen is remembered so exactly: not every click is written
MAX_BYTES = 8 * 1024 * 1024
_Mark = tuple[int, int] | None


class KeptSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session. `grants`: role and channel, None for all. Times: wall clock, seconds."""

    id: str
    user_id: int
    user: str
    display_name: str
    grants: list[tuple[str, str | None]]
    limit: Limit
    created_at: float
    expires_at: float
    seen_at: float
    idle: bool
    address: str

    @classmethod
    def of(cls, session: Session) -> "KeptSession":
        return cls(
            id=session.id,
            user_id=session.user_id,
            user=session.user,
            display_name=session.display_name,
            grants=[(grant.role, grant.channel) for grant in session.grants],
            limit=session.limit,
            created_at=session.created_at,
            expires_at=session.expires_at,
            seen_at=session.seen_at // SEEN_S * SEEN_S,
            idle=session.idle,
            address=session.address,
        )

    def recall(self, now: float, ended: Callable[[Session, str], None] | None = None) -> Session:
        """Return the session as it was. `ended` is told when it is over, and why."""
        session = Session(
            self.id,
            user_id=self.user_id,
            user=self.user,
            display_name=self.display_name,
            grants=[Grant(role, channel) for role, channel in self.grants],
            limit=self.limit,
            created_at=self.created_at,
            expires_at=self.expires_at,
            seen_at=self.seen_at,
            loaded_at=now,
            address=self.address,
            ended=ended,
        )
        session.idle = self.idle
        return session


class KeptToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token in force. `key`: digest of what its bearer holds."""

    key: str
    id: int
    name: str
    scopes: list[str]
    channel: str | None
    expires_at: float | None

    @classmethod
    def of(cls, key: str, bearer: Bearer) -> "KeptToken":
        return cls(key, bearer.id, bearer.name, sorted(bearer.scopes), bearer.channel, bearer.expires_at)

    def recall(self) -> Bearer:
        return Bearer(
            self.id, self.name, scopes=self.scopes, channel=self.channel, expires_at=self.expires_at
        )


class Contents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is remembered. `ended`: by id, when and why; the database does not know of these yet."""

    sessions: list[KeptSession] = []
    tokens: list[KeptToken] = []
    ended: dict[str, tuple[float, str]] = {}
    v: int = VERSION


class Memory:
    """The file of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._written: tuple[Contents, _Mark] | None = None

    @property
    def path(self) -> Path:
        return runtime_dir(self._data_dir) / FILE

    def read(self) -> Contents:
        """Return what is remembered; nothing of a file that is torn, or that others could write."""
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                mine = found.st_uid in {os.geteuid(), self.path.parent.stat().st_uid}
                if not mine or found.st_mode & 0o077:
                    return Contents()
                contents = msgspec.json.decode(file.read(MAX_BYTES), type=Contents)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return Contents()
        return contents if contents.v == VERSION else Contents()

    def write(self, contents: Contents) -> None:
        """Remember exactly this; nothing is written when it stands there already. Raises OSError."""
        if self._written == (contents, _mark(self.path)):
            return
        folder = make_runtime_dir(self._data_dir)
        path = folder / FILE
        draft = path.with_name(f".{FILE}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if os.geteuid() == 0:  # the command line may be root's, the console is the directory's owner's
                owner = folder.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(msgspec.json.encode(contents))
        mark = _mark(draft)
        draft.replace(path)
        self._written = contents, mark

    def forget(self, *, user_id: int | None = None, token: str | None = None) -> None:
        """Forget a person's sessions, or the token of a name: for what ends them while no console sees it."""
        contents = self.read()
        sessions = [one for one in contents.sessions if one.user_id != user_id]
        tokens = [one for one in contents.tokens if one.name != token]
        if (sessions, tokens) != (contents.sessions, contents.tokens):
            with contextlib.suppress(OSError):
                self.write(Contents(sessions, tokens, contents.ended))

    def forget_all(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def _mark(path: Path) -> _Mark:
    """Return by what a file is known to be the one that was written; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
