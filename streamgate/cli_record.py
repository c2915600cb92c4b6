"""Ledger records of command line decisions that bypass the gate: the ledger's files of the process `cli`.

Commands may run at the same time and while `serve` runs: a lock in the runtime directory makes them write one
after the other. A disk that does not take the record delays a command by some seconds only: the record waits
in memory for the next command, and stderr says so. Imports are few: `streamgate cut` loads this.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamgate.clock import now_us
from streamgate.disk import lock_within
from streamgate.errors import LedgerError, StreamgateError
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from streamgate.ledger.record import Change, Decision
    from streamgate.runtime.channels import ChannelConfig, ChannelStore

LOCK_S = 5.0
DISK_S = 3.0
CLOSE_S = 1.0
LOCK = "cli.lock"


class Deciding:
    """A decision being made: collects the content of its record. `channel`: "" for no single one."""

    def __init__(self, args: Mapping[str, Any], channel: str = "") -> None:
        self.channel = channel
        self.args = {name: _plain(value) for name, value in args.items() if value not in (None, "", [], {})}
        self.changes: list[Change] = []

    def note_change(self, name: str, old: Any, new: Any) -> None:
        from streamgate.ledger.record import Change

        if old != new:
            self.changes.append(Change(name, old, new))

    def note_channel(self, old: "ChannelConfig | None", new: "ChannelConfig | None") -> None:
        from streamgate.playout.settings import differences

        for change in differences(old, new):
            self.note_change(*change)

    def store(self, places: DataDir) -> "ChannelStore":
        """Return the channel store whose changes go into the record."""
        from streamgate.runtime.channels import ChannelStore

        return ChannelStore(places.root, changed=self.note_channel)


@contextlib.contextmanager
def decided(places: DataDir, what: str, *, channel: str = "", **args: Any) -> Iterator[Deciding]:
    """Record the decision that the body executes, or why it was refused; on disk when this returns.

    `args`: never a secret; URLs are recorded without their keys, empty values are left out, and `reason` is a
    field of its own in the record.
    """
    from streamgate.ledger.record import Decision

    reason = str(args.pop("reason", None) or "")
    deciding, began_us = Deciding(args, channel), now_us()
    record = Decision(who=cli_actor(), channel=channel, what=what, args=deciding.args, reason=reason)
    try:
        yield deciding
    except StreamgateError as error:
        record.answer, record.error, record.channel = "refused", str(error), deciding.channel
        record.error_zh = error.zh
        _write(places, record, began_us)
        raise
    record.answer, record.changes, record.channel = "ok", deciding.changes, deciding.channel
    _write(places, record, began_us)


def _write(places: DataDir, record: "Decision", began_us: int) -> None:
    from concurrent.futures import TimeoutError as NotYet

    from streamgate.ledger.places import FOLDER
    from streamgate.ledger.signing import Signer
    from streamgate.ledger.writer import Writer

    record.latency_ms = round((now_us() - began_us) / 1000, 3)
    if not places.root.is_dir():
        return  # refused before there was a data directory to record in
    with contextlib.suppress(StreamgateError):
        places.create_run()
    with _turn(places.run / LOCK) as alone:
        # Without the lock it must not touch the copies in memory; the ledger then begins another file.
        spill_dir = places.run / FOLDER if alone else None
        writer = Writer(places.root / FOLDER, "cli", spill_dir=spill_dir, signer=Signer(places.root))
        written = writer.written(record)
        try:
            written.result(DISK_S)
        except (NotYet, LedgerError):
            rest = "it waits in memory for the next command" if alone else "it is lost"
            sys.stderr.write(
                f"streamgate: {places.root / FOLDER} does not take the record of this; {rest}:"
                " see to the disk\n"
            )
        writer.close(CLOSE_S)


@contextlib.contextmanager
def _turn(path: Path) -> Iterator[bool]:
    """Wait for the lock; False: another command that writes hangs, or the lock file cannot be made."""
    from streamgate.ledger.owner import give_to_owner

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        give_to_owner(descriptor, path.parent)
    except OSError:
        yield False
        return
    try:
        yield lock_within(descriptor, LOCK_S)
    finally:
        os.close(descriptor)


def _plain(value: Any) -> Any:
    from streamgate.rtmp.url import redact

    match value:
        case str() if "://" in value:
            name, separator, url = value.partition("=")
            named = separator and "://" not in name
            return f"{name}={redact(url)}" if named else redact(value)
        case Path():
            return str(value)
        case list() | tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items()}
        case _:
            return value
