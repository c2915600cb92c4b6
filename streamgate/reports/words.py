"""Words that reports share, in both languages. Pure."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from streamgate.core.actor import person
from streamgate.reports.document import Tongue

STATES: Mapping[str, tuple[str, str]] = {
    "draft": ("draft", "草稿"),
    "completed": ("written up", "已填报"),
    "joined": ("joined", "已并入"),
    "dismissed": ("dismissed", "已撤销"),
}
LEVELS: Mapping[str, tuple[str, str]] = {
    "minor": ("minor", "一般"),
    "serious": ("serious", "较大"),
    "grave": ("grave", "重大"),
}
AIRED: Mapping[str, tuple[str, str]] = {
    "no": ("no", "否"),
    "partly": ("in part", "部分"),
    "yes": ("yes", "是"),
    "unknown": ("not known", "不详"),
}
ROLES: Mapping[str, tuple[str, str]] = {
    "administrator": ("administrator", "管理员"),
    "director": ("director", "导播"),
    "operator": ("operator", "操作员"),
    "reviewer": ("first reviewer", "初审员"),
    "senior-reviewer": ("second reviewer", "复审员"),
    "chief-reviewer": ("final reviewer", "终审员"),
    "auditor": ("auditor", "审计员"),
}
WHY: Mapping[str, tuple[str, str]] = {
    "start": ("the delay had not passed yet", "延时尚未满足"),
    "cut": ("cut", "切断"),
    "dump": ("dump", "丢弃"),
    "condemn": ("condemned span", "切除区段"),
    "mute": ("sound to be muted, not ready", "静音区段，替换声音未就绪"),
    "bleep": ("sound to be bleeped, not ready", "提示音区段，替换声音未就绪"),
    "mosaic": ("pictures to have a mosaic, not ready", "马赛克区段，未及时完成"),
    "backup": ("backup by choice", "主动播出备用画面"),
    "no_input": ("no input", "来流中断"),
    "overflow": ("the feed did not fit in memory", "来流超出内存上限"),
    "format": ("the feed's format changed", "来流格式变化"),
    "no_filler": ("no filler for this format", "该格式尚无垫片"),
    "delay": ("the delay was raised", "延时增加"),
    "violation": ("stopped at the last check", "末级检查拦截"),
    "gate_killed": ("the gate was restarted", "闸口进程重启"),
    "list_lost": ("not noted: the disk did not take it", "磁盘未能写入播出清单"),
    "list_damaged": ("the edit list is damaged", "播出清单损坏"),
    "missing": ("recorded, and gone", "录像文件缺失"),
    "behind": ("the disk was too slow", "磁盘过慢"),
    "failed": ("the disk refused", "磁盘写入失败"),
    "flv": ("recorded in another form", "以其他格式录制"),
}
CARDS: Mapping[str, tuple[str, str]] = {
    "waiting": ("not reviewed, not published", "未审，未发布"),
    "blocked": ("blocked, not published", "已拦截，未发布"),
    "approved": ("approved, to be published", "已通过，待发布"),
    "published": ("published", "已发布"),
    "rejected": ("rejected, not published", "已驳回，未发布"),
    "expired": ("not reviewed before the end, not published", "未审，未发布（直播已结束）"),
}
ACTS: Mapping[str, tuple[str, str]] = {
    "approve": ("approve", "通过"),
    "reject": ("reject", "驳回"),
    "escalate": ("escalate", "上报一级"),
    "hold": ("hold", "搁置"),
    "release": ("release", "解除搁置"),
    "restore": ("restore", "恢复审核"),
    "undo": ("undo", "撤销决定"),
    "retract": ("take back", "撤回"),
}


def word(say: Tongue, table: Mapping[str, tuple[str, str]], key: str) -> str:
    """Return the word for `key`; a key that the table does not know stands as it is."""
    return say(*table[key]) if key in table else key


def when(at: float, zone: tzinfo | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(at, zone).strftime(form)


def clock(at: float, zone: tzinfo | None) -> str:
    return when(at, zone, "%H:%M:%S")


def when_and_where(at: float, zone: tzinfo | None) -> str:
    """Return a time with its distance from UTC: 2026-09-28 20:00:00 (UTC+08:00)."""
    offset = datetime.fromtimestamp(at, zone).astimezone(zone).isoformat()[-6:]
    return f"{when(at, zone)} (UTC{offset})"


def lasting(seconds: float) -> str:
    """Return 1:02:03, or 0:03.4 below a minute."""
    if seconds < 59.95:
        return f"0:{seconds:04.1f}"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def name_of(actor: str, say: Tongue) -> str:
    """Return who acted, as people read it."""
    if actor.startswith("cli:"):
        return say(f"{person(actor)} (on the machine)", f"{person(actor)}（本机命令行）")
    if actor.startswith("token:"):
        return say(f"program {actor[6:]}", f"程序 {actor[6:]}")
    return person(actor) if actor else say("nobody", "无")
