"""What the routes of set-up work with."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from console.setup.backups import Backups
from console.setup.channel_files import ChannelFiles
from console.setup.rehearsals import Rehearsals
from console.setup.undo import Undo


class Setup(NamedTuple):
    """`settings`: those in force, as `ShownSetting` has them."""

    files: ChannelFiles
    undo: Undo
    backups: Backups
    rehearsals: Rehearsals
    settings: Sequence[Mapping[str, Any]] = ()
