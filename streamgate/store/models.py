"""The tables of the database, for people and their rights. Migrations make them; this module reads them.

Times are seconds since the epoch, UTC, as double precision: SQLite has no type for a time zone and would drop
it, and every other record of streamgate (ledger, archive, catalog) counts the same way. Text columns have no
declared length but a CHECK, because SQLite ignores a declared length. People are disabled, never deleted:
what they did keeps its name.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from streamgate.core.actor import fold
from streamgate.store.roles import ROLES

LINK_KINDS = ("setup", "invite", "reset")
APPROVAL_WAYS = ("console", "command-line")
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
USERNAME_CHARS = 64
DISPLAY_CHARS = 128
ADDRESS_CHARS = 64
AGENT_CHARS = 256
ACTOR_CHARS = 128


def clip(text: str, chars: int) -> str:
    """Return text from outside as both engines take it: no NUL, no lone surrogate, at most `chars` long."""
    return text[:chars].replace("\0", "�").encode("utf-8", "replace").decode()


def one_of(column: str, allowed: Sequence[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in allowed)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def at_most(column: str, chars: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"length({column}) <= {chars}", name=f"{column}_length")


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        float: sa.Double,
        list[str]: sa.JSON,
        bytes: sa.LargeBinary,
    }


class User(Base):
    """A named person. `password_hash` is None until the person has chosen one."""

    __tablename__ = "users"
    __table_args__ = (
        sa.CheckConstraint(f"length(username) BETWEEN 1 AND {USERNAME_CHARS}", name="username_length"),
        at_most("display_name", DISPLAY_CHARS),
        at_most("created_by", ACTOR_CHARS),
        {"sqlite_autoincrement": True},  # the number of a person is never given to another one
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    username_key: Mapped[str] = mapped_column(unique=True)  # `fold(username)`
    display_name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[float | None]
    must_change: Mapped[bool] = mapped_column(default=False)
    disabled_at: Mapped[float | None]
    created_at: Mapped[float]
    created_by: Mapped[str]
    last_sign_in_at: Mapped[float | None]
    locale: Mapped[str] = mapped_column(default="")

    @validates("username")
    def _set_key(self, _column: str, username: str) -> str:
        self.username_key = fold(username)
        return username


class PasswordHistory(Base):
    """A password hash that a person has had: the newest few may not be chosen again."""

    __tablename__ = "password_history"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    password_hash: Mapped[str]
    set_at: Mapped[float]


class Totp(Base):
    """A person's second factor. `secret` is encrypted. `last_step`: RFC 6238 5.2, a code is good once."""

    __tablename__ = "totp"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), primary_key=True, autoincrement=False)
    secret: Mapped[bytes]
    created_at: Mapped[float]
    confirmed_at: Mapped[float | None]
    last_step: Mapped[int | None] = mapped_column(sa.BigInteger)


class RecoveryCode(Base):
    __tablename__ = "recovery_codes"
    __table_args__ = (sa.UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    code_hash: Mapped[str]
    used_at: Mapped[float | None]


class UserRole(Base):
    """A role of a person. `channel` None: for all channels."""

    __tablename__ = "user_roles"
    __table_args__ = (
        one_of("role", ROLES),
        # NULL never equals NULL in a unique constraint, so there are two of them.
        sa.Index(
            "uq_user_roles_everywhere",
            "user_id",
            "role",
            unique=True,
            sqlite_where=sa.text("channel IS NULL"),
            postgresql_where=sa.text("channel IS NULL"),
        ),
        sa.Index(
            "uq_user_roles_channel",
            "user_id",
            "role",
            "channel",
            unique=True,
            sqlite_where=sa.text("channel IS NOT NULL"),
            postgresql_where=sa.text("channel IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    role: Mapped[str]
    channel: Mapped[str | None]
    granted_at: Mapped[float]
    granted_by: Mapped[str]


class WebSession(Base):
    """A signed-in browser. `id_hash`: hex SHA-256 of what its cookie holds."""

    __tablename__ = "sessions"
    __table_args__ = (
        at_most("address", ADDRESS_CHARS),
        at_most("user_agent", AGENT_CHARS),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended"),
    )

    id_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    created_at: Mapped[float]
    last_seen_at: Mapped[float]
    absolute_expires_at: Mapped[float]
    address: Mapped[str]
    user_agent: Mapped[str]
    ended_at: Mapped[float | None]
    ended_why: Mapped[str | None]


class OneTimeLink(Base):
    """A link that is good once. `roles`: what an invited person will be."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        one_of("kind", LINK_KINDS),
        sa.CheckConstraint("kind <> 'reset' OR user_id IS NOT NULL", name="reset_names_a_user"),
    )

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    roles: Mapped[list[str]]
    created_by: Mapped[str]
    created_at: Mapped[float]
    expires_at: Mapped[float]
    used_at: Mapped[float | None]


class SignIn(Base):
    """One attempt to sign in. `username_key` counts attempts on names that belong to nobody, too."""

    __tablename__ = "sign_in_log"
    __table_args__ = (
        at_most("username", USERNAME_CHARS),
        at_most("address", ADDRESS_CHARS),
        at_most("result", 32),
        sa.Index(None, "username_key", "at"),
        sa.Index(None, "address", "at"),
        sa.Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float]
    username: Mapped[str]  # as typed
    username_key: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    address: Mapped[str]
    result: Mapped[str]


class ApiToken(Base):
    """A program's right to act. `channel` None: all channels; `expires_at` None: until it is revoked."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name="name_length"),
        sa.Index(
            "uq_api_tokens_name",
            "name",
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    channel: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    last_used_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


class DestinationApproval(Base):
    """Who entered a push destination and who approved it (R13). `url_hash`: hex SHA-256 of the whole URL.

    `entered_by` and `approved_by` are actors ("console:alice", "cli:root"). `via`: how it was approved.
    """

    __tablename__ = "destination_approvals"
    __table_args__ = (
        one_of("via", APPROVAL_WAYS),
        sa.CheckConstraint("approved_by <> entered_by OR via = 'command-line'", name="two_people"),
        sa.CheckConstraint("(approved_at IS NULL) = (approved_by IS NULL)", name="approved_by_whom"),
        sa.CheckConstraint("(approved_at IS NULL) = (via IS NULL)", name="approved_via"),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn_by_whom"),
        sa.Index(
            "uq_destination_approvals_in_force",
            "channel",
            "destination",
            "url_hash",
            unique=True,
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    destination: Mapped[str]
    url_hash: Mapped[str]
    entered_by: Mapped[str]
    entered_at: Mapped[float]
    approved_by: Mapped[str | None]
    approved_at: Mapped[float | None]
    via: Mapped[str | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[float | None]


class Setting(Base):
    """A setting that people change on the page, as JSON."""

    __tablename__ = "settings"
    __table_args__ = (sa.CheckConstraint("length(key) BETWEEN 1 AND 64", name="key_length"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(sa.JSON)
    changed_by: Mapped[str]
    changed_at: Mapped[float]
