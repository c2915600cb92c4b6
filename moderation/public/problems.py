"""Error responses of the public address: status, code, and a sentence in both languages."""

from typing import NamedTuple

from moderation.desk import intake


class Problem(NamedTuple):
    """An error response. `code` is stable; the sentences are for people."""

    status: int
    code: str
    error: str
    error_zh: str


class RequestRefused(Exception):  # noqa: N818 - a response, not a failure
    """A request is refused. `wait_s`: seconds after which the client may try again; 0: unknown."""

    def __init__(self, problem: Problem, wait_s: float = 0) -> None:
        super().__init__(problem.error)
        self.problem, self.wait_s = problem, wait_s


BAD_REQUEST = Problem(
    400,
    "bad_request",
    "The body is not what this address expects: JSON in UTF-8, one comment or a list of 1 to 500.",
    "请求内容不符合要求：须为 UTF-8 编码的 JSON，一条评论或 1 至 500 条评论的列表。",
)
BAD_KEY = Problem(
    401,
    "bad_key",
    "This key belongs to no source in force. Make one with: streamgate source add NAME --channel CHANNEL",
    "该密钥不属于任何有效来源。请用 streamgate source add NAME --channel CHANNEL 新建来源。",
)
NO_VIEWER = Problem(
    401,
    "no_viewer",
    "The viewer cookie is missing or not valid. Open the watch page, or send the key of a source.",
    "未识别到观众身份。请通过观看页面进入，或提供来源密钥。",
)
WRONG_CHANNEL = Problem(
    403,
    "wrong_channel",
    "This source hands in comments for another channel.",
    "该来源只能为另一频道提交评论。",
)
BAD_ORIGIN = Problem(
    403,
    "bad_origin",
    "The request comes from another site's page and is refused.",
    "请求来自其他网站的页面，已拒绝。",
)
BAD_OVERLAY = Problem(
    403,
    "bad_token",
    "The overlay's address lacks its token. Show the whole address with: streamgate overlay CHANNEL",
    "叠加层地址缺少令牌。请用 streamgate overlay CHANNEL 查看完整地址。",
)
CLOSED = Problem(
    403,
    intake.INTERACTION_CLOSED,
    "Comments are closed on this channel at the moment.",
    "本频道目前未开放评论。",
)
NOT_FOUND = Problem(404, "not_found", "There is nothing at this address.", "该地址没有内容。")
BAD_METHOD = Problem(
    405, "bad_method", "This address does not support that method.", "该地址不接受此请求方法。"
)
TOO_SLOW = Problem(
    408,
    "too_slow",
    "The request did not arrive completely within 15 s. Check the network and try again.",
    "请求在 15 秒内没有完整到达。请检查网络后重试。",
)
RATE_LIMITED = Problem(
    429,
    "rate_limited",
    "Too many requests in a short time. Wait a little and try again.",
    "操作过于频繁，请稍候再试。",
)
SLOW_MODE = Problem(
    429,
    "slow_mode",
    "You have just written. Wait a little until the next comment.",
    "您刚刚发表过评论，请稍候再发。",
)
QUEUE_FULL = Problem(
    429,
    intake.QUEUE_FULL,
    "Too many comments wait for review already. Try again later.",
    "待审评论过多，请稍后再试。",
)
DATABASE_AWAY = Problem(
    503,
    intake.DATABASE_AWAY,
    "The database is not available at the moment; nothing was stored. Try again.",
    "数据库暂时不可用，内容未被接收。请重试。",
)
STARTING = Problem(
    503,
    intake.STARTING,
    "The comments process is starting. Try again in a second.",
    "评论服务正在启动，请稍后重试。",
)
BUSY = Problem(503, "busy", "Too many requests at the same time. Try again.", "当前请求过多，请重试。")
DISK_AWAY = Problem(
    503, "disk_away", "The disk does not answer at the moment. Try again.", "磁盘暂时没有响应，请重试。"
)
FAILED = Problem(
    500,
    "failed",
    "The comments process failed to handle this request. Its log says why.",
    "评论服务处理该请求时出错，原因见日志。",
)


def bad_comment(error: str, error_zh: str) -> Problem:
    return Problem(400, intake.BAD_COMMENT, error, error_zh)


def too_large(most: int) -> Problem:
    kib = most // 1024
    return Problem(
        413, "too_large", f"The request body is larger than {kib} KiB.", f"请求内容超过 {kib} KiB。"
    )


WHOLE_REQUEST_PROBLEMS = {
    intake.INTERACTION_CLOSED: (CLOSED, 0.0),
    intake.QUEUE_FULL: (QUEUE_FULL, 5.0),
    intake.DATABASE_AWAY: (DATABASE_AWAY, 1.0),
    intake.STARTING: (STARTING, 1.0),
}
"""Problem and seconds to wait for a request whose comments were all refused with this code."""
