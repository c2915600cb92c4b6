"""What the console answers when something is wrong: one code, one status, a sentence in both languages."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from streamgate.wording import in_chinese, in_english


class Problem(NamedTuple):
    """`close_code`: how a websocket is closed for this reason. `code` is stable, sentences are for people.

    `why`: in one word, how the session that was asked with had ended.
    """

    status: int
    code: str
    error: str
    error_zh: str
    close_code: int = 1008
    why: str = ""

    def body(self) -> dict[str, str]:
        said = {"code": self.code, "error": self.error, "error_zh": self.error_zh}
        return {**said, "why": self.why} if self.why else said


class Refused(Exception):  # noqa: N818  carries what to answer; it never leaves the console
    """A request or command is not carried out. `wait_s`: seconds until another try, 0: unknown.

    `more`: further members of the answer's body.
    """

    def __init__(self, problem: Problem, wait_s: int = 0, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(problem.error)
        self.problem, self.wait_s, self.more = problem, wait_s, more or {}


BAD_REQUEST = Problem(
    400, "bad_request", "The request is not what this address expects.", "请求格式不符合该接口的要求。"
)
NO_SESSION = Problem(
    401, "no_session", "You are not signed in, or no longer. Sign in.", "尚未登录或登录已结束，请登录。", 4401
)
BAD_CREDENTIALS = Problem(
    401,
    "bad_credentials",
    "User name and password do not belong together. Try again, or ask an administrator for a new password.",
    "用户名与密码不匹配。请重试，或请管理员重置密码。",
)
WRONG_PASSWORD = BAD_CREDENTIALS._replace(
    status=403,
    error="This is not your present password. Try again.",
    error_zh="当前密码不正确，请重试。",
)
ACCOUNT_DISABLED = Problem(
    401,
    "account_disabled",
    "This account is disabled. Ask an administrator.",
    "该账号已停用，请联系管理员。",
)
TOTP_NEEDED = Problem(
    401,
    "totp_needed",
    "Enter the six digits that your code generator shows, or a recovery code.",
    "请输入动态验证码（六位数字）或恢复码。",
)
BAD_TOTP = Problem(
    401,
    "bad_totp",
    "This code is wrong, too old, or was used before. Enter the next one, or a recovery code.",
    "验证码错误、已过期或已使用过。请输入下一个验证码或恢复码。",
)
BAD_TOKEN = Problem(
    401,
    "bad_token",
    "This link or token is unknown, was used, revoked, or has expired. Ask an administrator for a new one.",
    "该链接或令牌不存在、已使用、已撤销或已过期。请向管理员索取新的。",
    4401,
)
PASSWORD_EXPIRED = Problem(
    403,
    "password_expired",
    "Your password has expired. Choose a new one first.",
    "密码已过期，请先修改密码。",
    4403,
)
TOTP_SETUP = Problem(
    403,
    "totp_setup",
    "Your role demands a second factor. Set up a code generator first.",
    "您的角色须启用动态验证码，请先完成设置。",
    4403,
)
SESSION_IDLE = Problem(
    403,
    "session_idle",
    "You were idle for too long: you still see and can cut. Sign in again for everything else.",
    "您长时间未操作：目前仅可观看和切断，其他操作请重新登录。",
    4403,
)
BAD_ORIGIN = Problem(
    403,
    "bad_origin",
    "The request comes from another site's page and is refused.",
    "请求来自其他网站的页面，已拒绝。",
    4403,
)
FORBIDDEN = Problem(
    403,
    "forbidden",
    "Your account may not do this. Ask an administrator for the right.",
    "您的账号没有此操作的权限，请联系管理员。",
    4403,
)
REASON_NEEDED = Problem(
    400,
    "reason_needed",
    "This needs a reason of 1 to 500 characters; it is kept.",
    "此操作须填写理由（1 至 500 字），理由会留存。",
)
NOT_FOUND = Problem(404, "not_found", "There is nothing at this address.", "该地址没有内容。", 4404)
NOTHING_RECORDED = Problem(
    404, "nothing_recorded", "Nothing was recorded on this channel then.", "该频道在此时段没有录像。", 4404
)
NOTHING_AIRED = NOTHING_RECORDED._replace(
    error="Nothing aired on this channel then, or nothing of it is kept.",
    error_zh="该频道在此时段没有播出，或播出内容已不再保存。",
)
BAD_RANGE = Problem(
    416,
    "bad_range",
    "There are no such bytes: the file has {} of them at the moment.",
    "请求的字节范围不存在。",
)
TOO_LARGE = Problem(
    413, "too_large", "The request body is larger than 32 KiB.", "请求内容超过 32 KiB。", 1009
)
TOO_SLOW = Problem(
    408,
    "too_slow",
    "The request did not come whole within 15 s. Look at the network and try again.",
    "请求在 15 秒内没有完整到达。请检查网络后重试。",
)
MAX_UPLOAD = 4 * 1024**3
TOO_LARGE_FILE = TOO_LARGE._replace(
    error=f"The file is larger than {MAX_UPLOAD >> 30} GiB; make a smaller one.",
    error_zh=f"文件超过 {MAX_UPLOAD >> 30} GiB；请使用较小的文件。",
)
BAD_HOST = Problem(
    421,
    "bad_host",
    "This console does not answer to that host name. Open it by its own address, or add the name to the "
    "settings.",
    "控制台不接受该主机名。请用控制台自身的地址访问，或在设置中添加此主机名。",
    4421,
)
RATE_LIMITED = Problem(
    429,
    "rate_limited",
    "Too many tries failed. Wait a little and try again.",
    "失败次数过多，请稍候再试。",
    4429,
)
FAILED = Problem(
    500,
    "failed",
    "The console failed at this request; its log says why. The broadcast is not affected.",
    "控制台处理该请求时出错，原因见日志。播出不受影响。",
    1011,
)
GATE_DOWN = Problem(
    503,
    "gate_down",
    "The gate process cannot be reached; the command was not carried out.",
    "无法连接播出进程，命令未执行。",
)
GATE_LOST = Problem(
    503,
    "gate_down",
    "The gate process went away before it answered: look at the channel's state before trying again.",
    "播出进程在应答前断开：请先确认频道状态再重试。",
)
GATE_TIMEOUT = Problem(
    504,
    "gate_timeout",
    "The gate did not answer within 2 s: look at the channel's state before trying again.",
    "播出进程 2 秒内没有应答：请先确认频道状态再重试。",
)
BUSY = Problem(
    503, "busy", "Too many commands are waiting for the gate already.", "等待播出进程应答的命令过多。", 1013
)
COMMENTS_DOWN = Problem(
    503,
    "comments_down",
    "The comments process cannot be reached; nothing was done. It comes back by itself.",
    "无法连接评论进程，操作未执行。该进程会自动恢复。",
    1013,
)
COMMENTS_LOST = COMMENTS_DOWN._replace(
    error="The comments process went away before it answered: look at the card before trying again.",
    error_zh="评论进程在应答前断开：请先查看该卡片再重试。",
)
COMMENTS_TIMEOUT = Problem(
    504,
    "comments_timeout",
    "The comments process did not answer in time: look at the card before trying again.",
    "评论进程没有及时应答：请先查看该卡片再重试。",
)
COMMENTS_BUSY = BUSY._replace(
    error="Too many requests are waiting for the comments process already.",
    error_zh="等待评论进程应答的请求过多。",
)


def bad_request(error: str, error_zh: str) -> Problem:
    return BAD_REQUEST._replace(error=error, error_zh=error_zh)


def unreadable(reason: str) -> Problem:
    """What was sent is not what is expected there."""
    return BAD_REQUEST._replace(error=f"{BAD_REQUEST.error} {reason}")


def refused(error: str, error_zh: str) -> Problem:
    """The gate refused a command, and says why."""
    return Problem(409, "refused", error, error_zh)


def rule(error: str, error_zh: str) -> Problem:
    """A rule of ours forbids it, and says why."""
    return Problem(409, "refused", error, error_zh or error)


def archive_away(error: Exception) -> Problem:
    return Problem(
        503,
        "archive_away",
        f"The archive cannot be read at the moment: {in_english(error)}. The broadcast is not affected.",
        f"暂时无法读取归档：{in_chinese(error)}。播出不受影响。",
    )


def weak_password(error: str, error_zh: str) -> Problem:
    return Problem(400, "weak_password", error, error_zh)


def database_away(error: str, error_zh: str) -> Problem:
    return Problem(
        503,
        "database_away",
        f"This needs the database: {error}. Who is signed in still sees and cuts.",
        f"此操作需要数据库：{error_zh}。已登录者仍可观看和切断。",
    )
