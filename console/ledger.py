"""The console's ledger: what people decide here, who signs in, what is refused (docs/ledger.md).

Nobody waits for the disk. What repeats without anything being decided, such as tries of a stranger, is
counted after the first few and told as one, so that it cannot fill the disk. What a person with a name, or a
program with a token, asked to be done is recorded each time, refused or not.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import structlog

from console.auth.principals import Session, session_name
from console.trace import current
from streamgate.clock import now_us, wall_s
from streamgate.core.notice_limit import NoticeLimit
from streamgate.errors import StreamgateError
from streamgate.ledger.record import Decision, Record, Refusal, SessionEnd, SignIn
from streamgate.ledger.signing import Signer
from streamgate.ledger.writer import Writer, Written
from streamgate.link.client import call
from streamgate.link.messages import Note, Standing
from streamgate.playout.texts import say

LOOK_S = 1.0
REPEAT_S = 10.0  # an alarm that lasts is told again: the gate may have been restarted
_STANDING = "ledger of the console"
_log = structlog.get_logger("console.ledger")
Repeatable = Decision | SignIn | Refusal


class Ledger:
    """Writes the ledger's files of the process `console`, and tells the gate when that fails."""

    def __init__(self, root: Path, spill_dir: Path, control_socket: Path) -> None:
        self._control_socket = control_socket
        self._limit: NoticeLimit[Repeatable] = NoticeLimit()
        self._reason = ""  # why it cannot be written at the moment; set by the writer's thread
        self._writer = Writer(
            root, "console", spill_dir=spill_dir, signer=Signer(root.parent), alarm=self._alarm
        )

    def write(self, record: Record) -> None:
        """Record it; never waits and never raises."""
        self._writer.write(record)

    def written(self, record: Record) -> Future[Written]:
        """Record it; the future is done when it is on disk (see `Writer.written`)."""
        return self._writer.written(record)

    def refuse(self, record: Repeatable) -> None:
        """Record what was not done by somebody who need not be known, or who only looked.

        Of what repeats the first few; then one record a minute with `times`.
        """
        record.at, record.mono_us = round(wall_s(), 6), now_us()
        what = "" if isinstance(record, SignIn) else record.what
        kind = f"{what} {record.answer}" if record.who else record.answer
        if self._limit.admit(record.who, kind, record, now_us()):
            self.write(record)

    def end_session(self, session: Session, why: str) -> None:
        """Record that a session is over, and by whom: whoever is being answered at the moment."""
        self.write(
            SessionEnd(
                who=session.actor,
                role=session.role,
                from_=session.address,
                session=session_name(session.id),
                why=why,
                by=current().actor,
            )
        )

    async def run(self) -> None:
        """Tell what was counted, and when the ledger cannot be written; until cancelled."""
        told, told_us = "", 0
        while True:
            self._sum_up()
            reason = self._reason
            again = bool(reason) and now_us() - told_us > REPEAT_S * 1e6
            if (reason != told or again) and await self._tell(reason):
                told, told_us = reason, now_us()
            await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        """Write what waits, and end; waits for the disk, for some seconds."""
        self._sum_up(everything=True)
        self._writer.close()

    def _sum_up(self, *, everything: bool = False) -> None:
        for record, number in self._limit.due(now_us(), everything=everything):
            record.times = number
            self.write(record)

    def _alarm(self, reason: str) -> None:
        if reason:
            _log.error("ledger_failed", reason=reason)
        self._reason = reason

    async def _tell(self, reason: str) -> bool:
        """Let the alarm stand on the page, or no longer; False when the gate is away."""
        what = say("ledger_failed", reason=reason) if reason else None
        try:
            await call(self._control_socket, Standing(1, actor="console", key=_STANDING, what=what))
            if what is None:
                await call(self._control_socket, Note(1, actor="console", what=say("ledger_ok")))
        except StreamgateError:
            return False
        return True


def person(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return who asks, in which role, from where and in which session, as members of a record.

    Somebody who is not signed in has an address only, a program no session.
    """
    principal, client = scope.get("principal"), scope.get("client")
    return {
        "who": "" if principal is None else principal.actor,
        "role": "" if principal is None else principal.role,
        "from_": "" if client is None else client[0],
        "session": session_name(principal.id) if isinstance(principal, Session) else "",
    }
