"""What the console and the child that exports for it say to each other. Pure."""

from typing import Literal

import msgspec

Kind = Literal["received", "aired"]


class ExportJob(msgspec.Struct):
    """`start`, `end`: wall clock. `out`: a file that is not there yet, in a folder for this job alone.

    `exact`: to the picture, with the ends coded anew.
    """

    data_dir: str
    channel: str
    start: float
    end: float
    kind: Kind
    out: str
    exact: bool = False


class Progress(msgspec.Struct, tag_field="line", tag="progress"):
    """`part`: of the work, from 0 to 1."""

    part: float


class Made(msgspec.Struct, tag_field="line", tag="made"):
    """`start`, `end`: of what is in the file. `losses`: what of that is not: from, to, why.

    `encoded`: pictures that were coded anew.
    """

    start: float
    end: float
    bytes: int
    sha256: str
    losses: list[tuple[float, float, str]]
    encoded: int = 0


Line = Progress | Made
