"""A command as the page writes it, turned into the gate's request."""

from console.auth.rights import Command
from console.problems import REASON_NEEDED, Refused, bad_request
from streamgate.link.messages import Backup, ChannelRequest, Cut, Dump, Live, Restore, Start, Stop

DUMP_S = 10.0
MAX_DUMP_S = 600.0  # the longest delay there is
MAX_REASON = 500
_WITH_REASON: frozenset[Command] = frozenset({"restore", "stop"})  # what undoes or ends; a cut asks nothing
_PLAIN: dict[Command, type[ChannelRequest]] = {
    "cut": Cut,
    "restore": Restore,
    "live": Live,
    "start": Start,
    "stop": Stop,
}


def to_request(
    command: Command,
    channel: str,
    seconds: float | None = None,
    clip: str | None = None,
    reason: str | None = None,
) -> ChannelRequest:
    """Return the gate's request; its id and actor are set when it is sent.

    Raises:
        Refused: a detail that this command does not take, a value that is not allowed, a reason that is
            missing.
    """
    given = " ".join((reason or "").split())
    if len(given) > MAX_REASON or (command in _WITH_REASON and not given):
        raise Refused(REASON_NEEDED)
    request = _build(command, channel, seconds, clip)
    request.reason = given
    return request


def _build(command: Command, channel: str, seconds: float | None, clip: str | None) -> ChannelRequest:
    if seconds is not None and command != "dump":
        raise Refused(
            bad_request(
                f"seconds belongs to dump, not to {command}", f"seconds 只用于 dump，不用于 {command}"
            )
        )
    if clip is not None and command != "backup":
        raise Refused(
            bad_request(f"clip belongs to backup, not to {command}", f"clip 只用于 backup，不用于 {command}")
        )
    if command == "dump":
        wanted = DUMP_S if seconds is None else seconds
        if not 0 < wanted <= MAX_DUMP_S:
            raise Refused(
                bad_request(
                    f"dump of {wanted:g} s; allowed is more than 0 up to {MAX_DUMP_S:g} s",
                    f"丢弃 {wanted:g} 秒不被允许，范围为大于 0 至 {MAX_DUMP_S:g} 秒",
                )
            )
        return Dump(id=0, channel=channel, seconds=wanted)
    if command == "backup":
        return Backup(id=0, channel=channel, clip=clip or "")
    return _PLAIN[command](id=0, channel=channel)
