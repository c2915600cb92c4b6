"""Passwords: which ones are allowed, and their hashes (argon2id, RFC 9106).

A hash costs 50 ms and more, on purpose. So it is made in one of a few threads of its own; whoever finds too
many waiting is refused instead of queued.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

import argon2
from zxcvbn import zxcvbn

from console.problems import BUSY, Refused
from streamgate import errors
from streamgate.core.actor import fold

T = TypeVar("T")
MIN_CHARS, MAX_CHARS = 12, 256
MIN_SCORE = 3  # of zxcvbn's 0 to 4: more than 10^8 guesses
THREADS = 2
MAX_WAITING = 32
_JUDGED_CHARS = 72  # zxcvbn grows with the square of the length; what comes after makes nothing weaker
_NAME_CHARS = 3  # a shorter name stands in too many words, but for Chinese ones
_COMMON = ("streamgate", "woaini", "woaiwojia", "nihao", "5201314", "1314520", "123456", "888888")
"""What zxcvbn's lists, made from English sources, miss."""
_HASHER = argon2.PasswordHasher()  # RFC 9106, second recommended option: 64 MiB, 3 passes


class PasswordRefused(errors.Refused):
    """This password may not be chosen; the text says why and what to do, in both languages."""


def check_password(password: str, *names: str) -> None:
    """Raise PasswordRefused unless somebody of these names may choose this password."""
    password = normalize(password)
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise PasswordRefused(
            f"the password has {len(password)} characters; {MIN_CHARS} to {MAX_CHARS} are allowed,"
            " for example four words that do not belong together",
            f"密码为 {len(password)} 个字符；须为 {MIN_CHARS} 至 {MAX_CHARS} 个字符，例如四个互不相关的词",
        )
    plain = fold(password)
    for name in names:
        if (len(name) >= _NAME_CHARS or (len(name) > 1 and not name.isascii())) and fold(name) in plain:
            raise PasswordRefused(
                "the password holds your own name; choose one without it", "密码包含您自己的名字；请另选密码"
            )
    words = [word for word in (*_COMMON, *names) if word]
    if zxcvbn(password[:_JUDGED_CHARS], user_inputs=words, max_length=_JUDGED_CHARS)["score"] < MIN_SCORE:
        raise PasswordRefused(
            "the password is too common or too easy to guess; choose one that stands in no list: no names,"
            " dates, keyboard rows or repetitions, rather four words that do not belong together",
            "密码过于常见或容易猜到；请勿使用姓名、日期、键盘顺序或重复内容，可用四个互不相关的词",
        )


def normalize(password: str) -> str:
    """Return the form that is hashed: keyboards compose letters differently (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """Return the argon2id hash, with salt and parameters, of at most `MAX_CHARS` characters."""
    return _HASHER.hash(normalize(password).encode("utf-8", "replace"))


def matches(password_hash: str, password: str) -> bool:
    """Say whether this is the password of that hash; False, too, for one that nobody can have chosen."""
    if len(password) > MAX_CHARS * 4:
        return False
    try:
        return _HASHER.verify(password_hash, normalize(password).encode("utf-8", "replace"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def refuse_used(password: str, hashes: Sequence[str]) -> None:
    """Raise PasswordRefused when the password belongs to one of these hashes."""
    if any(matches(one, password) for one in hashes):
        raise PasswordRefused(
            f"this password is among your last {len(hashes)}; choose one that you have not had",
            f"该密码在您最近使用过的 {len(hashes)} 个密码之中；请选择没有用过的密码",
        )


def choose(password: str, names: Sequence[str], used: Sequence[str]) -> str:
    """Return the hash of a newly chosen password. Raises PasswordRefused. Takes up to half a second."""
    check_password(password, *names)
    refuse_used(password, used)
    return hash_password(password)


@cache
def nobodys_hash() -> str:
    """Return a hash that no password has: checking against it takes as long as against a real one."""
    return hash_password("\0 nobody has this")


def verify(password_hash: str | None, password: str) -> bool:
    """Check a password; None, somebody without one or nobody at all, takes the same time."""
    matched = matches(password_hash or nobodys_hash(), password)
    return matched and password_hash is not None


class Hashing:
    """The threads that hash, for asyncio. Raises Refused (busy) when too many wait."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "hashing")
        self._pool.submit(nobodys_hash)
        self._waiting = 0

    async def choose(self, password: str, names: Sequence[str], used: Sequence[str]) -> str:
        return await self._run(partial(choose, password, names, used))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        return await self._run(partial(verify, password_hash, password))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise Refused(BUSY, wait_s=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
