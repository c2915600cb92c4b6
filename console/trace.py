"""What is known of one request or command while it is answered: collected where it is known, for its record.

The recorder begins a trace and writes the record from it; whoever learns something in between adds it to
`current()`. Threads of `asyncio.to_thread` see the trace of whoever called them.
"""

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from streamgate.ledger.record import Change
from streamgate.playout.settings import differences
from streamgate.runtime.channels import ChannelConfig


@dataclass
class Trace:
    """`scope`: of the request. `who`, `role`, `session`: of somebody who only signs in by this request.

    `args`: beside those of path and body. `by_gate`: the gate has answered, and records the command itself.
    `late`: why the gate has not taken over what was stored. `signs_in`, `factors`, `result`: of a try to sign
    in, with what, and why not.
    """

    scope: Mapping[str, Any] = field(default_factory=dict)
    who: str = ""
    role: str = ""
    session: str = ""
    channel: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    by_gate: bool = False
    late: str = ""
    signs_in: bool = False
    factors: list[str] = field(default_factory=list)
    result: str = ""

    @property
    def actor(self) -> str:
        """Who acts, "" for nobody who is known."""
        principal = self.scope.get("principal")
        return self.who or ("" if principal is None else principal.actor)

    def note_change(self, name: str, old: Any, new: Any) -> None:
        if old != new:
            self.changes.append(Change(name, old, new))


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace:
    """Return the trace of what is being answered; one that nobody reads, outside of that."""
    return _current.get() or Trace()


@contextlib.contextmanager
def begin(scope: Mapping[str, Any]) -> Iterator[Trace]:
    """Collect in a new trace whatever the body, and what it awaits, learns."""
    trace = Trace(scope)
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def note_channel(old: ChannelConfig | None, new: ChannelConfig | None) -> None:
    """Note how a channel was changed, for `ChannelStore`."""
    trace, either = current(), new or old
    if either is not None:
        trace.channel = either.name
    for change in differences(old, new):
        trace.note_change(*change)
