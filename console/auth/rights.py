"""Rights: the one table of what each address and each command of the page needs, and the check of it.

A request reaches a route through `authorize` (a dependency of the whole application), a command on the page's
websocket through `require`. A route that is not in the table is refused to everybody.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from starlette.requests import HTTPConnection

from console.auth.sessions import Session
from console.problems import FORBIDDEN, NO_SESSION, Refused


class Right(StrEnum):
    """What a person must have to use a route. The values are stable: pages and tokens name them."""

    PUBLIC = "public"  # anybody, signed in or not
    SESSION = "session"  # anybody who is signed in
    CHANNEL_VIEW = "channel:view"
    CHANNEL_CUT = "channel:cut"
    CHANNEL_RESTORE = "channel:restore"
    CHANNEL_LIVE = "channel:live"
    CHANNEL_START = "channel:start"
    CHANNEL_STOP = "channel:stop"
    CHANNEL_DUMP = "channel:dump"
    CHANNEL_BACKUP = "channel:backup"
    CHANNEL_SETTINGS = "channel:settings"
    DESTINATION_ENTER = "destination:enter"
    DESTINATION_APPROVE = "destination:approve"
    BACKUP_UPLOAD = "backup:upload"
    SETTINGS_READ = "settings:read"


Command = Literal["cut", "restore", "live", "start", "stop", "dump", "backup"]
COMMANDS: Mapping[Command, Right] = {
    "cut": Right.CHANNEL_CUT,
    "restore": Right.CHANNEL_RESTORE,
    "live": Right.CHANNEL_LIVE,
    "start": Right.CHANNEL_START,
    "stop": Right.CHANNEL_STOP,
    "dump": Right.CHANNEL_DUMP,
    "backup": Right.CHANNEL_BACKUP,
}

API = "/api/v1"
WEBSOCKET, FILES = "WEBSOCKET", "FILES"  # stand in the place of a method
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Method and path (as the route writes it) to the right that the route needs.
ROUTES: Mapping[tuple[str, str], Right] = {
    ("GET", "/healthz"): Right.PUBLIC,
    ("GET", "/"): Right.PUBLIC,  # the page and its files hold nothing secret
    (FILES, ""): Right.PUBLIC,
    ("POST", f"{API}/session"): Right.PUBLIC,
    ("GET", f"{API}/session"): Right.SESSION,
    ("DELETE", f"{API}/session"): Right.SESSION,
    ("GET", f"{API}/openapi.json"): Right.SESSION,
    ("GET", f"{API}/state"): Right.CHANNEL_VIEW,
    **{("POST", f"{API}/channels/{{channel}}/{command}"): right for command, right in COMMANDS.items()},
    ("GET", f"{API}/settings"): Right.SETTINGS_READ,
    ("GET", f"{API}/channels"): Right.SETTINGS_READ,
    ("POST", f"{API}/channels"): Right.CHANNEL_SETTINGS,
    ("PATCH", f"{API}/channels/{{channel}}"): Right.CHANNEL_SETTINGS,
    ("DELETE", f"{API}/channels/{{channel}}"): Right.CHANNEL_SETTINGS,
    ("POST", f"{API}/channels/{{channel}}/key"): Right.CHANNEL_SETTINGS,
    ("POST", f"{API}/channels/{{channel}}/destinations"): Right.DESTINATION_ENTER,
    ("PATCH", f"{API}/channels/{{channel}}/destinations/{{destination}}"): Right.DESTINATION_ENTER,
    ("DELETE", f"{API}/channels/{{channel}}/destinations/{{destination}}"): Right.DESTINATION_ENTER,
    ("POST", f"{API}/channels/{{channel}}/destinations/{{destination}}/approve"): Right.DESTINATION_APPROVE,
    ("PUT", f"{API}/channels/{{channel}}/backups/{{filename}}"): Right.BACKUP_UPLOAD,
    ("GET", f"{API}/channels/{{channel}}/backups/{{filename}}"): Right.SETTINGS_READ,
    ("DELETE", f"{API}/channels/{{channel}}/backups/{{filename}}"): Right.BACKUP_UPLOAD,
    ("POST", f"{API}/channels/{{channel}}/rehearsal"): Right.BACKUP_UPLOAD,
    ("GET", f"{API}/channels/{{channel}}/rehearsal"): Right.SETTINGS_READ,
    ("DELETE", f"{API}/channels/{{channel}}/rehearsal"): Right.BACKUP_UPLOAD,
    ("POST", f"{API}/undo/{{undo}}"): Right.SESSION,  # the handler asks for the right of the removal
    (WEBSOCKET, f"{API}/ws"): Right.CHANNEL_VIEW,
    (WEBSOCKET, f"{API}/preview/{{channel}}/pvw"): Right.CHANNEL_VIEW,
    (WEBSOCKET, f"{API}/preview/{{channel}}/pgm"): Right.CHANNEL_VIEW,
    # Addresses with nothing behind them: answered in the console's own form.
    **{(method, "/api/{path:path}"): Right.SESSION for method in ANY_METHOD},
    (WEBSOCKET, "/{path:path}"): Right.PUBLIC,
}


def is_upload(method: str, path: str) -> bool:
    """Say whether an address, as it was asked for, takes a whole file."""
    parts = path.removeprefix(API).split("/")
    return method == "PUT" and parts[:2] == ["", "channels"] and len(parts) == 5 and parts[3] == "backups"


PUBLIC_ROUTES = frozenset(route for route, right in ROUTES.items() if right is Right.PUBLIC)


def rights_of(session: Session) -> frozenset[Right]:  # noqa: ARG001  there is one kind of person so far
    """Return the rights of a signed-in person: all of them."""
    return frozenset(Right)


def require(session: Session | None, right: Right) -> None:
    """Return when this person has the right.

    Raises:
        Refused: not signed in, or signed in without the right.
    """
    if right is Right.PUBLIC:
        return
    if session is None:
        raise Refused(NO_SESSION)
    if right not in rights_of(session):
        raise Refused(FORBIDDEN)


async def authorize(connection: HTTPConnection) -> None:
    """Check the right that the table asks for this route.

    Raises:
        Refused: see `require`; also when the route is not in the table.
    """
    method = connection.scope.get("method", WEBSOCKET)
    right = ROUTES.get((method, connection.scope["route"].path))
    if right is None:
        raise Refused(FORBIDDEN)
    require(connection.scope.get("session"), right)
