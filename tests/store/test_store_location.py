"""The setting `database`: what it may be, and what of it is ever shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.store.location import check, holds_password, locate, redact


@pytest.mark.parametrize(
    ("setting", "shown", "secret"),
    [
        ("sqlite", "sqlite", False),
        ("postgresql+psycopg://gate@db/streamgate", "postgresql+psycopg://gate@db/streamgate", False),
        ("postgresql://gate:pw@db:5433/sg", "postgresql://gate:***@db:5433/sg", True),
        ("postgresql://gate:p%40w@[::1]:5433/sg", "postgresql://gate:***@[::1]:5433/sg", True),
        ("postgresql://gate@/sg?host=/run/pg&password=pw", "postgresql://gate@/sg?host=/run/pg", True),
        ("postgresql://db/sg?sslmode=require&sslkey=x", "postgresql://db/sg?sslmode=require", False),
    ],
)
def test_what_is_allowed(setting: str, shown: str, secret: bool) -> None:
    check(setting)

    assert redact(setting) == shown
    assert holds_password(setting) is secret


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("mysql://root:pw@host/db", "mysql://***"),
        ("postgresql://gate:pw@host", "postgresql://***"),
        ("postgresql://gate:pw@host:x/db", "postgresql://***"),
        ("postgresql://gate:p#w@host/db", "postgresql://***"),
        ("postgresql://gate:0/pw@host/db", "postgresql://***"),
        ("gate:pw@host/db", "***"),
        ("sqllite", "sqllite"),
        ("postgresql://[gate:pw@host/db", "postgresql://***"),
    ],
)
def test_what_is_refused_and_shown_without_its_password(setting: str, shown: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check(setting)

    assert "pw" not in str(caught.value)
    assert redact(setting) == shown


@given(st.text(st.characters(exclude_characters="*", exclude_categories=("Cs",)), min_size=6, max_size=30))
def test_no_password_is_ever_shown(password: str) -> None:
    for setting in (f"postgresql://u:{password}@h/d", f"postgresql://u@h/d?password={password}"):
        shown = redact(setting)
        assert password not in shown
        if holds_password(setting):
            try:
                told = repr(locate(setting, Path("/data")))
            except ValueError as error:
                told = str(error)
            assert password not in told


def test_places_in_the_data_directory() -> None:
    location = locate("sqlite", Path("/data"))

    assert (location.kind, location.file) == ("sqlite", Path("/data/streamgate.sqlite"))
    assert location.backups == Path("/data/database-backups")


def test_a_server_is_spoken_to_through_psycopg_whatever_the_setting_calls_it() -> None:
    location = locate("postgresql://gate:p%40w@db/sg", Path("/data"))

    assert location.url == "postgresql+psycopg://gate:p%40w@db/sg"
    assert location.password == "p@w"
