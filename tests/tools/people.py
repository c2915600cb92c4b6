"""People for tests: made straight in the database, signed in as a browser does."""

import http.cookiejar
import json
import secrets
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

import pyotp

from console.auth import accounts, passwords
from streamgate.clock import wall_s
from streamgate.errors import StoreError
from streamgate.runtime.secret_box import SecretBox
from streamgate.store import factors, sqlite_file
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.store.users import Grant


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `secret`: of the code generator, "" without one."""

    name: str
    password: str
    secret: str = ""

    def credentials(self, **more: object) -> dict[str, object]:
        return {"username": self.name, "password": self.password, **more}


def until_made(database: Location, seconds: float = 20) -> None:
    """Wait until the database was made: the page of a `serve` that was just started answers before that."""
    end = time.monotonic() + seconds
    while not _is_made(database):
        assert time.monotonic() < end, f"nobody made the database {database.shown} within {seconds} s"
        time.sleep(0.05)


def _is_made(database: Location) -> bool:
    if database.kind == "sqlite":
        return sqlite_file.was_made(database)
    try:
        with Database(database) as opened, opened.read():
            return True
    except StoreError as error:
        if error.kind != "missing":
            raise
        return False


def add_person(
    database: Location,
    name: str,
    roles: Sequence[str],
    *,
    totp: SecretBox | None = None,
    password: str = "",
    display_name: str = "",
) -> Person:
    """Make somebody with a password, and a confirmed second factor when `totp` can encrypt its secret."""
    until_made(database)
    password = password or f"{secrets.token_hex(8)} is what they chose"
    hashed = passwords.hash_password(password)
    secret = "" if totp is None else pyotp.random_base32()
    with Database(database) as opened, opened.write() as session:
        grants = [Grant.parse(role) for role in roles]
        user = accounts.add(session, name, grants, hashed, by="test", at=wall_s(), display_name=display_name)
        if totp is not None:
            factors.set_totp(session, user.id, totp.encrypt(secret.encode()), at=wall_s())
            factors.confirm_totp(session, user.id, at=wall_s())
    return Person(name, password, secret)


def sign_in(url: str, person: Person) -> tuple[str, str]:
    """Sign in at a console; return name and value of the session's cookie."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    request = urllib.request.Request(
        f"{url}/api/v1/session",
        json.dumps(person.credentials()).encode(),
        {"content-type": "application/json"},
    )
    with opener.open(request, timeout=10) as answer:
        assert answer.status == 200
    (cookie,) = jar
    return cookie.name, str(cookie.value)
