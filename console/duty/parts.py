"""What the routes of duty and practice work with."""

from typing import NamedTuple

from console.duty.board import DutyBoard
from console.duty.desk import DutyDesk
from console.duty.practice import Practices


class DutyParts(NamedTuple):
    board: DutyBoard
    desk: DutyDesk
    practices: Practices
