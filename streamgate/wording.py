"""Chinese texts of system errors and of streamgate's errors, for pages. Pure."""

import errno
import re
from collections.abc import Mapping
from typing import NamedTuple

from streamgate.errors import ArchiveError, StreamgateError


class Words(NamedTuple):
    """A text for a page in both languages; both "" when there is none."""

    english: str = ""
    chinese: str = ""


NOTHING = Words()
_BY_NUMBER: Mapping[int, str] = {
    errno.EACCES: "权限不足",
    errno.EPERM: "操作不被允许",
    errno.ENOENT: "文件或目录不存在",
    errno.EEXIST: "已存在",
    errno.ENOTDIR: "不是目录",
    errno.EISDIR: "是目录而不是文件",
    errno.ENOSPC: "磁盘空间不足",
    errno.EDQUOT: "超出磁盘配额",
    errno.EROFS: "文件系统为只读",
    errno.EIO: "读写错误，请检查磁盘",
    errno.ESTALE: "网络文件系统已失效",
    errno.ENODEV: "设备不存在",
    errno.ENXIO: "设备不存在",
    errno.ENOTCONN: "挂载已断开",
    errno.EMFILE: "打开的文件过多",
    errno.ENFILE: "系统打开的文件过多",
    errno.EFBIG: "文件过大",
    errno.EBUSY: "正被占用",
    errno.ENAMETOOLONG: "名称过长",
    errno.ELOOP: "符号链接不被允许",
    errno.ENOMEM: "内存不足",
    errno.ETIMEDOUT: "连接超时",
    errno.ECONNREFUSED: "对方拒绝连接",
    errno.ECONNRESET: "连接被对方断开",
    errno.EPIPE: "连接已断开",
    errno.EHOSTUNREACH: "无法到达该主机",
    errno.ENETUNREACH: "网络不可达",
}
# Error texts of libraries about a server that could not be reached; the first match counts.
_BY_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), chinese)
    for pattern, chinese in (
        (r"refused", "对方拒绝连接"),
        (r"timed? ?out", "连接或应答超时"),
        (r"name or service not known|name resolution|nodename|getaddrinfo|resolve", "无法解析主机名"),
        (r"certificate|ssl|tls", "TLS 证书或加密连接有误"),
        (r"reset by peer|broken pipe|closed connection|disconnected|connection aborted", "连接被对方断开"),
        (r"unreachable|no route", "网络不可达"),
        (r"locate credentials", "没有访问密钥"),
        (r"authentica|credential|\blogin\b|\b535\b|\b401\b|unauthorized", "账号或密钥不被接受"),
        (r"access ?denied|forbidden|\b403\b|signature", "没有权限或密钥有误"),
        (r"nosuchbucket|\b404\b|not found", "地址不存在"),
        (r"\b429\b|slow ?down|too many", "请求过多，对方限流"),
        (r"\b5\d\d\b|server error|internal ?error|unavailable", "对方服务器出错"),
        (r"connect", "无法连接"),
    )
)


def system_error(error: OSError) -> str:
    """Return the reason of a system error in Chinese, without the file; an unknown one as its number."""
    if error.errno is None:
        return said_by_others(str(error))
    return _BY_NUMBER.get(error.errno) or f"系统错误 {error.errno}"


def said_by_others(text: str) -> str:
    """Return a library's English error text with its kind in Chinese before it, if one matches."""
    kind = next((chinese for pattern, chinese in _BY_WORDS if pattern.search(text)), "")
    return f"{kind}（{text}）" if kind and text else text


def in_chinese(error: Exception) -> str:
    """Return an error in Chinese for a page: its own text, or the system's reason and the file."""
    if isinstance(error, StreamgateError):
        return error.zh or str(error)
    if isinstance(error, OSError):
        reason = system_error(error)
        return f"{reason}：{error.filename}" if error.filename is not None else reason
    return str(error)


def in_english(error: Exception) -> str:
    """Return an error in English for a page, as `in_chinese` does."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror or error}: {error.filename}"
    return str(error)


def both(error: Exception) -> dict[str, str]:
    """Return `error` and `error_zh`, as alarms and answers have them."""
    return {"error": in_english(error), "error_zh": in_chinese(error)}


def disk_error(error: OSError, path: object = None) -> ArchiveError:
    """Return a system error about a file as ArchiveError; `path`: used when the error names none."""
    about = error.filename if error.filename is not None else path
    return ArchiveError(f"{error.strerror or error}: {about}", f"{system_error(error)}：{about}")
