"""Why a session is over, as it is told to whoever comes with its cookie. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from console.problems import NO_SESSION, Problem


class _Ending(NamedTuple):
    """`why`: the word for programs. The sentences may hold {idle_min} and {lifetime_h}."""

    why: str
    said: str
    said_zh: str


# By what the database keeps of an ended session (`ended_why`). What the person did here needs no words.
_ENDINGS: Mapping[str, _Ending] = {
    "idle": _Ending(
        "idle",
        "You were signed out: nothing was done for {idle_min} minutes. Sign in again.",
        "已退出登录：{idle_min} 分钟没有操作。请重新登录。",
    ),
    "expired": _Ending(
        "expired",
        "You were signed out: a session lasts {lifetime_h} hours at most. Sign in again.",
        "已退出登录：登录最长有效 {lifetime_h} 小时。请重新登录。",
    ),
    "disabled": _Ending(
        "disabled",
        "An administrator disabled this account. Ask there if that is a mistake.",
        "管理员已停用该账号。如有疑问请联系管理员。",
    ),
    "password reset": _Ending(
        "reset",
        "An administrator reset your password. Choose a new one by the link that you are given.",
        "管理员已重置您的密码。请通过收到的链接设置新密码。",
    ),
    "password changed": _Ending(
        "password",
        "Your password was changed in another browser. Sign in with the new one.",
        "您的密码已在其他浏览器中修改。请用新密码登录。",
    ),
    "second factor set up": _Ending(
        "factor",
        "A code generator was set up in another browser. Sign in with a code of it.",
        "已在其他浏览器中设置动态验证码。请用验证码登录。",
    ),
    "ended by the person": _Ending(
        "elsewhere",
        "You ended this session from another browser. Sign in again.",
        "您已在其他浏览器中结束此次登录。请重新登录。",
    ),
    "signed out": _Ending("", "", ""),
    "signed in again": _Ending("", "", ""),
}
_OTHER = _Ending(
    "ended",
    "This session was ended by an administrator. Sign in again.",
    "管理员已结束此次登录。请重新登录。",
)


def no_session(ended_why: str, *, idle_s: float, lifetime_s: float) -> Problem:
    """Return the problem of a request without a session. `ended_why` "": there was none."""
    if not ended_why:
        return NO_SESSION
    why, said, said_zh = _ENDINGS.get(ended_why, _OTHER)
    if not why:
        return NO_SESSION
    numbers = {"idle_min": f"{idle_s / 60:g}", "lifetime_h": f"{lifetime_s / 3600:g}"}
    return NO_SESSION._replace(error=said.format(**numbers), error_zh=said_zh.format(**numbers), why=why)
