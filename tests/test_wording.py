"""Errors in Chinese: of the system by number, of libraries by their words, ours by what they were given."""

import ast
import errno
import os
from pathlib import Path

import pytest

import streamgate
from streamgate.archive.copy.directory import DirectoryTarget
from streamgate.archive.copy.place import Login
from streamgate.archive.copy.s3 import Bucket, S3Target
from streamgate.archive.copy.target import MARKER, Form, Piece
from streamgate.errors import ArchiveError, CopyError, CopyLost, Refused
from streamgate.wording import both, disk_error, in_chinese, said_by_others, system_error

# Reached from the command line, or in a log, alone: what they say stands in English there.
COMMANDS = {"backup.py", "pg_programs.py", "lock.py", "as_aired_file.py", "client.py", "run.py"}
SAID = {"Refused", "CopyError", "CopyLost", "CopyLocked", "ArchiveError", "CatalogDamaged"}
SAID |= {"DestinationError", "MediaError"}  # shown beside a destination or a clip
NOT_SHOWN = {"restore.py", "tail.py", "mosaic_child.py"}
"""`archive restore`; the gate's refill; a child whose maker says what went wrong."""


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def raised(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return [
        call
        for call in found
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SAID
    ]


@pytest.mark.parametrize("folder", ["archive", "incidents", "reports", "runtime", "store", "playout"])
def test_every_refusal_that_a_page_may_show_has_its_chinese(folder: str) -> None:
    root = Path(streamgate.__path__[0], folder)
    bare = [
        f"{path.name}:{call.lineno}"
        for path in sorted(root.rglob("*.py"))
        if path.name not in COMMANDS | NOT_SHOWN
        for call in raised(path)
        if len(call.args) + len(call.keywords) < 2 and not isinstance(call.args[0], ast.Starred)
    ]
    assert bare == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES, errno.ECONNREFUSED])
def test_the_system_s_errors_are_known_by_number(number: int) -> None:
    error = OSError(number, os.strerror(number), "/media/nas")
    assert has_chinese(system_error(error))
    assert both(error) == {
        "error": f"{os.strerror(number)}: /media/nas",
        "error_zh": f"{system_error(error)}：/media/nas",
    }
    made = disk_error(OSError(number, os.strerror(number)), "/media/nas")
    assert (str(made), made.zh) == tuple(both(error).values())


def test_an_error_that_is_not_known_keeps_its_number() -> None:
    assert in_chinese(OSError(errno.EXDEV, os.strerror(errno.EXDEV))) == f"系统错误 {errno.EXDEV}"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("[Errno 111] Connection refused", "对方拒绝连接"),
        ("HTTPConnectionPool(host='x'): Read timed out.", "连接或应答超时"),
        ("[Errno -2] Name or service not known", "无法解析主机名"),
        ("certificate verify failed: self-signed certificate", "TLS 证书或加密连接有误"),
        ("(535, b'5.7.8 Error: authentication failed')", "账号或密钥不被接受"),
        ("GetObject was answered AccessDenied Access Denied", "没有权限或密钥有误"),
        ("Failed to send JSON notification: error=503.", "对方服务器出错"),
        ("PutObject was answered SlowDown Please reduce", "请求过多，对方限流"),
    ],
)
def test_what_libraries_say_is_told_by_its_kind_and_kept(said: str, kind: str) -> None:
    assert said_by_others(said) == f"{kind}（{said}）"


def test_what_no_kind_fits_stands_as_it_came() -> None:
    assert said_by_others("quota of this hook is used up") == "quota of this hook is used up"
    assert said_by_others("") == ""


def test_an_error_of_ours_says_its_own_chinese() -> None:
    assert in_chinese(Refused("no", "不行")) == "不行"
    assert in_chinese(ArchiveError("only this")) == "only this"


def test_each_error_of_a_copy_s_directory_is_chinese(tmp_path: Path) -> None:
    piece = Piece("archive/main/x.mp4", 0, 0, 4, "")
    for target in (DirectoryTarget(tmp_path / "away"), DirectoryTarget(tmp_path)):
        (tmp_path / MARKER).write_bytes(b"{")
        with pytest.raises(CopyError) as caught:
            target.open()
        assert has_chinese(caught.value.zh), caught.value
    with pytest.raises(CopyLost) as lost:
        list(DirectoryTarget(tmp_path).read(Form.WHOLE, piece))
    assert lost.value.zh == f"{tmp_path / piece.key} 已不存在"


def test_a_store_that_is_away_is_told_in_chinese() -> None:
    target = S3Target(Bucket("recordings", endpoint="http://127.0.0.1:1"), Login("an-id", "a-secret"))
    with pytest.raises(CopyError) as caught:
        target.open()
    assert "无法连接" in caught.value.zh or "对方拒绝连接" in caught.value.zh, caught.value.zh
