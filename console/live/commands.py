"""A command as the page writes it, turned into the gate's request."""

from typing import Literal

import msgspec

from console.problems import Problem, bad_request
from streamgate.link.messages import Backup, ChannelRequest, Cut, Dump, Live, Restore, Start, Stop

Command = Literal["cut", "restore", "live", "start", "stop", "dump", "backup"]
MAX_DUMP_S = 600.0  # the longest delay there is
_PLAIN: dict[str, type[ChannelRequest]] = {
    "cut": Cut,
    "restore": Restore,
    "live": Live,
    "start": Start,
    "stop": Stop,
}
COMMANDS = frozenset({*_PLAIN, "dump", "backup"})


class Details(msgspec.Struct, forbid_unknown_fields=True):
    """What may stand in the body of a command over HTTP. None: not given."""

    seconds: float | None = None
    clip: str | None = None


class PageCommand(msgspec.Struct, tag_field="t", tag="cmd", forbid_unknown_fields=True):
    """A command over the page's websocket. `id` is the page's own number, given back in the reply."""

    id: int
    cmd: Command
    channel: str
    seconds: float | None = None
    clip: str | None = None


class BadCommand(Exception):  # noqa: N818  carries what to answer; it never leaves the console
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.error)
        self.problem = problem


def to_request(command: str, channel: str, seconds: float | None, clip: str | None) -> ChannelRequest:
    """Return the gate's request; its id and actor are set when it is sent.

    Raises:
        BadCommand: a detail that this command does not take, or a value that is not allowed.
    """
    if seconds is not None and command != "dump":
        raise BadCommand(
            bad_request(
                f"seconds belongs to dump, not to {command}", f"seconds 只用于 dump，不用于 {command}"
            )
        )
    if clip is not None and command != "backup":
        raise BadCommand(
            bad_request(f"clip belongs to backup, not to {command}", f"clip 只用于 backup，不用于 {command}")
        )
    if command == "dump":
        wanted = 10.0 if seconds is None else seconds
        if not 0 < wanted <= MAX_DUMP_S:
            raise BadCommand(
                bad_request(
                    f"dump of {wanted:g} s; allowed is more than 0 up to {MAX_DUMP_S:g} s",
                    f"丢弃 {wanted:g} 秒不被允许，范围为大于 0 至 {MAX_DUMP_S:g} 秒",
                )
            )
        return Dump(id=0, channel=channel, seconds=wanted)
    if command == "backup":
        return Backup(id=0, channel=channel, clip=clip or "")
    if command in _PLAIN:
        return _PLAIN[command](id=0, channel=channel)
    raise BadCommand(
        bad_request(
            f"command {command!r}; allowed are {', '.join(sorted(COMMANDS))}", f"没有 {command!r} 这个命令"
        )
    )
