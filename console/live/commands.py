"""A command as the page writes it, turned into the gate's request."""

from collections.abc import Mapping
from typing import Any

import msgspec

from console.auth.principals import Principal
from console.auth.rights import Command, Right, rights_of
from console.live.reactions import Reactions
from console.problems import REASON_NEEDED, Refused, bad_request
from streamgate.link.messages import (
    Backup,
    ChannelRequest,
    Condemn,
    Cut,
    Dump,
    Lift,
    Live,
    Marked,
    Move,
    Redact,
    Reply,
    Restore,
    Start,
    Stop,
    Uncut,
)

MAX_DUMP_S = 600.0  # the longest delay there is
MAX_REASON = 500
# What undoes or ends; a cut asks nothing.
_WITH_REASON: frozenset[Command] = frozenset({"restore", "stop", "lift", "uncut"})
_REQUESTS: dict[Command, type[ChannelRequest]] = {
    "cut": Cut,
    "restore": Restore,
    "live": Live,
    "start": Start,
    "stop": Stop,
    "dump": Dump,
    "backup": Backup,
    "condemn": Condemn,
    "redact": Redact,
    "move": Move,
    "lift": Lift,
    "uncut": Uncut,
}
_ENDS = ("from_s", "to_s", "from_at", "to_at")
DETAILS: Mapping[Command, tuple[str, ...]] = {
    "dump": ("seconds", "sense"),
    "backup": ("clip",),
    "condemn": _ENDS,
    "redact": (*_ENDS, "with", "box"),
    "move": (*_ENDS, "span"),
    "lift": ("span",),
}
"""What each command takes beside a channel and a reason."""
_NEEDED: dict[Command, str] = {"move": "span", "lift": "span", "redact": "with"}
MARKED = ("span", "kind", *_ENDS, "open_end", "seconds", "channel_s", "reaction_s")
"""What an answer says of the span that a command made or changed."""


async def make_request(
    command: Command,
    channel: str,
    details: Mapping[str, Any],
    who: Principal,
    reactions: Reactions,
) -> ChannelRequest:
    """Return the gate's request of a person or a program; its id and actor are set when it is sent.

    `details`: what was sent beside command and channel, None for what was not.

    Raises:
        Refused: a detail that this command does not take, a value that is not allowed, a reason that is
            missing.
    """
    given = {name: value for name, value in details.items() if value is not None and name != "reason"}
    reason = " ".join((details.get("reason") or "").split())
    if len(reason) > MAX_REASON or (command in _WITH_REASON and not reason):
        raise Refused(REASON_NEEDED)
    _check(command, given)
    sense = given.pop("sense", None)
    if command == "dump" and "seconds" not in given:
        given["reaction_s"] = await reactions.seconds_of(who, sense)
    if command == "move":
        given["may_uncover"] = Right.CHANNEL_RESTORE in rights_of(who, channel)
    return msgspec.convert({"id": 0, "channel": channel, "reason": reason, **given}, _REQUESTS[command])


def _check(command: Command, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in DETAILS.get(command, ()):
            owners = ", ".join(one for one, takes in DETAILS.items() if name in takes)
            raise Refused(
                bad_request(
                    f"{name} belongs to {owners}, not to {command}",
                    f"{name} 只用于 {owners}，不用于 {command}",
                )
            )
    needed = _NEEDED.get(command)
    if needed is not None and needed not in given:
        raise Refused(bad_request(f"{command} needs {needed}", f"{command} 须给出 {needed}"))
    seconds = given.get("seconds")
    if seconds is not None and not 0 < seconds <= MAX_DUMP_S:
        raise Refused(
            bad_request(
                f"dump of {seconds:g} s; allowed is more than 0 up to {MAX_DUMP_S:g} s",
                f"丢弃 {seconds:g} 秒不被允许，范围为大于 0 至 {MAX_DUMP_S:g} 秒",
            )
        )


def describe_marked(reply: Reply) -> dict[str, Any]:
    """Return what a reply says of the span that it is about; {} when it is about none."""
    marked: Marked | None = reply.marked
    return {} if marked is None else {name: getattr(marked, name) for name in MARKED}
