"""Reports of the supervisor: addresses on stdout, troubles to the operators through the gate."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from console.auth.tokens import mint
from streamgate.errors import StreamgateError
from streamgate.link.client import call
from streamgate.link.messages import Note, Standing, Warn
from streamgate.playout.texts import say
from streamgate.runtime.datadir import ServeInfo
from streamgate.runtime.logs import LogWriter

if TYPE_CHECKING:
    from streamgate.config import Settings

AGAIN_S = 3.0
_ACTOR = "supervisor"
_log = structlog.get_logger()


class Announcer:
    """The supervisor's `Report`. `run` sends standing troubles to the gate, also to a restarted one."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._places = settings.places
        self._out = LogWriter(sys.stdout.fileno())
        self._standing: dict[str, Warn | None] = {}  # by process; None: it is available again
        self._changed = asyncio.Event()
        self._page = ""

    # ------------------------------------------------------------ what the supervisor calls

    def up(self, process: str, ports: Mapping[str, int]) -> None:
        rtmp, rtmps, console, public = (
            self._where(name, ports) for name in ("rtmp", "rtmps", "console", "public")
        )
        viewers = self._settings.viewers_url(ports["public"]) if "public" in ports else ""
        with suppress(OSError):
            page = self._settings.page_url(console) if console else ""
            self._places.write_serve(
                ServeInfo(os.getpid(), rtmp or "", console or "", rtmps, page, public, viewers)
            )
        if process == "ingest":
            self._out.write(f"encoders: rtmp://{rtmp}/live\n")
            if rtmps is not None:
                self._out.write(f"encoders: rtmps://{rtmps}/live\n")
        elif process == "console":
            self._page = self._settings.page_url(console or "")
            self._out.write(f"console: {self._page}/\n")
        elif process == "comments":
            self._out.write(f"viewers: {viewers}/\n")
        self.well(process)

    def trouble(self, process: str, code: str, reason: str) -> None:
        if process == "gate":
            return  # the gate reports it itself after its restart
        known = "address_taken" if code == "address_taken" else "process_away"
        self._standing[process] = say(known, process=process, reason=reason)
        self._changed.set()

    def set_up(self) -> None:
        """Print the link that makes the first administrator."""
        try:
            token = mint(self._places.root)
        except OSError as error:
            _log.error("no_set_up_link", reason=error.strerror)
            return
        self._out.write(f"set-up: {self._page}/one-time#{token}\n")

    def well(self, process: str) -> None:
        if self._standing.get(process) is not None:
            self._standing[process] = None
        self._changed.set()

    # ------------------------------------------------------------ the gate

    async def run(self) -> None:
        """Send troubles and their ends to the gate, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), AGAIN_S if self._standing else None)
            self._changed.clear()
            for process, what in list(self._standing.items()):
                with suppress(StreamgateError):  # the gate is down: sent again when it is up
                    await call(self._places.control_socket, Standing(1, actor=_ACTOR, key=process, what=what))
                    if what is None and self._standing.get(process) is None:
                        del self._standing[process]
                        back = say("process_back", process=process)
                        await call(self._places.control_socket, Note(1, actor=_ACTOR, what=back))

    def _where(self, name: str, ports: Mapping[str, int]) -> str | None:
        """Return HOST:PORT as others reach it; None when nothing listens there."""
        settings = self._settings
        address = {
            "rtmp": settings.rtmp,
            "rtmps": settings.rtmps,
            "console": settings.console,
            "public": settings.public,
        }[name]
        if address is None or name not in ports:
            return None
        known_as = settings.public_host if name in ("rtmp", "rtmps") else ""
        host = address.reachable(known_as).host
        return f"[{host}]:{ports[name]}" if ":" in host else f"{host}:{ports[name]}"
