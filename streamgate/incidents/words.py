"""Incidents in words of both languages: kinds, categories, reasons of holds; and search by words. Pure."""

import re
from collections.abc import Mapping

from streamgate.incidents.incident import Incident, Kind

KINDS: Mapping[str, tuple[str, str]] = {
    "cut": ("cut", "切断"),
    "dump": ("dump", "丢弃"),
    "condemn": ("condemned span", "切除区段"),
    "redact": ("redacted span", "区段消音或马赛克"),
    "stop": ("stop", "停播"),
    "violation": ("delay floor", "延时下限"),
    "gap": ("not recorded", "录制缺失"),
    "note": ("note", "备注"),
}
CATEGORIES: Mapping[str, tuple[str, str]] = {
    "picture": ("picture", "画面"),
    "sound": ("sound", "声音"),
    "captions": ("captions", "字幕"),
    "speech": ("what was said", "言论"),
    "comments": ("comments", "评论互动"),
    "technical": ("technology", "技术故障"),
    "operation": ("operation", "操作"),
    "other": ("other", "其他"),
}
_HOLD = re.compile(r"incident (\S+) \((\w+)\)")


def hold_reason(number: str, kind: Kind) -> str:
    """Return why an incident's recordings are on hold, as it stands in the file of holds: in English."""
    return f"incident {number} ({kind})"


def hold_reason_zh(reason: str) -> str:
    """Return the Chinese of what `hold_reason` made; "" for what a person wrote."""
    found = _HOLD.fullmatch(reason)
    if found is None:
        return ""
    number, kind = found.groups()
    return f"事件 {number}（{KINDS[kind][1] if kind in KINDS else kind}）"


def matches(one: Incident, text: str) -> bool:
    """Whether every word of `text` stands in what is known of an incident, in either language; any case."""
    known = [
        one.id,
        one.channel,
        one.broadcast,
        one.words,
        one.words_zh,
        one.report,
        one.measures,
        one.reason,
        one.actor,
        one.completed_by,
        one.settled_by,
        one.kind,
        *KINDS[one.kind],
        *(CATEGORIES[one.category] if one.category is not None else ()),
    ]
    whole = "\n".join(known).casefold()
    return all(word in whole for word in text.casefold().split())
