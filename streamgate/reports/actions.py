"""What people did, in words for reports: an action with what it was given, in both languages. Pure."""

from collections.abc import Mapping
from datetime import tzinfo
from pathlib import PurePath

from streamgate.incidents.words import CATEGORIES
from streamgate.reports.document import Tongue
from streamgate.reports.words import AIRED, LEVELS, when, word

_Both = tuple[str, str]
ACTIONS: Mapping[str, _Both] = {
    "start": ("start the broadcast", "开始播出"),
    "stop": ("stop the broadcast", "停止播出"),
    "cut": ("cut", "切断"),
    "restore": ("restore", "恢复"),
    "dump": ("dump", "丢弃"),
    "condemn": ("condemn a span", "切除区段"),
    "redact": ("redact sound or picture of a span", "区段消音或打马赛克"),
    "move": ("move a span", "移动区段"),
    "lift": ("lift a span", "撤销区段"),
    "uncut": ("take a cut back", "撤销切断"),
    "backup": ("backup on air", "播出备用画面"),
    "live": ("back to live", "回到直播"),
    "sign": ("sign of life", "确认在岗"),
    "interaction.set": ("change the interaction switches", "更改互动设置"),
    "destination.approve": ("approve a destination", "批准目的地"),
    "destination.change": ("change a destination", "更改目的地"),
    "destination.enter": ("enter a destination", "录入目的地"),
    "destination.remove": ("remove a destination", "移除目的地"),
    "channel.add": ("add the channel", "新建频道"),
    "channel.change": ("change the channel", "更改频道"),
    "channel.remove": ("remove the channel", "移除频道"),
    "channel.standby_key": ("standby camera's stream key", "备用镜头推流密钥"),
    "channel.key": ("new stream key", "更换推流密钥"),
    "duty.plan": ("put on the roster", "排入值班表"),
    "duty.remove": ("remove from the roster", "从值班表移除"),
    "duty.take": ("step in on duty", "临时上岗"),
    "duty.leave": ("go off duty", "离岗"),
    "duty.offer": ("hand over duty", "交班"),
    "duty.withdraw": ("take back a hand-over of duty", "撤回交班"),
    "duty.accept": ("take over duty", "接班"),
    "practice.start": ("begin a practice", "开始演练"),
    "practice.end": ("end the practice", "结束演练"),
    "practice.result": ("result of a practice", "演练结果"),
    "rehearsal.start": ("rehearse the backups", "排练备用片段"),
    "rehearsal.cancel": ("end the rehearsal", "结束排练"),
    "source.add": ("add a source of comments", "新建评论来源"),
    "source.rotate": ("new key of a source of comments", "更换评论来源密钥"),
    "source.remove": ("remove a source of comments", "移除评论来源"),
    "incident.note": ("note", "备注"),
    "incident.complete": ("write up an incident", "填报事件"),
    "incident.join": ("join an incident", "并入事件"),
    "incident.dismiss": ("dismiss an incident", "撤销事件"),
    "incident.report": ("report an incident upward", "逐级上报事件"),
    "incident.acknowledge": ("acknowledge a report", "签收上报"),
    "incident.follow": ("follow up an incident", "跟踪事件"),
    "incident.close": ("close a report", "办结上报"),
    "incident.export": ("export incidents", "导出事件"),
    "report.make": ("make a report", "生成报告"),
    "archive.hold": ("hold recordings", "保留录像"),
    "archive.release": ("release a hold", "解除保留"),
    "archive.export": ("export recordings", "导出录像"),
    "archive.export.queue": ("ask for an export", "申请导出录像"),
    "archive.export.fetch": ("download an export", "下载导出的录像"),
    "archive.export.remove": ("remove an export", "删除导出的录像"),
    "archive.render": ("render the program as aired", "导出播出成品"),
    "archive.restore": ("bring recordings back from the second copy", "从第二副本取回录像"),
    "archive.reindex": ("make the archive's catalog anew", "重建归档目录"),
    "backup.upload": ("upload a backup clip", "上传备用片段"),
    "backup.remove": ("remove a backup clip", "移除备用片段"),
}
# What an action was given, with {} for the value. What is left out proves something to `verify` alone.
_GIVEN: Mapping[str, _Both] = {
    "seconds": ("{} s", "{} 秒"),
    "span": ("span {}", "区段 {}"),
    "clip": ("{}", "{}"),
    "name": ("{}", "{}"),
    "user": ("{}", "{}"),
    "to": ("to {}", "交给 {}"),
    "note": ("note: {}", "备注：{}"),
    "with": ("{}", "{}"),
    "box": ("area {}", "区域 {}"),
    "url": ("{}", "{}"),
    "push": ("to {}", "推流至 {}"),
    "destination": ("{}", "{}"),
    "filename": ("{}", "{}"),
    "backups": ("backups {}", "备用片段 {}"),
    "change": ("{}", "{}"),
    "format": ("as {}", "格式 {}"),
    "hold": ("{}", "{}"),
    "into": ("into {}", "并入 {}"),
    "category": ("{}", "{}"),
    "level": ("{}", "{}"),
    "aired": ("aired: {}", "观众看到或听到：{}"),
    "marks": ("{} marks", "标记 {} 个"),
    "answered": ("{} answered", "响应 {} 个"),
    "delay_s": ("delay {} s", "延时 {} 秒"),
    "retention_days": ("recordings kept {} days", "录像保存 {} 天"),
    "dump_s": ("a dump is {} s", "默认丢弃 {} 秒"),
    "restore_needs_two": ("restore needs two people: {}", "恢复须两人确认：{}"),
    "duty_watch": ("when nobody is on duty: {}", "无人值守时：{}"),
    "duty_ask_min": ("asked after {} min", "{} 分钟无操作后询问"),
    "duty_absent_s": ("alarm after {} s", "{} 秒后告警"),
    "comments": ("comments: {}", "评论：{}"),
    "bullets": ("bullet comments: {}", "弹幕：{}"),
    "sharing": ("sharing: {}", "分享：{}"),
    "slow_s": ("{} s between comments", "评论间隔 {} 秒"),
    "window_s": ("{} s to undo", "撤销时限 {} 秒"),
    "max_chars": ("{} characters at most", "最多 {} 字"),
    "stages": ("{} stages at least", "至少 {} 级审核"),
    "authors_told": ("authors are told: {}", "告知作者：{}"),
    "starts_at": ("from {}", "{} 起"),
    "ends_at": ("until {}", "至 {}"),
    "start": ("from {}", "{} 起"),
    "end": ("until {}", "至 {}"),
}
_TIMES = frozenset({"starts_at", "ends_at", "start", "end"})
_WORDS: Mapping[str, _Both] = {
    "mute": ("muted", "静音"),
    "bleep": ("bleeped", "提示音"),
    "mosaic": ("mosaic", "马赛克"),
    "rotate": ("new", "更换"),
    "remove": ("removed", "移除"),
    "off": ("nothing", "不处理"),
    "alarm": ("alarm", "告警"),
    "backup": ("backup airs", "播出备用画面"),
    "standby": ("standby camera", "备用镜头"),
    "slate": ("slate", "垫片"),
    **CATEGORIES,
    **LEVELS,
}


def describe_action(what: str, args: Mapping[str, object], say: Tongue, zone: tzinfo | None) -> str:
    """Return an action with what it was given: "dump (5 s, span s2)". An unknown one stands as it is."""
    given = [
        say(*_GIVEN[name]).format(_value(name, value, say, zone))
        for name, value in args.items()
        if name in _GIVEN and value not in ("", None, [])
    ]
    kind = args.get("kind")
    if what == "redact" and isinstance(kind, str):
        given.insert(0, word(say, _WORDS, kind))
    listed = say(", ", "，").join(given)
    return word(say, ACTIONS, what) + (say(f" ({listed})", f"（{listed}）") if listed else "")


def _value(name: str, value: object, say: Tongue, zone: tzinfo | None) -> str:
    if isinstance(value, bool):
        return say("yes", "是") if value else say("no", "否")
    if isinstance(value, int | float):
        return when(value, zone, "%m-%d %H:%M:%S") if name in _TIMES else f"{value:g}"
    if isinstance(value, list | tuple):
        return say(", ", "、").join(_value(name, one, say, zone) for one in value)
    text = PurePath(str(value)).name if name == "backups" else str(value)
    return word(say, AIRED if name == "aired" else _WORDS, text)
