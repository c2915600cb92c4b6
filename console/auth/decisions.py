"""What the ledger says of each route that changes something: the table beside that of the rights.

Members of a body are recorded when they are named here, and no others: a secret is never recorded because
somebody forgot to hide it. A test compares the table with the routes and their bodies.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from console.auth.rights import API, COMMANDS, ROUTES, is_upload
from streamgate.rtmp.url import redact

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MAX_TEXT = 1024
MAX_ITEMS = 64
_EXACT = 2**53


class Told(NamedTuple):
    """`what`: the decision's name. `shown`: members of path and body that are recorded; `hidden`: never."""

    what: str
    shown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()


def _told(what: str, shown: str = "", hidden: str = "") -> Told:
    return Told(what, frozenset(shown.split()), frozenset(hidden.split()))


_CHANNEL = f"{API}/channels/{{channel}}"
_REVIEW = f"{API}/review/{{channel}}"
_CARD = f"{_REVIEW}/cards/{{card_id}}"
_INCIDENT = f"{API}/incidents/{{channel}}/{{incident}}"
_ARCHIVE = f"{API}/archive/{{channel}}"
_DESTINATION = f"{_CHANNEL}/destinations/{{destination}}"
DECISIONS: Mapping[tuple[str, str], Told] = {
    ("POST", f"{API}/session"): _told(
        "session.begin", hidden="username password totp"
    ),  # a record of its own
    ("DELETE", f"{API}/session"): _told("session.end"),
    ("POST", f"{API}/one-time/{{token}}"): _told("link.use", "username display_name", "token password"),
    ("POST", f"{API}/me/password"): _told("own.password", hidden="current password"),
    ("POST", f"{API}/me/totp"): _told("own.totp.begin", "renew", hidden="password"),
    ("POST", f"{API}/me/totp/confirm"): _told("own.totp.confirm", hidden="code"),
    ("DELETE", f"{API}/me/totp"): _told("own.totp.remove", hidden="password"),
    ("POST", f"{API}/me/recovery-codes"): _told("own.recovery_codes", hidden="password"),
    ("DELETE", f"{API}/me/sessions/{{session_id}}"): _told("own.session.end", "session_id"),
    ("DELETE", f"{API}/me/sessions"): _told("own.session.end_others"),
    ("PUT", f"{API}/me/keys"): _told("own.keys", "keys"),
    ("PATCH", f"{API}/users/{{username}}"): _told("person.change", "username display_name roles disabled"),
    ("POST", f"{API}/users/{{username}}/reset"): _told("person.reset", "username totp"),
    ("POST", f"{API}/invitations"): _told("person.invite", "username display_name roles"),
    ("POST", f"{API}/tokens"): _told("token.add", "name scopes channel expires_at"),
    ("DELETE", f"{API}/tokens/{{name}}"): _told("token.revoke", "name"),
    **{
        ("POST", f"{_CHANNEL}/{command}"): _told(
            command, "channel seconds sense clip span with from_s to_s from_at to_at reason"
        )
        for command in COMMANDS
    },
    ("POST", f"{API}/channels"): _told("channel.add", "name delay_s"),
    ("PATCH", _CHANNEL): _told(
        "channel.change", "channel delay_s restore_needs_two dump_s duty_watch duty_ask_min duty_absent_s"
    ),
    ("DELETE", _CHANNEL): _told("channel.remove", "channel"),
    ("POST", f"{_CHANNEL}/key"): _told("channel.key", "channel"),
    # `change`, "rotate" or "remove", is an argument that the handler adds
    ("POST", f"{_CHANNEL}/standby/key"): _told("channel.standby_key", "channel"),
    ("DELETE", f"{_CHANNEL}/standby"): _told("channel.standby_key", "channel"),
    ("POST", f"{_CHANNEL}/destinations"): _told("destination.enter", "channel name url split_headers"),
    ("PATCH", _DESTINATION): _told("destination.change", "channel destination split_headers"),
    ("DELETE", _DESTINATION): _told("destination.remove", "channel destination"),
    ("POST", f"{_DESTINATION}/approve"): _told("destination.approve", "channel destination"),
    ("PUT", f"{_CHANNEL}/backups/{{filename}}"): _told("backup.upload", "channel filename"),
    ("DELETE", f"{_CHANNEL}/backups/{{filename}}"): _told("backup.remove", "channel filename"),
    ("POST", f"{_CHANNEL}/rehearsal"): _told("rehearsal.start", "channel"),
    ("DELETE", f"{_CHANNEL}/rehearsal"): _told("rehearsal.cancel", "channel"),
    ("POST", f"{API}/audit/verified"): _told("audit.verify"),
    # Of a comment its card's number is recorded, never its text or author: a ledger forgets nothing. Notes in
    # a reviewer's own words may quote it; they stand in the database, with the card.
    ("POST", f"{_REVIEW}/deal"): _told("review.deal", "channel stage order"),
    ("POST", f"{_CARD}/claim"): _told("review.claim", "channel card_id"),
    ("DELETE", f"{_CARD}/claim"): _told("review.let_go", "channel card_id"),
    ("POST", f"{_CARD}/reveal"): _told("review.reveal", "channel card_id"),
    ("POST", f"{_REVIEW}/decisions"): _told("review.decide", "channel id version decision reason", "note"),
    # the cards of a batch are an argument that the handler adds
    ("POST", f"{_REVIEW}/decisions/batch"): _told(
        "review.decide_many", "channel decision reason", "cards note"
    ),
    ("POST", f"{_REVIEW}/retract"): _told("review.retract", "channel id reason comment"),
    ("POST", f"{_REVIEW}/bans"): _told("review.ban", "channel card cause minutes"),
    ("DELETE", f"{_REVIEW}/bans/{{ban_id}}"): _told("review.lift_ban", "channel ban_id"),
    ("POST", f"{_REVIEW}/trust"): _told("review.trust", "channel card trusted"),
    ("POST", f"{_REVIEW}/terms"): _told(
        "review.add_term", "channel term severity category expires check_only", "note"
    ),
    ("PUT", f"{_REVIEW}/interaction"): _told(
        "interaction.set",
        "channel comments bullets sharing max_chars slow_s window_s stages authors_told queue_limit",
    ),
    # The words stand in the incident book; the ledger names their hash (an argument that the handler adds).
    ("POST", f"{_CHANNEL}/note"): _told("incident.note", "channel", hidden="text"),
    ("POST", f"{_INCIDENT}/complete"): _told(
        "incident.complete", "channel incident category level aired", "words measures"
    ),
    ("POST", f"{_INCIDENT}/join"): _told("incident.join", "channel incident into reason"),
    **{
        ("POST", f"{_INCIDENT}/{path}"): _told(f"incident.{what}", "channel incident", "words")
        for path, what in (
            ("escalate", "report"),
            ("acknowledge", "acknowledge"),
            ("follow-up", "follow"),
            ("close", "close"),
        )
    },
    ("POST", f"{_INCIDENT}/dismiss"): _told("incident.dismiss", "channel incident reason"),
    ("POST", f"{_ARCHIVE}/holds"): _told("archive.hold", "channel start end broadcast reason"),
    ("POST", f"{_ARCHIVE}/holds/{{hold}}/lift"): _told("archive.release", "channel hold reason"),
    ("POST", f"{_ARCHIVE}/exports"): _told("archive.export.queue", "channel start end kind exact reason"),
    ("DELETE", f"{_ARCHIVE}/exports/{{export}}"): _told("archive.export.remove", "channel export"),
    ("POST", f"{_CHANNEL}/duty/shifts"): _told("duty.plan", "channel user starts_at ends_at broadcast note"),
    ("DELETE", f"{_CHANNEL}/duty/shifts/{{shift}}"): _told("duty.remove", "channel shift"),
    ("POST", f"{_CHANNEL}/duty/take"): _told("duty.take", "channel note"),
    ("POST", f"{_CHANNEL}/duty/leave"): _told("duty.leave", "channel"),
    ("POST", f"{_CHANNEL}/duty/offer"): _told("duty.offer", "channel to note"),
    ("POST", f"{_CHANNEL}/duty/withdraw"): _told("duty.withdraw", "channel"),
    ("POST", f"{_CHANNEL}/duty/accept"): _told("duty.accept", "channel"),
    ("PUT", f"{API}/me/reaction"): _told("own.reaction", "kind chosen_s"),
    ("POST", f"{API}/practice"): _told("practice.start", "marks"),
    ("DELETE", f"{API}/practice"): _told("practice.end"),
    ("POST", f"{API}/undo/{{undo}}"): _told("undo", hidden="undo"),
}
COMMAND_NAMES = frozenset(COMMANDS)
_SEGMENTS: dict[tuple[str, int], list[tuple[str, list[str]]]] = {}
for _method, _path in sorted(ROUTES, key=lambda key: key[1].count("{")):  # a fixed name before a variable one
    if "{path:path}" not in _path:
        _parts = _path.split("/")
        _SEGMENTS.setdefault((_method, len(_parts)), []).append((_path, _parts))


def find_route(method: str, path: str) -> tuple[str, dict[str, str]]:
    """Return the route of an address as the table of rights writes it, and its parameters; "" for none."""
    asked = path.split("/")
    for route, parts in _SEGMENTS.get((method, len(asked)), ()):
        found = {}
        for part, given in zip(parts, asked, strict=True):
            if part[:1] == "{" and given:
                found[part[1:-1]] = given
            elif part != given:
                break
        else:
            return route, found
    return "", {}


def told_of(method: str, route: str) -> Told:
    """Return what is recorded of a route. One that the table forgot is recorded without arguments."""
    return DECISIONS.get((method, route)) or Told(f"{method} {route}".strip())


def keeps_body(method: str, route: str, path: str) -> bool:
    """Say whether the body holds anything to be recorded."""
    told = DECISIONS.get((method, route))
    return told is not None and bool(told.shown) and not is_upload(method, path)


def read_args(told: Told, params: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the arguments to record: of path and body, without secrets, whatever was sent."""
    try:
        sent = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        sent = {}
    given = {**(sent if isinstance(sent, dict) else {}), **params}
    return {name: _plain(name, given[name]) for name in sorted(told.shown) if given.get(name) is not None}


def _plain(name: str, value: Any) -> Any:
    match value:
        case str():
            text = redact(value) if name == "url" or "://" in value else value
            return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
        case bool() | None | float():
            return value
        case int():
            return value if abs(value) < _EXACT else str(value)
        case list() if len(value) <= MAX_ITEMS and not any(isinstance(one, list | dict) for one in value):
            return [_plain(name, one) for one in value]
        case _:
            return "(not what is expected here)"
