"""What the database's alarms say to operators, in both languages. Pure."""

from typing import Literal, NamedTuple

from streamgate.errors import StoreError


class Notice(NamedTuple):
    """An alarm, or its end. `code` is stable."""

    code: str
    level: Literal["info", "warning", "alarm"]
    text: str
    text_zh: str


def failed(error: StoreError) -> Notice:
    """Return the alarm for a database that cannot be used."""
    return Notice(
        f"database_{error.kind}",
        "alarm",
        f"The database cannot be used: {error}. Air, cut and recording go on without it.",
        f"数据库不可用：{error.zh}。播出、切断和录制不受影响。",
    )


def recovered() -> Notice:
    return Notice("database_ok", "info", "The database can be used again.", "数据库已恢复可用。")


def upgraded(before: str, after: str, backup: str) -> Notice:
    copied = f"; the file before it: {backup}" if backup else ""
    copied_zh = f"；升级前的备份：{backup}" if backup else ""
    return Notice(
        "database_upgraded",
        "info",
        f"The database was upgraded from schema {before} to {after}{copied}.",
        f"数据库结构已从 {before} 升级到 {after}{copied_zh}。",
    )
