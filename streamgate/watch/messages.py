"""Messages between the console and the child process that decodes feeds for the conveyor. Pure.

To the child: `Wanted` as a line of JSON on standard input, whenever it changes. From it, on standard output:
`u32 length (big-endian) | MessagePack` of a `Seen`. Times are CLOCK_MONOTONIC, microseconds.
"""

import msgspec

FLOOR_DB = -60
SLOT_US = 100_000  # duration that one sound level covers


class Wanted(msgspec.Struct):
    """The channels to watch."""

    channels: list[str]


class Still(msgspec.Struct, tag_field="t", tag="still"):
    """A keyframe that arrived at `at`, as JPEG: `small` at most 160x90, `large` at most 480x270.

    `change`: mean difference of luma from the still before, percent, 0 to 100.
    """

    channel: str
    at: int
    small: bytes
    large: bytes
    change: int


class Level(msgspec.Struct, tag_field="t", tag="level"):
    """RMS of the sound that arrived during the SLOT_US from `at` on: dBFS, FLOOR_DB to 0."""

    channel: str
    at: int
    db: int


class Beat(msgspec.Struct, tag_field="t", tag="beat"):
    """Heartbeat of the child, about once a second. `cpu_s`: CPU time that it has used so far."""

    cpu_s: float


Seen = Still | Level | Beat
