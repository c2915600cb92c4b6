"""Translates what drivers and file system raise into errors of ours, in words that say what to do."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from streamgate.errors import StoreAwayError, StoreBrokenError, StoreConflictError, StoreError
from streamgate.store.location import Location

# https://www.sqlite.org/rescode.html, primary codes
_SQLITE_KINDS = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_CANTOPEN: "disk",
}
# PostgreSQL 15, appendix A; the first entry that the state begins with counts
_POSTGRESQL_KINDS = {
    "22": "unfit",
    "55P03": "locked",
    "40": "locked",
    "57014": "locked",
    "25006": "read_only",
    "42501": "refused",
    "28": "refused",
    "3D000": "no_database",
    "XX001": "corrupt",
    "XX002": "corrupt",
    "53100": "full",
    "08": "away",
    "53": "away",
    "57P": "away",
}
_TEXTS = {
    "locked": (
        "the database {where} is locked by another program; end that program, or try again",
        "数据库 {where} 被其他程序锁定；请结束该程序或重试",
    ),
    "read_only": (
        "the database {where} is read-only; make it and its directory writable for this user",
        "数据库 {where} 为只读；请让当前用户对该文件及其目录可写",
    ),
    "corrupt": (
        (
            "the database {where} is corrupt ({detail}); stop serve and put back a backup with:"
            " streamgate db restore FILE (backups: {backups})"
        ),
        "数据库 {where} 已损坏（{detail}）；请停止 serve 并恢复备份：streamgate db restore FILE（备份目录：{backups}）",
    ),
    "full": (
        "the disk of the database {where} is full; make room",
        "数据库 {where} 所在磁盘已满；请清理空间",
    ),
    "disk": (
        "the database {where} cannot be read or written ({detail}); look at its disk and permissions",
        "数据库 {where} 无法读写（{detail}）；请检查磁盘与权限",
    ),
    "hung": (
        "the database {where} does not answer: its disk or server hangs; what was asked last may still be done",
        "数据库 {where} 没有响应：其磁盘或服务器停滞；最后一次操作仍有可能完成",
    ),
    "gone": (
        (
            "the database {where} is gone; put it back, or restore a backup with: streamgate db restore FILE"
            " (backups: {backups}); an empty one is made by: streamgate db upgrade --new"
        ),
        (
            "数据库 {where} 不见了；请放回原处，或恢复备份：streamgate db restore FILE（备份目录：{backups}）；"
            "如需新建空库：streamgate db upgrade --new"
        ),
    ),
    "no_database": (
        "the server has no database {where}; make it with createdb, or correct the setting database",
        "服务器上没有数据库 {where}；请用 createdb 建立，或修改设置 database",
    ),
    "missing": (
        "there is no database {where} yet; serve makes it at its first start, or: streamgate db upgrade",
        "数据库 {where} 尚未建立；首次启动 serve 时自动建立，或执行：streamgate db upgrade",
    ),
    "older": (
        "the database {where} has schema {detail}; this program needs a newer one: streamgate db upgrade",
        "数据库 {where} 的结构版本为 {detail}，低于本程序所需；请执行：streamgate db upgrade",
    ),
    "newer": (
        (
            "the database {where} has schema {detail}, which a newer streamgate made; upgrade this program,"
            " or restore an older backup with: streamgate db restore FILE (backups: {backups})"
        ),
        (
            "数据库 {where} 的结构版本为 {detail}，由更新版本的 streamgate 建立；请升级本程序，"
            "或恢复较早的备份：streamgate db restore FILE（备份目录：{backups}）"
        ),
    ),
    "restoring": (
        "the database {where} is being restored at the moment; try again when that is done",
        "数据库 {where} 正在恢复备份；请稍后重试",
    ),
    "away": (
        "the database server {where} cannot be reached ({detail}); start it, or correct the setting database",
        "无法连接数据库服务器 {where}（{detail}）；请启动它，或修改设置 database",
    ),
    "refused": (
        (
            "the database server {where} refuses us ({detail}); correct user and password in the setting"
            " database, or the rights of that user"
        ),
        "数据库服务器 {where} 拒绝访问（{detail}）；请修改设置 database 中的用户和密码，或该用户的权限",
    ),
    "unfit": (
        "a value cannot be stored in the database {where} ({detail}); correct it",
        "有内容无法存入数据库 {where}（{detail}）；请更正",
    ),
    "other": (
        "the database {where} failed ({detail}); look at: streamgate db check",
        "数据库 {where} 出错（{detail}）；请查看：streamgate db check",
    ),
}
_AWAY = frozenset({"locked", "full", "disk", "restoring", "away", "hung"})
_CONFLICT = (
    "the database forbids this ({detail}): it exists already, or breaks a rule",
    "数据库不允许此操作（{detail}）：内容已存在或违反规则",
)


def failure(kind: str, location: Location, detail: str = "") -> StoreError:
    """Return the error of that kind about the database at `location`."""
    words = {"where": location.shown, "backups": location.backups, "detail": _one_line(detail, location)}
    text, zh = (line.format_map(words) for line in _TEXTS[kind])
    if kind in _AWAY:
        return StoreAwayError(kind, text, zh)
    return StoreBrokenError(kind, text, zh)


@contextlib.contextmanager
def translated(location: Location) -> Iterator[None]:
    """Turn every error of the drivers and of SQLAlchemy inside into a StoreError."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        detail = _one_line(str(error.orig), location)
        text, zh = (line.format(detail=detail) for line in _CONFLICT)
        raise StoreConflictError("conflict", text, zh) from None  # its text may hold values of the row
    except sa.exc.DBAPIError as error:
        raise _translate(error.orig or error, location) from None
    except (sqlite3.Error, sa.exc.TimeoutError, UnicodeEncodeError) as error:
        raise _translate(error, location) from None


@contextlib.contextmanager
def translated_files(location: Location) -> Iterator[None]:
    """Turn errors of the file system inside into a StoreError."""
    try:
        yield
    except OSError as error:
        raise _translate(error, location) from None


def _translate(error: BaseException, location: Location) -> StoreError:
    detail = str(error)
    match error:
        case UnicodeEncodeError():
            kind, detail = "unfit", "text that is not Unicode"  # the error's own words quote the value
        case sa.exc.TimeoutError():
            kind = "locked"
        case sqlite3.Error():
            kind = _SQLITE_KINDS.get((getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF, "other")
        case OSError():
            kind, detail = "disk", error.strerror or detail
        case _:
            kind = _postgresql_kind(error)
            if kind in {"unfit", "other"}:  # the server's words may quote the value
                detail = f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}"
    return failure(_look_closer(kind, location), location, detail)


def _postgresql_kind(error: BaseException) -> str:
    """By SQLSTATE; what libpq says while it connects carries none, psycopg keeps only its text."""
    state: str | None = getattr(error, "sqlstate", None)
    if state is not None:
        return next((kind for begin, kind in _POSTGRESQL_KINDS.items() if state.startswith(begin)), "other")
    name, text = type(error).__name__, str(error)
    if name == "DataError":
        return "unfit"
    if "password" in text or "authentication" in text or "pg_hba" in text:
        return "refused"
    if 'database "' in text and "does not exist" in text:
        return "no_database"
    return "away" if name in {"OperationalError", "ConnectionTimeout", "InterfaceError"} else "other"


def _look_closer(kind: str, location: Location) -> str:
    """SQLite says "unable to open" for a file that is gone, on a read-only disk and on a full one alike."""
    if kind != "disk" or location.kind != "sqlite":
        return kind
    path = location.file
    if not path.exists():
        return "gone"
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return "read_only"
    return "full" if os.statvfs(path.parent).f_bavail == 0 else kind


def _one_line(text: str, location: Location) -> str:
    """Return at most 200 characters of a driver's words, without the password and without line breaks."""
    if location.password:
        text = text.replace(location.password, "***")
    return " ".join(text.split("DETAIL:")[0].split())[:200]
