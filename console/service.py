"""The console process: the web server, its links to gate and comments, and whatever else runs beside them."""

import asyncio
import contextlib
import functools
import shlex
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from console import pages
from console.api.answers import Parts
from console.app import STATIC, create_app
from console.archive.exports import Exports
from console.archive.parts import Archive
from console.archive.playback import Playback
from console.archive.records import Records
from console.archive.stills import Stills
from console.archive.storage import Storage
from console.audit.audit import Audit
from console.audit.happenings import Happenings
from console.auth.factors import Totp
from console.auth.guard import HostNames
from console.auth.own_account import OwnAccount
from console.auth.passwords import Hashing
from console.auth.people import People
from console.auth.remembered import Memory
from console.auth.sessions import Rules, Sessions
from console.auth.sign_in import Passwords, SignIn
from console.connections import Connection
from console.duty.board import DutyBoard
from console.duty.desk import DutyDesk
from console.duty.parts import DutyParts
from console.duty.practice import Practices
from console.incidents.desk import IncidentDesk, Incidents
from console.incidents.reports import Reports
from console.ledger import Ledger
from console.live.conveyor import Conveyor
from console.live.gate_link import GateLink
from console.live.hub import Hub
from console.live.media_link import MediaLink
from console.live.preview import Preview
from console.live.reactions import Reactions
from console.live.signs import Signs
from console.review.files import Files
from console.review.link import CommentsLink
from console.review.pages import Pages
from console.review.parts import Review
from console.setup.approval_record import ApprovalRecord
from console.setup.backups import Backups
from console.setup.channel_files import ChannelFiles
from console.setup.parts import Setup
from console.setup.rehearsals import Rehearsals
from console.setup.undo import Undo
from console.tls import Certificate
from streamgate.core.retention import MIN_RETENTION_DAYS
from streamgate.ledger.places import FOLDER
from streamgate.ledger.record import Record
from streamgate.runtime import listen
from streamgate.runtime.listen import Address
from streamgate.runtime.secret_box import SecretBox
from streamgate.runtime.web import WebServer, beside
from streamgate.store import cleaner
from streamgate.store.database import AsyncDatabase
from streamgate.store.location import Location

COMMENTS_SOCKET = "comments.sock"
SHUTDOWN_S = 1  # how long open requests may go on after the stop
_MAX_PAGE_MESSAGE = 64 * 1024

_log = structlog.get_logger("console")


def bind(host: str, port: int) -> list[socket.socket]:
    """Listen where the console is set to. ConfigError: the address cannot be used."""
    return listen.bind(Address("console", "console", host, port, "--console"))


async def run(
    *,
    host: str,
    port: int = 0,
    listeners: Sequence[socket.socket] = (),
    data_dir: Path,
    control_socket: Path,
    media_socket: Path,
    database: Location,
    stop: asyncio.Event,
    rules: Rules | None = None,
    certificate: Certificate | None = None,
    behind_proxy: str = "",
    host_names: Iterable[str] = (),
    static: Path = STATIC,
    background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    recording: Sequence[Callable[[Callable[[Record], Any]], Coroutine[Any, Any, None]]] = (),
    ready: Callable[[int], None] | None = None,
    settings: Sequence[Mapping[str, str]] = (),
    stills: bool = True,
) -> None:
    """Serve until `stop` is set, then end within about 2 s. What people do is recorded in DATA_DIR/ledger.

    The socket of the comments process is expected beside `control_socket`.

    `host`, `port`: where to listen; port 0 takes any, `ready` is told which once connections are accepted.
    `listeners`: sockets that listen already, used instead.
    `database`: where the accounts are; it need not be there. `rules`: about passwords and sessions.
    `certificate`: serve HTTPS. `behind_proxy`: addresses whose X-Forwarded-For and -Proto are believed.
    `host_names`: further names under which the page may be opened (a reverse proxy's).
    `background`: services that run beside the server until they are cancelled; one that returns is left
    alone, one that fails ends the console. `recording`: the same, given what writes into the ledger; its
    answer is done when the record is on disk.
    `stills`: pictures of the unaired window for the conveyor; a child process makes them.
    `settings`: those in force, to be read, as `ShownSetting` has them.

    Raises:
        ConfigError: the address is taken, or the data directory cannot be used.
    """
    listeners = listeners or bind(host, port)
    gate, media = GateLink(control_socket), MediaLink(media_socket)
    comments = CommentsLink(control_socket.parent / COMMENTS_SOCKET)
    ledger = Ledger(data_dir / FOLDER, control_socket.parent / FOLDER, control_socket)
    preview = Preview(media)
    conveyor = Conveyor(gate, media_socket)
    store, hashing, totp = AsyncDatabase(database), Hashing(), Totp(SecretBox(data_dir))
    sessions = Sessions(
        store, rules or Rules(), lambda: gate.on_air, Memory(data_dir), ended=ledger.end_session
    )
    reactions = Reactions(store)
    approvals = ApprovalRecord(data_dir, store)
    files = ChannelFiles(data_dir, gate, changed=approvals.note)
    audit = Audit(data_dir, ledger.write)
    playback = Playback(data_dir)
    records = Records(data_dir, playback, retention_days=_retention(settings))
    archive = Archive(
        records,
        Stills(data_dir, playback),
        Exports(data_dir, ledger.write),
        store,
        Storage(data_dir, control_socket.parent, playback, settings),
    )
    signs = Signs()
    board = DutyBoard(store, gate, signs)
    duty = DutyParts(board, DutyDesk(store, board), Practices(store, files, gate, ledger.write))
    setup = Setup(files, Undo(), Backups(data_dir), Rehearsals(data_dir), settings)
    parts = Parts(
        gate=gate,
        hub=Hub(
            gate,
            preview,
            ledger,
            _command(data_dir),
            comments_up=lambda: comments.up,
            reactions=reactions,
            signs=signs,
        ),
        reactions=reactions,
        sessions=sessions,
        sign_in=SignIn(store, sessions, Passwords(hashing), totp),
        own=OwnAccount(store, sessions, hashing, totp),
        people=People(store, sessions, hashing, data_dir),
        static=static,
        data_dir=data_dir,
        setup=setup,
        audit=audit,
        happenings=Happenings(data_dir, audit),
        review=Review(comments, Pages(comments), Files(store, ledger.write)),
        playback=playback,
        archive=archive,
        incidents=Incidents(
            IncidentDesk(data_dir, store),
            Reports(data_dir, database, ledger.write, settings, lambda: gate.up),
        ),
        conveyor=conveyor,
        duty=duty,
    )
    app = create_app(parts, HostNames(host, host_names), ledger)

    def announce() -> None:
        port: int = listeners[0].getsockname()[1]
        _log.info("console_ready", port=port, page_built=pages.is_built(static))
        if ready is not None:
            ready(port)

    server = WebServer(
        uvicorn.Config(
            app,
            ws="websockets-sansio",  # the `websockets` library; uvicorn's older adapter of it is deprecated
            ws_per_message_deflate=False,  # 70 % of a core for video that does not shrink
            ws_max_size=_MAX_PAGE_MESSAGE,
            ws_ping_interval=10.0,
            ws_ping_timeout=10.0,
            http=Connection,
            lifespan="off",
            access_log=False,  # addresses hold tokens
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=bool(behind_proxy),
            forwarded_allow_ips=behind_proxy or None,
            ssl_context_factory=None if certificate is None else lambda *_: certificate.context,
            timeout_graceful_shutdown=SHUTDOWN_S,
            timeout_keep_alive=30,
            backlog=128,
        ),
        announce,
    )
    async with contextlib.AsyncExitStack() as opened:
        opened.push_async_callback(asyncio.to_thread, ledger.close)
        opened.push_async_callback(store.close)
        opened.callback(hashing.close)
        opened.push_async_callback(setup.rehearsals.close)
        opened.push_async_callback(duty.practices.close)
        opened.push_async_callback(audit.close)
        opened.push_async_callback(playback.close)
        opened.push_async_callback(archive.stills.close)
        opened.push_async_callback(archive.exports.close)
        for listener in listeners:
            opened.enter_context(contextlib.closing(listener))
        services = [ledger.run, gate.run, media.run, comments.run, preview.run, sessions.run, approvals.run]
        services += [board.run, archive.exports.run]
        if stills:
            services.append(conveyor.run)
        services += [*background, lambda: cleaner.run(store)]
        services += [functools.partial(one, ledger.written) for one in recording]
        if certificate is not None:
            services.append(certificate.follow)
        async with beside(*services):
            await server.serve_until(stop, listeners)
    _log.info("console_stopped")


def _retention(settings: Sequence[Mapping[str, str]]) -> int:
    """Return for how many days recordings are kept where a channel says nothing of its own."""
    given = next((one["value"] for one in settings if one["name"] == "retention_days"), "")
    return int(given) if given.isdecimal() else MIN_RETENTION_DAYS


def _command(data_dir: Path) -> str:
    """Return how to call the command line for this data directory from any shell on this machine."""
    program = Path(sys.prefix) / "bin" / "streamgate"
    called = str(program) if program.exists() else f"{sys.executable} -m streamgate"
    return f"{called} --data-dir {shlex.quote(str(data_dir))}"
