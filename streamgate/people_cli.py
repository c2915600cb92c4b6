"""`streamgate user`, `token`, `secrets`: people, programs and keys, directly in the database.

They work with `serve` running and without; a running console reads changes within a second.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer, writing
from streamgate.errors import Refused
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from console.auth.remembered import Memory
    from streamgate.store.users import Grant

DAY_S = 86400.0
MAX_PASSWORD_BYTES = 4096


def _group(about: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=about)


user_app = _group("Make, list and change people; end their access.")
token_app = _group("Give programs a token, list and revoke them.")
secrets_app = _group("The key that encrypts secrets at rest.")

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_User = Annotated[str, typer.Argument(metavar="NAME", help="User name.")]
_Token = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token.")]
_ROLES = "ROLE or ROLE@CHANNEL, separated by commas; may be repeated."


# ---------------------------------------------------------------- people


@user_app.command("add")
def user_add(
    ctx: typer.Context,
    name: _User,
    *,
    role: Annotated[list[str], typer.Option(metavar="ROLE[,ROLE]", help=_ROLES)],
    display_name: Annotated[str, typer.Option(metavar="TEXT", help="The name that is shown.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    must_change: Annotated[
        bool, typer.Option("--must-change", help="The person chooses another password at first.")
    ] = False,
    json: _Json = False,
) -> None:
    """Make a person: with a password from standard input, or with a one-time link to choose one."""
    from console.auth import accounts, passwords
    from streamgate.clock import wall_s

    grants = _grants(role)
    told = [str(grant) for grant in grants]
    answer: dict[str, object] = {"user": name, "roles": told}
    if password_stdin:
        hashed = passwords.choose(_read_password(), (name, display_name), ())
        with (
            decided(ctx.obj, "person.add", username=name, display_name=display_name, roles=told),
            writing(ctx.obj) as session,
        ):
            accounts.add(
                session,
                name,
                grants,
                hashed,
                by=cli_actor(),
                at=wall_s(),
                display_name=display_name,
                must_change=must_change,
            )
        print_answer(json, answer, f"{name}: {', '.join(told)}")
        return
    with (
        decided(ctx.obj, "person.invite", username=name, display_name=display_name, roles=told),
        writing(ctx.obj) as session,
    ):
        link = accounts.invite(session, name, grants, by=cli_actor(), at=wall_s(), display_name=display_name)
    _print_link(ctx.obj, json, answer, link.token, link.expires_at)


@user_app.command("list")
def user_list(ctx: typer.Context, json: _Json = False) -> None:
    """Show everybody, with roles and when they signed in last."""
    from streamgate.store import factors, users

    with writing(ctx.obj) as session:
        found = users.list_all(session)
        with_totp = factors.with_totp(session, [user.id for user, _ in found])
    people = [
        {
            "user": user.username,
            "display_name": user.display_name,
            "roles": [str(grant) for grant in grants],
            "disabled": user.disabled_at is not None,
            "invited": user.password_hash is None,
            "totp": user.id in with_totp,
            "created_at": user.created_at,
            "created_by": user.created_by,
            "last_sign_in_at": user.last_sign_in_at,
        }
        for user, grants in found
    ]
    lines = [
        f"{person['user']}: {', '.join(str(grant) for grant in grants) or 'no role'}"
        f"{', disabled' if person['disabled'] else ''}{', invited' if person['invited'] else ''}"
        for person, (_, grants) in zip(people, found, strict=True)
    ]
    print_answer(json, {"users": people}, "\n".join(lines) or "nobody yet")


@user_app.command("disable")
def user_disable(ctx: typer.Context, name: _User, json: _Json = False) -> None:
    """End somebody's access: sessions end and pages close within a second. The name stays on record."""
    from console.auth import accounts
    from streamgate.clock import wall_s

    with (
        decided(ctx.obj, "person.change", username=name, disabled=True) as deciding,
        writing(ctx.obj) as session,
        accounts.keep_an_administrator(session),
    ):
        user_id = accounts.require_user(session, name).id
        deciding.note_change("disabled", not accounts.disable(session, name, at=wall_s()), True)
    _memory(ctx.obj).forget(user_id=user_id)
    print_answer(json, {"user": name, "disabled": True}, f"{name}: disabled")


@user_app.command("enable")
def user_enable(ctx: typer.Context, name: _User, json: _Json = False) -> None:
    """Let somebody who was disabled sign in again."""
    from console.auth import accounts

    with (
        decided(ctx.obj, "person.change", username=name, disabled=False) as deciding,
        writing(ctx.obj) as session,
    ):
        deciding.note_change("disabled", accounts.enable(session, name), False)
    print_answer(json, {"user": name, "disabled": False}, f"{name}: enabled")


@user_app.command("reset")
def user_reset(
    ctx: typer.Context,
    name: _User,
    *,
    totp: Annotated[bool, typer.Option("--totp", help="Forget the second factor, too.")] = False,
    json: _Json = False,
) -> None:
    """End somebody's password and sessions, and print a one-time link to choose a new one."""
    from console.auth import accounts
    from streamgate.clock import wall_s

    with decided(ctx.obj, "person.reset", username=name, totp=totp), writing(ctx.obj) as session:
        user_id = accounts.require_user(session, name).id
        link = accounts.reset(session, name, by=cli_actor(), at=wall_s(), second_factor=totp)
    _memory(ctx.obj).forget(user_id=user_id)
    _print_link(ctx.obj, json, {"user": name}, link.token, link.expires_at)


@user_app.command("roles")
def user_roles(
    ctx: typer.Context,
    name: _User,
    roles: Annotated[list[str], typer.Argument(metavar="ROLE[,ROLE]", help=_ROLES)],
    json: _Json = False,
) -> None:
    """Give somebody exactly these roles."""
    from console.auth import accounts
    from streamgate.clock import wall_s
    from streamgate.store import users

    grants = _grants(roles)
    told = [str(grant) for grant in grants]
    with (
        decided(ctx.obj, "person.change", username=name, roles=told) as deciding,
        writing(ctx.obj) as session,
        accounts.keep_an_administrator(session),
    ):
        before = [str(one) for one in users.roles(session, accounts.require_user(session, name).id)]
        user_id = accounts.set_roles(session, name, grants, by=cli_actor(), at=wall_s()).id
        deciding.note_change("roles", before, told)
    _memory(ctx.obj).forget(user_id=user_id)
    print_answer(json, {"user": name, "roles": told}, f"{name}: {', '.join(told)}")


# ---------------------------------------------------------------- programs

_SHORT_SCOPES = {"review": "review:read"}  # programs read comments, and do nothing else with them


@token_app.command("add")
def token_add(
    ctx: typer.Context,
    name: _Token,
    *,
    scope: Annotated[
        list[str],
        typer.Option(metavar="SCOPE[,SCOPE]", help="channel:view, channel:cut ...; may be repeated."),
    ],
    channel: Annotated[str | None, typer.Option(metavar="CHANNEL", help="Only this channel.")] = None,
    days: Annotated[float | None, typer.Option(metavar="DAYS", min=0.01, help="How long it is good.")] = None,
    json: _Json = False,
) -> None:
    """Make a token for a program. It is shown this once."""
    from console.auth.people import add_token
    from streamgate.clock import wall_s

    now = wall_s()
    expires_at = None if days is None else now + days * DAY_S
    scopes = [_SHORT_SCOPES.get(one, one) for given in scope for one in given.split(",") if one]
    given: dict[str, Any] = {"name": name, "scopes": scopes, "channel": channel, "expires_at": expires_at}
    with decided(ctx.obj, "token.add", **given), writing(ctx.obj) as session:
        token = add_token(session, name, scopes, channel, expires_at, by=cli_actor(), at=now)
    answer: dict[str, object] = {
        "name": name,
        "token": token,
        "scopes": scopes,
        "channel": channel,
        "expires_at": expires_at,
    }
    text = f"{token}    (shown this once; take it back with: streamgate token revoke {name})"
    print_answer(json, answer, text)


@token_app.command("list")
def token_list(ctx: typer.Context, json: _Json = False) -> None:
    """Show all tokens, also those that were revoked, without the secrets themselves."""
    from streamgate.store import api_tokens

    with writing(ctx.obj) as session:
        rows = api_tokens.list_all(session)
    tokens = [
        {
            "name": row.name,
            "scopes": row.scopes,
            "channel": row.channel,
            "created_at": row.created_at,
            "created_by": row.created_by,
            "expires_at": row.expires_at,
            "last_used_at": row.last_used_at,
            "revoked_at": row.revoked_at,
        }
        for row in rows
    ]
    lines = [
        f"{row.name}: {', '.join(row.scopes)} on {row.channel or 'all channels'}"
        f"{', revoked' if row.revoked_at is not None else ''}"
        for row in rows
    ]
    print_answer(json, {"tokens": tokens}, "\n".join(lines) or "none yet")


@token_app.command("revoke")
def token_revoke(ctx: typer.Context, name: _Token, json: _Json = False) -> None:
    """Revoke a token: it is refused within a second, and its connections close."""
    from streamgate.clock import wall_s
    from streamgate.store import api_tokens

    with decided(ctx.obj, "token.revoke", name=name), writing(ctx.obj) as session:
        if not api_tokens.revoke(session, name, at=wall_s()):
            raise Refused(f"there is no token {name} in force; look at: streamgate token list")
    _memory(ctx.obj).forget(token=name)
    print_answer(json, {"name": name, "revoked": True}, f"{name}: revoked")


# ---------------------------------------------------------------- secrets


@secrets_app.command("rotate")
def secrets_rotate(ctx: typer.Context, json: _Json = False) -> None:
    """Make a new key, encrypt everything with it, and drop the old one. Safe to repeat."""
    from streamgate.archive.copy.login import read_login, store_login
    from streamgate.incidents.chain import ChainFile
    from streamgate.runtime.channels import ChannelStore
    from streamgate.runtime.secret_box import SecretBox
    from streamgate.store import factors

    with decided(ctx.obj, "secrets.rotate") as deciding:
        box = SecretBox(ctx.obj.root)
        ctx.obj.create()
        box.begin_rotation()
        with writing(ctx.obj) as session:
            rows = factors.secrets(session)
            for row in rows:
                row.secret = box.encrypt(box.decrypt(row.secret))
        store = ChannelStore(ctx.obj.root)
        if broken := [error.text for error in store.load_all().errors]:
            raise Refused(
                f"the old key stays, too, until every channel file can be read: {'; '.join(broken)}"
            )
        files = store.seal(anew=True)
        if (login := read_login(ctx.obj.root, box)) is not None:
            store_login(ctx.obj.root, login, box)
        ChainFile(ctx.obj.root).seal_anew()
        box.end_rotation()
        deciding.args |= {"people": len(rows), "channels": files}
    print_answer(
        json,
        {"rotated": len(rows) + files, "people": len(rows), "channels": files},
        f"a new key is in force; {len(rows)} people's and {files} channels' secrets were encrypted with it",
    )


# ---------------------------------------------------------------- helpers


def has_administrator(places: DataDir) -> bool:
    """Return whether somebody can sign in as an administrator. Raises StoreError."""
    from streamgate.store import users

    with writing(places) as session:
        return users.count_administrators(session) > 0


def _memory(places: DataDir) -> "Memory":
    """Return the accounts kept for a console that starts without the database; a running one updates them."""
    from console.auth.remembered import Memory

    return Memory(places.root)


def _grants(roles: list[str]) -> list["Grant"]:
    from streamgate.store.users import Grant

    return [Grant.parse(one) for given in roles for one in given.split(",") if one.strip()]


def _read_password() -> str:
    """Return the password from standard input, without the line's end. Everybody could read arguments."""
    data = sys.stdin.buffer.read(MAX_PASSWORD_BYTES + 1)
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Refused("the password on standard input is not UTF-8; write it so") from None


def _print_link(
    places: DataDir, json: bool, answer: dict[str, object], token: str, expires_at: float
) -> None:
    from streamgate.config import load

    serving = places.serving()
    if serving is not None and serving.page:
        page = serving.page
    else:
        settings = load(places.root)
        page = settings.page_url(str(settings.console.reachable()))
    link = f"{page}/one-time#{token}"
    print_answer(json, {**answer, "link": link, "expires_at": expires_at}, link)
