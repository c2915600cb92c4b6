"""Checks removals: what went was past its retention, and nobody held it."""

from collections.abc import Mapping
from typing import NamedTuple

from streamgate.archive.edit_list import is_filler
from streamgate.core.actor import is_same_person
from streamgate.core.retention import DAY_S, MIN_RETENTION_DAYS
from streamgate.ledger.record import Decision, Removal
from streamgate.verify.facts import Facts, Said
from streamgate.verify.outcome import Notes
from streamgate.verify.scope import Scope

PLACE = "archive.hold"


class _Held(NamedTuple):
    """A span that was held from `since` to `until`, wall clock."""

    hold: str
    channel: str
    start: float
    end: float
    since: float
    until: float


class RemovalCheck:
    def __init__(self, facts: Facts, notes: Notes, scope: Scope) -> None:
        self._facts, self._notes, self._scope = facts, notes, scope

    def run(self) -> None:
        holds = self._find_holds()
        for path, some in self._facts.removals.items():
            for said in some:
                one = said.record
                if self._scope.has(one.channel, one.start, one.end):
                    self._check(path, said, holds)

    def _check(self, path: str, said: Said[Removal], holds: list[_Held]) -> None:
        one = said.record
        days = self._days(one.channel, one.at)
        broadcast = self._scope.broadcast_of(one.channel, one.start, one.end)
        if one.at - one.end < days * DAY_S:
            age = (one.at - one.end) / DAY_S
            why = f"it says that {path} was removed after {age:.1f} days; it had to be kept for {days}"
            self._notes.find(said.file, said.line, why, broadcast)
        # A filler's times are those of its file: it is kept for the edit lists that name it (see AiredCheck).
        for held in () if is_filler(path) else holds:
            covers = held.start <= one.end and held.end >= one.start
            if held.channel == one.channel and covers and held.since < one.at < held.until:
                why = f"it says that {path} was removed while {held.hold} held it"
                self._notes.find(said.file, said.line, why, broadcast)
        part = self._facts.parts.get(path)
        if part is not None and part.record.sha256 != one.sha256:
            why = f"it says that {path} was removed with another SHA-256 than {part.place} has"
            self._notes.find(said.file, said.line, why, broadcast)

    def _days(self, channel: str, at: float) -> int:
        """Return for how many days a channel's recordings had to be kept at a time."""
        days = MIN_RETENTION_DAYS
        for said in sorted(self._facts.settings, key=lambda one: one.record.at):
            setting = said.record
            if setting.channel == channel and setting.at <= at:
                value = setting.new.get("retention_days") if isinstance(setting.new, Mapping) else setting.new
                days = value if isinstance(value, int) else MIN_RETENTION_DAYS
        return max(MIN_RETENTION_DAYS, days)

    def _find_holds(self) -> list[_Held]:
        """Return the holds that were placed, by the decisions about them.

        The ledger is read file by file, so that one process's release may come before another's hold of the
        same day. A release follows the placing of its hold, whatever their clocks say.
        """
        found: dict[str, _Held] = {}
        for said in sorted(self._facts.holds, key=lambda one: (one.record.what != PLACE, one.record.at)):
            one = said.record
            hold = str(one.args.get("hold", ""))
            if one.what == PLACE:
                span = (one.args.get("start"), one.args.get("end"))
                if all(isinstance(at, int | float) for at in span):
                    start, end = (float(at) for at in span if at is not None)
                    found[hold] = _Held(hold, one.channel, start, end, one.at, float("inf"))
            elif hold in found and one.args.get("first"):
                found[hold] = found[hold]._replace(until=one.at)
                self._check_lifted(said)
        return list(found.values())

    def _check_lifted(self, said: Said[Decision]) -> None:
        one = said.record
        if is_same_person(str(one.args.get("first")), one.who):
            self._notes.find(said.file, said.line, "a hold was lifted by one person alone; it takes two")
