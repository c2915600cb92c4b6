"""How the second copy stands: `copy.json` in the runtime directory, while serve runs."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from streamgate.archive.notices import notice
from streamgate.link.messages import Warn

FILE = "copy.json"
FRESH_S = 30.0
UNREACHABLE_S = 60.0  # shorter than this it is not worth a word
BEHIND_S = 3600.0

Word = Literal["off", "idle", "copying", "unreachable", "failed", "not_running"]


class CopyState(msgspec.Struct):
    """`state`: idle (all is copied), copying, unreachable (`error` says why), failed (this machine's disk).

    `since`: when that state began. Times: wall clock, seconds since the epoch. `behind_*`: closed files that
    are not copied; `oldest`: when the oldest of them was closed. `pieces`, `bytes`: copied; `checked*`: read
    back and right at least once. `lost`: copies found gone or wrong since the start, made anew;
    `lost_for_good`: those whose original is gone, too. `damaged`: files that are not what their index says,
    not copied. `lock`: mode and days of the object lock. `locked`: why the target refused to remove copies.
    `error_zh`, `locked_zh`: the same in Chinese.
    """

    target: str = ""
    state: Word = "off"
    since: float = 0.0
    at: float = 0.0
    error: str = ""
    error_zh: str = ""
    behind_files: int = 0
    behind_bytes: int = 0
    oldest: float | None = None
    pieces: int = 0
    bytes: int = 0
    checked: int = 0
    checked_bytes: int = 0
    oldest_check: float | None = None
    last_copied: float | None = None
    lost: int = 0
    lost_for_good: list[str] = []
    damaged: list[str] = []
    lock: str = ""
    locked: str = ""
    locked_zh: str = ""
    limit_mbps: float = 0.0
    keep_days: int = 0
    recheck_days: int = 0


def write_state(run_dir: Path, state: CopyState) -> None:
    """Raises OSError."""
    draft = run_dir / f".{FILE}"
    draft.write_bytes(msgspec.json.encode(state))
    draft.chmod(0o600)
    draft.replace(run_dir / FILE)


def read_state(run_dir: Path, now: float) -> CopyState | None:
    """Return the state that a running process wrote; None: there is none, or it is stale."""
    try:
        state = msgspec.json.decode((run_dir / FILE).read_bytes(), type=CopyState)
    except (OSError, msgspec.DecodeError):
        return None
    return state if abs(now - state.at) < FRESH_S else None


def clear_state(run_dir: Path) -> None:
    (run_dir / FILE).unlink(missing_ok=True)


def warnings(state: CopyState, now: float) -> Iterator[tuple[str, Warn | None]]:
    """Yield what operators are to see in every status, by its key; None: no such trouble."""
    gb = f"{state.behind_bytes / 1e9:.1f}"
    away = state.state in ("unreachable", "failed") and now - state.since >= UNREACHABLE_S
    late = not away and state.oldest is not None and now - state.oldest >= BEHIND_S
    trouble = None
    if away:
        given = {"target": state.target, "time": _shown(state.since), "gb": gb}
        trouble = notice("copy_unreachable", given | {"error": state.error, "error_zh": state.error_zh})
    elif late:
        assert state.oldest is not None
        trouble = notice("copy_behind", {"gb": gb, "files": state.behind_files, "time": _shown(state.oldest)})
    yield "second_copy", trouble
    damaged, lost = state.damaged, state.lost_for_good
    given = {"files": str(len(damaged)), "names": ", ".join(damaged[:3])}
    yield "copy_damaged", notice("copy_damaged", given) if damaged else None
    yield "copy_lost", notice("copy_lost", {"names": ", ".join(lost[:3])}) if lost else None
    locked = {"error": state.locked, "error_zh": state.locked_zh}
    yield "copy_locked", notice("copy_locked", locked) if state.locked else None


def _shown(at: float) -> str:
    return time.strftime("%m-%d %H:%M", time.localtime(at))
