"""The edit list of one channel in the gate: collected in the event loop, written by a thread.

An error here must not stop the program: it is logged, and the affected pieces are recorded as lost.
"""

from collections.abc import Callable, Sequence

import structlog

from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.edit_list import Begin, End
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.intake import Alarm
from streamgate.clock import boot_id, now_us, wall_at, wall_s
from streamgate.core.delay import MIN_DELAY_US
from streamgate.core.edits import Piece, Tally
from streamgate.core.gate import Why
from streamgate.core.packet import Aired

_log = structlog.get_logger()


class EditList:
    """Edit list of a channel. Only `close` waits; no method raises. `broadcast`: name of the newest one."""

    def __init__(self, channel: str, writer: EditWriter, alarm: Alarm) -> None:
        self.broadcast = ""
        self._channel = channel
        self._writer = writer
        self._alarm = alarm
        self._tally = Tally()
        self._boot = boot_id()
        self._faulty = False

    def begin(self, resumed: str, started_at: float, *, series: int, delay_us: int) -> None:
        """Begin a broadcast's edit list, or resume the one of the broadcast `resumed`."""
        name = resumed or broadcast_id(self._channel, started_at)
        if not resumed and name == self.broadcast:  # stopped and started within a second
            name += "-2"
        self.broadcast = name
        self._faulty = False

        def put() -> None:
            self._tally = Tally()
            self._writer.put(
                Begin(
                    broadcast=name,
                    channel=self._channel,
                    started_at=started_at,
                    at=round(wall_s(), 6),
                    mono_us=now_us(),
                    boot=self._boot,
                    series=series,
                    floor_us=MIN_DELAY_US,
                    delay_us=delay_us,
                    resumed=resumed != "",
                )
            )

        self._guard(put)

    def aired(self, aired: Sequence[Aired], why: Why, delay_us: int) -> None:
        """Record packets that have just been handed to the destinations."""
        try:
            left_us = now_us()
            pieces = self._tally.add(aired, left_us, why, delay_us)
            if pieces:
                self._put(pieces, left_us)
        except Exception as error:  # noqa: BLE001 - the program goes on after any error
            self._failed(error)

    def end(self) -> None:
        """End the broadcast's edit list."""

        def put() -> None:
            self._put(self._tally.end(), now_us())
            self._writer.put(End(round(wall_s(), 6)))

        self._guard(put)

    def close(self) -> bool:
        """Write everything, within 2 s; see `EditWriter.close`."""
        return self._writer.close()

    def _put(self, pieces: Sequence[Piece], now: int) -> None:
        wall = wall_at(now)
        for piece in pieces:
            piece.at = round(wall - (now - piece.from_us) / 1e6, 6)
            self._writer.put(piece)
        clips = self._tally.clips
        for key, clip in clips.items():
            self._writer.keep(key, clip)
        clips.clear()

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the program goes on after any error
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Record everything since the last piece written as lost, and start over."""
        text = f"{type(error).__name__}: {error}"[:200]
        self._tally = Tally()
        self._writer.lose(wall_s(), text)
        if not self._faulty:
            self._faulty = True
            _log.exception("edits_fault", channel=self._channel)
            self._alarm("edits_fault", {"error": text})
