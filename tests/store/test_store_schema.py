"""Migrations and constraints, on both engines: the database itself refuses what must not be."""

import contextlib
import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from streamgate.errors import StoreBrokenError, StoreConflictError
from streamgate.store import version
from streamgate.store.check import check
from streamgate.store.database import Database
from streamgate.store.engine import WRITES, open_engine
from streamgate.store.location import Location
from streamgate.store.models import (
    ROLES,
    ApiToken,
    DestinationApproval,
    OneTimeLink,
    RecoveryCode,
    Setting,
    SignIn,
    User,
    UserRole,
    WebSession,
)
from streamgate.store.tables import METADATA
from streamgate.store.upgrade import upgrade


def execute(location: Location, *statements: str) -> None:
    engine = open_engine(location)
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


@contextlib.contextmanager
def looking(location: Location) -> Iterator[sa.Connection]:
    engine = open_engine(location)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


# ---------------------------------------------------------------- migrations


def test_up_from_nothing_and_up_again_changes_nothing(location: Location) -> None:
    first = upgrade(location)
    second = upgrade(location)

    assert (first.before, first.after, first.backup) == (None, version.head(), None)
    assert (second.before, second.after, second.backup) == (version.head(), version.head(), None)
    report = check(location)
    assert (report.ok, report.problems, report.version) == (True, [], version.head())


def test_the_migrations_make_the_tables_of_the_models(location: Location) -> None:
    upgrade(location)
    with looking(location) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _object, name, kind, *_: (kind, name) != ("table", version.TABLE),
            },
        )
        differences = compare_metadata(context, METADATA)

    assert differences == []


def test_every_constraint_of_the_models_is_in_the_database(location: Location) -> None:
    """Alembic does not compare CHECKs: their names are compared here, their effect is tried below."""
    upgrade(location)
    with looking(location) as connection:
        inspector = sa.inspect(connection)
        made = {one["name"] for table in METADATA.tables for one in inspector.get_check_constraints(table)}

    wanted = {
        str(one.name)
        for table in METADATA.tables.values()
        for one in table.constraints
        if isinstance(one, sa.CheckConstraint)
    }
    assert made == wanted


def test_two_processes_upgrade_at_the_same_time(location: Location) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        done = [pool.apply_async(upgrade, (location,)) for _ in range(3)]
        assert [one.get(60).after for one in done] == [version.head()] * 3

    assert check(location).problems == []


NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "HEAD"


def upgrade() -> None:
    with op.batch_alter_table("users") as table:
        table.alter_column("locale", existing_type=sa.String(), nullable=True)
        table.add_column(sa.Column("phone", sa.String(), nullable=True))
    if op.get_context().opts["fail"]:
        raise RuntimeError("half way")
"""


HEAD = version.head()


def next_migration(*, fails: bool) -> str:
    return NEXT.replace("HEAD", HEAD).replace('op.get_context().opts["fail"]', str(fails))


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A migration after the last one, which rebuilds a table that others point to."""
    directory = tmp_path / "versions"
    directory.mkdir()
    (directory / "next.py").write_text(next_migration(fails=False))
    config = version.config()
    config.set_main_option("path_separator", "newline")
    script = config.get_main_option("script_location")
    config.set_main_option("version_locations", f"{script}/versions\n{directory}")
    monkeypatch.setattr(version, "config", lambda: config)
    version.known.cache_clear()
    yield directory / "next.py"
    version.known.cache_clear()


def fill(location: Location) -> None:
    with Database(location) as database:
        alice = people(database)
        with database.write() as session:
            session.add(session_of(alice))


def test_an_old_schema_is_copied_before_it_is_upgraded(location: Location, request) -> None:
    upgrade(location)
    fill(location)
    request.getfixturevalue("next_version")

    done = upgrade(location)

    assert (done.before, done.after) == (HEAD, "next")
    report = check(location)
    assert (report.version, report.problems) == ("next", [])
    with looking(location) as connection:  # what points to the rebuilt table is still there
        assert connection.scalar(sa.text("SELECT count(*) FROM sessions")) == 1
        assert connection.scalar(sa.text("SELECT count(phone) FROM users")) == 0
    if location.kind == "postgresql":
        assert done.backup is None
        return
    assert done.backup is not None
    assert done.backup.parent == location.backups
    assert done.backup.stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(done.backup)) as copy:
        assert copy.execute("SELECT username FROM users").fetchall() == [("alice",)]
        assert copy.execute(f"SELECT version_num FROM {version.TABLE}").fetchall() == [(HEAD,)]


def test_a_migration_that_fails_leaves_everything_as_it_was(location: Location, request) -> None:
    upgrade(location)
    fill(location)
    script = request.getfixturevalue("next_version")
    script.write_text(next_migration(fails=True))

    with pytest.raises(RuntimeError, match="half way"):
        upgrade(location)

    with looking(location) as connection:
        assert version.current(connection) == HEAD
        assert "phone" not in {one["name"] for one in sa.inspect(connection).get_columns("users")}
        assert connection.scalar(sa.text("SELECT count(*) FROM sessions")) == 1


def test_an_old_schema_is_not_used_before_it_is_upgraded(location: Location, request) -> None:
    upgrade(location)
    request.getfixturevalue("next_version")

    with (
        Database(location) as database,
        pytest.raises(StoreBrokenError, match="needs a newer") as caught,
        database.read(),
    ):
        pass
    assert caught.value.kind == "older"
    assert check(location).ok is False


def test_a_schema_made_by_a_newer_program_is_left_alone(location: Location) -> None:
    upgrade(location)
    execute(location, f"UPDATE {version.TABLE} SET version_num = '9999'")

    with pytest.raises(StoreBrokenError, match="9999, which a newer streamgate made") as caught:
        upgrade(location)
    assert caught.value.kind == "newer"
    with Database(location) as database, pytest.raises(StoreBrokenError, match="newer"), database.read():
        pass
    assert "newer streamgate" in check(location).problems[0]


def test_the_file_is_for_this_user_alone(sqlite: Location) -> None:
    upgrade(sqlite)

    assert sqlite.file.stat().st_mode & 0o777 == 0o600


# ---------------------------------------------------------------- constraints


def people(database: Database) -> int:
    with database.write() as session:
        alice = User(username="alice", created_at=1, created_by="cli:root")
        session.add(alice)
        session.flush()
        return alice.id


def approval(**changes: object) -> DestinationApproval:
    values = {"channel": "main", "destination": "yt", "url_hash": "h", "entered_by": "console:a"}
    return DestinationApproval(**{**values, "entered_at": 1.0, **changes})


def session_of(user_id: int, **changes: object) -> WebSession:
    values = {"id_hash": "h", "user_id": user_id, "created_at": 1.0, "last_seen_at": 1.0}
    rest = {"absolute_expires_at": 9.0, "address": "", "user_agent": ""}
    return WebSession(**{**values, **rest, **changes})


def test_the_database_refuses(database: Database) -> None:
    alice = people(database)
    wrong = {
        "a name in another case": User(username="ALICE", created_at=1, created_by="x"),
        "a name in wide letters": User(username="ＡＬＩＣＥ", created_at=1, created_by="x"),
        "an empty name": User(username="", created_at=1, created_by="x"),
        "a long name": User(username="x" * 65, created_at=1, created_by="x"),
        "a role nobody knows": UserRole(user_id=alice, role="root", granted_at=1, granted_by="x"),
        "a role of nobody": UserRole(user_id=99, role="auditor", granted_at=1, granted_by="x"),
        "a session of nobody": session_of(99),
        "an end without a reason": session_of(alice, ended_at=2.0),
        "a long address": session_of(alice, address="x" * 65),
        "a link of another kind": OneTimeLink(
            token_hash="t", kind="party", roles=[], created_by="x", created_at=1, expires_at=2
        ),
        "a reset for nobody": OneTimeLink(
            token_hash="t", kind="reset", roles=[], created_by="x", created_at=1, expires_at=2
        ),
        "a nameless token": ApiToken(name="", token_hash="t", scopes=[], created_by="x", created_at=1),
        "a long name typed": SignIn(at=1, username="x" * 65, username_key="x", address="", result="ok"),
        "approval by who entered it": approval(approved_by="console:a", approved_at=2.0, via="console"),
        "approval that says not how": approval(approved_by="console:b", approved_at=2.0),
        "approval without a name": approval(approved_at=2.0, via="console"),
        "approval by another way": approval(approved_by="console:b", approved_at=2.0, via="email"),
        "a setting without a name": Setting(key="", value=1, changed_by="x", changed_at=1),
        "a recovery code of nobody": RecoveryCode(user_id=99, code_hash="c"),
    }
    stored = []
    for what, row in wrong.items():
        try:
            with database.write() as session:
                session.add(row)
        except StoreConflictError:
            continue
        stored.append(what)

    assert stored == []


def test_the_database_takes_the_like_of_them_that_are_right(database: Database) -> None:
    alice = people(database)
    with database.write() as session:
        session.add_all(UserRole(user_id=alice, role=role, granted_at=1, granted_by="x") for role in ROLES)
        session.add(session_of(alice, ended_at=2.0, ended_why="signed out"))
        session.add(
            approval(approved_by="cli:root", entered_by="cli:root", approved_at=1, via="command-line")
        )
        session.add(approval(approved_by="console:b", approved_at=1, via="console", url_hash="other"))
        session.add(approval(url_hash="waits"))


@pytest.mark.parametrize("channel", [None, "main"])
def test_a_role_is_given_once(database: Database, channel: str | None) -> None:
    alice = people(database)
    role = {"user_id": alice, "role": "operator", "channel": channel, "granted_at": 1, "granted_by": "x"}
    with database.write() as session:
        session.add(UserRole(**role))

    with pytest.raises(StoreConflictError), database.write() as session:
        session.add(UserRole(**role))


def test_a_person_is_not_deleted_while_anything_names_her(database: Database) -> None:
    alice = people(database)
    with database.write() as session:
        session.add(UserRole(user_id=alice, role="operator", granted_at=1, granted_by="x"))

    with pytest.raises(StoreConflictError), database.write() as session:
        session.execute(sa.delete(User))


def test_a_number_is_never_given_to_another_person(database: Database) -> None:
    alice = people(database)
    with database.write() as session:
        session.execute(sa.delete(User))

    assert people(database) > alice


def test_wordings_of_refusals_hold_no_values(database: Database) -> None:
    people(database)
    with pytest.raises(StoreConflictError) as caught, database.write() as session:
        session.add(User(username="Alice", password_hash="$argon2id$secret", created_at=1, created_by="x"))

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_backup_directory_is_not_made_without_need(sqlite: Location, tmp_path: Path) -> None:
    upgrade(sqlite)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "streamgate.sqlite",
        "streamgate.sqlite.lock",
    ]
