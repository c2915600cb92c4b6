"""Rights: which role has which, and the one table of what each address and each command needs.

A request reaches a route through `authorize` (a dependency of the whole application), a command on the page's
websocket through `require`. A route that is not in the table is refused to everybody.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from starlette.requests import HTTPConnection

from console.auth.principals import Bearer, Principal, Session
from console.problems import (
    FORBIDDEN,
    NO_SESSION,
    PASSWORD_EXPIRED,
    SESSION_IDLE,
    TOTP_SETUP,
    Problem,
    Refused,
)
from streamgate.store.roles import ROLES


class Right(StrEnum):
    """What somebody must have to use a route. The values are stable: pages and tokens name them."""

    PUBLIC = "public"  # anybody, signed in or not
    SESSION = "session"  # anybody who is signed in, whatever the session is limited to
    OWN_PASSWORD = "own:password"  # noqa: S105  no password
    OWN_TOTP = "own:totp"
    OWN_ACCOUNT = "own:account"
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
    AUDIT_READ = "audit:read"
    PEOPLE_READ = "people:read"
    PEOPLE_MANAGE = "people:manage"
    TOKENS_READ = "tokens:read"
    TOKENS_MANAGE = "tokens:manage"
    REVIEW_READ = "review:read"
    REVIEW_DECIDE = "review:decide"  # in which stages, the review machine judges by the roles
    INTERACTION = "interaction:set"
    TERMS = "terms:add"
    ARCHIVE_READ = "archive:read"
    INCIDENT_NOTE = "incident:note"
    INCIDENT_READ = "incident:read"
    INCIDENT_WRITE = "incident:write"  # complete, join, dismiss
    ARCHIVE_HOLD = "archive:hold"
    ARCHIVE_LIFT = "archive:lift"
    ARCHIVE_EXPORT = "archive:export"
    STORAGE_READ = "storage:read"
    DUTY_TAKE = "duty:take"  # step in, hand over, take over
    DUTY_ROSTER = "duty:roster"  # edit the roster; read what others practised
    PRACTICE = "practice:run"


Command = Literal[
    "cut", "restore", "live", "start", "stop", "dump", "backup", "condemn", "redact", "move", "lift", "uncut"
]
COMMANDS: Mapping[Command, Right] = {
    "cut": Right.CHANNEL_CUT,
    "restore": Right.CHANNEL_RESTORE,
    "live": Right.CHANNEL_LIVE,
    "start": Right.CHANNEL_START,
    "stop": Right.CHANNEL_STOP,
    "dump": Right.CHANNEL_DUMP,
    "backup": Right.CHANNEL_BACKUP,
    "condemn": Right.CHANNEL_DUMP,
    "redact": Right.CHANNEL_DUMP,
    "move": Right.CHANNEL_DUMP,  # what uncovers anything needs the right to restore as well: the gate is told
    "lift": Right.CHANNEL_RESTORE,
    "uncut": Right.CHANNEL_RESTORE,
}

# ---------------------------------------------------------------- roles

_OWN = frozenset({Right.PUBLIC, Right.SESSION, Right.OWN_PASSWORD, Right.OWN_TOTP, Right.OWN_ACCOUNT})
_VIEW = frozenset({Right.CHANNEL_VIEW, Right.REVIEW_READ})
# Incidents show recordings: who may not see these notes what is going on, and reads no incidents.
_NOTE = frozenset({Right.INCIDENT_NOTE})
_INCIDENTS = _NOTE | {Right.INCIDENT_READ, Right.INCIDENT_WRITE}
_DUTY = frozenset({Right.DUTY_TAKE})
_PRACTICE = _DUTY | {Right.PRACTICE}  # who may cut
_REVIEW = _VIEW | _NOTE | _DUTY | {Right.REVIEW_DECIDE}
_PREPARE = frozenset({Right.SETTINGS_READ, Right.BACKUP_UPLOAD})
_DESTINATIONS = frozenset({Right.DESTINATION_ENTER, Right.DESTINATION_APPROVE})
_OPERATE = (
    _VIEW
    | {Right.CHANNEL_CUT, Right.CHANNEL_DUMP, Right.CHANNEL_BACKUP, Right.CHANNEL_LIVE, Right.INTERACTION}
    | _PREPARE
    | _INCIDENTS
    | _PRACTICE
    | {Right.ARCHIVE_READ, Right.ARCHIVE_HOLD, Right.STORAGE_READ}
)
_RECORDS = frozenset({Right.ARCHIVE_HOLD, Right.ARCHIVE_LIFT, Right.ARCHIVE_EXPORT})
_AUDIT = frozenset({Right.AUDIT_READ})
_DIRECT = _OPERATE | {Right.CHANNEL_START, Right.CHANNEL_STOP, Right.CHANNEL_RESTORE} | _DESTINATIONS | _AUDIT
_DIRECT |= _RECORDS | {Right.DUTY_ROSTER}
_READ = (
    _VIEW
    | {Right.PEOPLE_READ, Right.TOKENS_READ, Right.SETTINGS_READ, Right.ARCHIVE_READ, Right.INCIDENT_READ}
    | {Right.STORAGE_READ}
    | _AUDIT
)
_MANAGE = frozenset({Right.PEOPLE_MANAGE, Right.TOKENS_MANAGE, Right.CHANNEL_SETTINGS})
_WORDS = frozenset({Right.INTERACTION, Right.TERMS})
_ADMINISTER = _READ | _MANAGE | _PREPARE | _DESTINATIONS | _WORDS | _INCIDENTS | _RECORDS
# The administrator cuts, as whoever watches air with authority may, and undoes nothing on air: that is the
# director's. Comments are decided on by reviewers alone; they see no recordings, where what
# was condemned stands, too.
ROLE_RIGHTS: Mapping[str, frozenset[Right]] = {
    "administrator": _ADMINISTER | _PRACTICE | {Right.CHANNEL_CUT, Right.DUTY_ROSTER},
    "director": _DIRECT,
    "operator": _OPERATE,
    "reviewer": _REVIEW,
    "senior-reviewer": _REVIEW | {Right.TERMS},
    "chief-reviewer": _REVIEW | {Right.TERMS},
    "auditor": _READ | {Right.ARCHIVE_EXPORT},
}
assert set(ROLE_RIGHTS) == set(ROLES)
SCOPES = frozenset({Right.CHANNEL_VIEW, *COMMANDS.values(), Right.REVIEW_READ})
"""What a token may be given. Programs read comments; they never decide on one (R26)."""
_LIMITED: Mapping[str, frozenset[Right]] = {
    "password_expired": frozenset({Right.PUBLIC, Right.SESSION, Right.OWN_PASSWORD}),
    "totp_setup": frozenset({Right.PUBLIC, Right.SESSION, Right.OWN_TOTP}),
}
_IDLE = frozenset({Right.PUBLIC, Right.SESSION, Right.CHANNEL_VIEW, Right.CHANNEL_CUT})

# ---------------------------------------------------------------- routes

API = "/api/v1"
_REVIEW_OF = f"{API}/review/{{channel}}"
_INCIDENT = f"{API}/incidents/{{channel}}/{{incident}}"
_ARCHIVE = f"{API}/archive/{{channel}}"
_CHANNEL = f"{API}/channels/{{channel}}"
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
    ("GET", f"{API}/one-time/{{token}}"): Right.PUBLIC,
    ("POST", f"{API}/one-time/{{token}}"): Right.PUBLIC,
    ("GET", f"{API}/openapi.json"): Right.OWN_ACCOUNT,
    ("GET", f"{API}/me"): Right.OWN_ACCOUNT,
    ("POST", f"{API}/me/password"): Right.OWN_PASSWORD,
    ("POST", f"{API}/me/totp"): Right.OWN_TOTP,
    ("POST", f"{API}/me/totp/confirm"): Right.OWN_TOTP,
    ("DELETE", f"{API}/me/totp"): Right.OWN_ACCOUNT,
    ("POST", f"{API}/me/recovery-codes"): Right.OWN_ACCOUNT,
    ("GET", f"{API}/me/sessions"): Right.OWN_ACCOUNT,
    ("DELETE", f"{API}/me/sessions"): Right.OWN_ACCOUNT,
    ("DELETE", f"{API}/me/sessions/{{session_id}}"): Right.OWN_ACCOUNT,
    ("GET", f"{API}/me/keys"): Right.OWN_ACCOUNT,
    ("PUT", f"{API}/me/keys"): Right.OWN_ACCOUNT,
    ("GET", f"{API}/users"): Right.PEOPLE_READ,
    ("PATCH", f"{API}/users/{{username}}"): Right.PEOPLE_MANAGE,
    ("POST", f"{API}/users/{{username}}/reset"): Right.PEOPLE_MANAGE,
    ("GET", f"{API}/sign-ins"): Right.PEOPLE_READ,
    ("POST", f"{API}/invitations"): Right.PEOPLE_MANAGE,
    ("GET", f"{API}/tokens"): Right.TOKENS_READ,
    ("POST", f"{API}/tokens"): Right.TOKENS_MANAGE,
    ("DELETE", f"{API}/tokens/{{name}}"): Right.TOKENS_MANAGE,
    ("GET", f"{API}/state"): Right.CHANNEL_VIEW,
    **{("POST", f"{API}/channels/{{channel}}/{command}"): right for command, right in COMMANDS.items()},
    ("GET", f"{API}/channels/{{channel}}/stills/{{number}}"): Right.CHANNEL_VIEW,
    ("GET", f"{API}/settings"): Right.SETTINGS_READ,
    # The handlers show those with the right on some channels the records of those alone.
    ("GET", f"{API}/audit"): Right.AUDIT_READ,
    ("GET", f"{API}/audit/export"): Right.AUDIT_READ,
    ("GET", f"{API}/audit/verified"): Right.AUDIT_READ,
    ("POST", f"{API}/audit/verified"): Right.AUDIT_READ,  # reads, and changes nothing
    ("GET", f"{API}/channels"): Right.SETTINGS_READ,
    ("POST", f"{API}/channels"): Right.CHANNEL_SETTINGS,
    ("PATCH", f"{API}/channels/{{channel}}"): Right.CHANNEL_SETTINGS,
    ("DELETE", f"{API}/channels/{{channel}}"): Right.CHANNEL_SETTINGS,
    ("POST", f"{API}/channels/{{channel}}/key"): Right.CHANNEL_SETTINGS,
    ("POST", f"{API}/channels/{{channel}}/standby/key"): Right.CHANNEL_SETTINGS,
    ("DELETE", f"{API}/channels/{{channel}}/standby"): Right.CHANNEL_SETTINGS,
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
    ("GET", f"{_REVIEW_OF}/queue"): Right.REVIEW_READ,
    ("GET", f"{_REVIEW_OF}/cards/{{card_id}}"): Right.REVIEW_READ,
    ("GET", f"{_REVIEW_OF}/cards/{{card_id}}/author"): Right.REVIEW_READ,
    ("POST", f"{_REVIEW_OF}/deal"): Right.REVIEW_DECIDE,
    ("POST", f"{_REVIEW_OF}/cards/{{card_id}}/claim"): Right.REVIEW_DECIDE,
    ("DELETE", f"{_REVIEW_OF}/cards/{{card_id}}/claim"): Right.REVIEW_DECIDE,
    ("POST", f"{_REVIEW_OF}/cards/{{card_id}}/reveal"): Right.REVIEW_DECIDE,
    ("POST", f"{_REVIEW_OF}/decisions"): Right.REVIEW_DECIDE,
    ("POST", f"{_REVIEW_OF}/decisions/batch"): Right.REVIEW_DECIDE,
    ("POST", f"{_REVIEW_OF}/retract"): Right.REVIEW_DECIDE,
    ("GET", f"{_REVIEW_OF}/bans"): Right.REVIEW_READ,
    ("POST", f"{_REVIEW_OF}/bans"): Right.REVIEW_DECIDE,
    ("DELETE", f"{_REVIEW_OF}/bans/{{ban_id}}"): Right.REVIEW_DECIDE,
    ("POST", f"{_REVIEW_OF}/trust"): Right.REVIEW_DECIDE,
    ("POST", f"{_REVIEW_OF}/terms"): Right.TERMS,
    ("GET", f"{_REVIEW_OF}/interaction"): Right.REVIEW_READ,
    ("PUT", f"{_REVIEW_OF}/interaction"): Right.INTERACTION,
    ("GET", f"{_REVIEW_OF}/broadcasts"): Right.REVIEW_READ,
    ("GET", f"{_REVIEW_OF}/report"): Right.REVIEW_READ,
    # These two need the right to read comments as well: the handlers ask for it.
    ("GET", f"{_REVIEW_OF}/export"): Right.AUDIT_READ,
    ("GET", f"{_REVIEW_OF}/form"): Right.AUDIT_READ,
    ("GET", f"{API}/archive/{{channel}}/playlist.m3u8"): Right.ARCHIVE_READ,
    ("GET", f"{API}/archive/{{channel}}/parts/{{day}}/{{name}}"): Right.ARCHIVE_READ,
    ("GET", f"{API}/archive/{{channel}}/aired/{{broadcast}}/{{name}}"): Right.ARCHIVE_READ,
    ("GET", f"{API}/storage"): Right.STORAGE_READ,  # the handler leaves out other channels' use
    ("GET", f"{API}/selfcheck"): Right.AUDIT_READ,  # on all channels: the handler asks for it
    ("POST", f"{API}/channels/{{channel}}/note"): Right.INCIDENT_NOTE,
    ("GET", f"{API}/incidents"): Right.INCIDENT_READ,  # the handler leaves out other channels' ones
    ("GET", _INCIDENT): Right.INCIDENT_READ,
    ("GET", f"{_INCIDENT}/stills/{{number}}"): Right.INCIDENT_READ,
    ("GET", f"{_INCIDENT}/report"): Right.INCIDENT_READ,
    ("GET", f"{API}/archive/{{channel}}/report"): Right.ARCHIVE_READ,  # and that to read comments
    ("POST", f"{_INCIDENT}/escalate"): Right.INCIDENT_WRITE,
    ("POST", f"{_INCIDENT}/acknowledge"): Right.INCIDENT_WRITE,
    ("POST", f"{_INCIDENT}/follow-up"): Right.INCIDENT_WRITE,
    ("POST", f"{_INCIDENT}/close"): Right.INCIDENT_WRITE,
    ("POST", f"{_INCIDENT}/complete"): Right.INCIDENT_WRITE,
    ("POST", f"{_INCIDENT}/join"): Right.INCIDENT_WRITE,
    ("POST", f"{_INCIDENT}/dismiss"): Right.INCIDENT_WRITE,
    ("GET", f"{_ARCHIVE}/days"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/broadcasts"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/timeline"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/expiring"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/events"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/search"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/comments"): Right.ARCHIVE_READ,  # the handler asks for that to read comments, too
    ("GET", f"{_ARCHIVE}/certificate"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/still.jpg"): Right.ARCHIVE_READ,
    ("GET", f"{_ARCHIVE}/holds"): Right.ARCHIVE_READ,
    ("POST", f"{_ARCHIVE}/holds"): Right.ARCHIVE_HOLD,
    ("POST", f"{_ARCHIVE}/holds/{{hold}}/lift"): Right.ARCHIVE_LIFT,
    ("GET", f"{_ARCHIVE}/exports"): Right.ARCHIVE_READ,
    ("POST", f"{_ARCHIVE}/exports"): Right.ARCHIVE_EXPORT,
    ("DELETE", f"{_ARCHIVE}/exports/{{export}}"): Right.ARCHIVE_EXPORT,
    ("GET", f"{_ARCHIVE}/exports/{{export}}/file"): Right.ARCHIVE_EXPORT,
    ("GET", f"{_CHANNEL}/duty"): Right.CHANNEL_VIEW,
    ("GET", f"{_CHANNEL}/duty/people"): Right.DUTY_TAKE,
    ("POST", f"{_CHANNEL}/duty/shifts"): Right.DUTY_ROSTER,
    ("DELETE", f"{_CHANNEL}/duty/shifts/{{shift}}"): Right.DUTY_ROSTER,
    **{
        ("POST", f"{_CHANNEL}/duty/{act}"): Right.DUTY_TAKE
        for act in ("take", "leave", "offer", "withdraw", "accept")
    },
    ("GET", f"{API}/me/reaction"): Right.OWN_ACCOUNT,
    ("PUT", f"{API}/me/reaction"): Right.OWN_ACCOUNT,
    ("GET", f"{API}/practice"): Right.PRACTICE,
    ("POST", f"{API}/practice"): Right.PRACTICE,
    ("DELETE", f"{API}/practice"): Right.PRACTICE,
    ("GET", f"{API}/practices"): Right.PRACTICE,  # the handler shows others' only to who edits rosters
    ("POST", f"{API}/undo/{{undo}}"): Right.SESSION,  # the handler asks for the right of the removal
    (WEBSOCKET, f"{API}/ws"): Right.CHANNEL_VIEW,
    (WEBSOCKET, f"{API}/preview/{{channel}}/pvw"): Right.CHANNEL_VIEW,
    (WEBSOCKET, f"{API}/preview/{{channel}}/pgm"): Right.CHANNEL_VIEW,
    (WEBSOCKET, f"{API}/channels/{{channel}}/conveyor"): Right.CHANNEL_VIEW,
    (WEBSOCKET, f"{_REVIEW_OF}/ws"): Right.REVIEW_READ,
    # Addresses with nothing behind them: answered in the console's own form.
    **{(method, "/api/{path:path}"): Right.SESSION for method in ANY_METHOD},
    (WEBSOCKET, "/{path:path}"): Right.PUBLIC,
}


def is_upload(method: str, path: str) -> bool:
    """Say whether an address, as it was asked for, takes a whole file."""
    parts = path.removeprefix(API).split("/")
    return method == "PUT" and parts[:2] == ["", "channels"] and len(parts) == 5 and parts[3] == "backups"


_PUBLIC = tuple((key[0], key[1].split("/")) for key, right in ROUTES.items() if right is Right.PUBLIC)


def is_public(method: str, path: str) -> bool:
    """Say whether an address, as it was asked for, belongs to a route that needs no session."""
    asked = path.split("/")
    return any(
        method == known
        and len(asked) == len(parts)
        and all(part[:1] == "{" or part == given for part, given in zip(parts, asked, strict=True))
        for known, parts in _PUBLIC
    )


# ---------------------------------------------------------------- the check


def rights_of(who: Principal, channel: str | None = None) -> frozenset[Right]:
    """Return what somebody may do on a channel; without one, on any channel at all."""
    if isinstance(who, Bearer):
        fits = channel is None or who.channel in (None, channel)
        return frozenset(Right(scope) for scope in who.scopes if scope in SCOPES) if fits else frozenset()
    if not isinstance(who, Session):
        return frozenset()
    if who.limit:
        return _LIMITED[who.limit]
    rights = _OWN
    for grant in who.grants:
        if channel is None or grant.channel in (None, channel):
            rights |= ROLE_RIGHTS.get(grant.role, frozenset())
    return rights & _IDLE if who.idle else rights


def rights_everywhere(who: Principal) -> frozenset[Right]:
    """Return what somebody may do on every channel, those that are yet to come included."""
    return rights_of(who, "")  # nobody is given a role on a channel without a name


def rights_by_channel(who: Principal) -> dict[str, frozenset[Right]]:
    """Return the rights on those channels for which somebody was given a role, or a token."""
    if isinstance(who, Session):
        named = {grant.channel for grant in who.grants if grant.channel is not None}
    else:
        named = {who.channel} if isinstance(who, Bearer) and who.channel is not None else set()
    return {channel: rights_of(who, channel) for channel in sorted(named)}


def require(who: Principal | None, right: Right, channel: str | None = None) -> None:
    """Return when somebody has the right on this channel (None: on any).

    Raises:
        Refused: not signed in, signed in without the right, or without it at the moment.
    """
    if right is Right.PUBLIC:
        return
    if who is None or who.ended:
        raise Refused(NO_SESSION)
    if right not in rights_of(who, channel):
        raise Refused(why_not(who))


def require_everywhere(who: Principal, right: Right) -> None:
    """As `require`, for what concerns all channels."""
    if right not in rights_everywhere(who):
        raise Refused(why_not(who))


def why_not(who: Principal) -> Problem:
    """Return why somebody who is signed in may not do something at the moment."""
    if not isinstance(who, Session):
        return FORBIDDEN
    if who.limit:
        return PASSWORD_EXPIRED if who.limit == "password_expired" else TOTP_SETUP
    return SESSION_IDLE if who.idle else FORBIDDEN


async def authorize(connection: HTTPConnection) -> None:
    """Check the right that the table asks for this route.

    Raises:
        Refused: see `require`; also when the route is not in the table.
    """
    method = connection.scope.get("method", WEBSOCKET)
    right = ROUTES.get((method, connection.scope["route"].path))
    if right is None:
        raise Refused(FORBIDDEN)
    require(connection.scope.get("principal"), right, connection.path_params.get("channel"))
