"""Actions in reports: in words, without what only `verify` needs."""

import re
from datetime import UTC
from pathlib import Path

import pytest

from streamgate.reports.actions import ACTIONS, describe_action

SENTENCES = Path(__file__).parents[2] / "console/web/src/audit/sentences.ts"
OF_CHANNELS = (
    "archive.",
    "backup.",
    "channel.",
    "destination.",
    "duty.",
    "incident.",
    "interaction.",
    "practice.",
    "rehearsal.",
    "report.",
    "source.",
)


def zh(_en: str, chinese: str) -> str:
    return chinese


def en(english: str, _zh: str) -> str:
    return english


@pytest.mark.parametrize(
    ("what", "args", "said"),
    [
        ("cut", {"first_us": 0, "kind": "cut", "past_us": 4030266340, "span": "s1"}, "切断（区段 s1）"),
        ("dump", {"last_us": 4, "seconds": 1, "span": "s2"}, "丢弃（1 秒，区段 s2）"),
        ("redact", {"kind": "mute", "span": "s3"}, "区段消音或打马赛克（静音，区段 s3）"),
        ("backup", {"clip": "standby"}, "播出备用画面（备用镜头）"),
        (
            "channel.add",
            {
                "backups": ["/srv/clips/pause.mp4"],
                "delay_s": 30.0,
                "push": ["a=rtmp://host/live/***", "watch=hls:"],
            },
            "新建频道（备用片段 pause.mp4，延时 30 秒，推流至 a=rtmp://host/live/***、watch=hls:）",
        ),
        (
            "duty.plan",
            {"starts_at": 1796021580, "ends_at": 1796035980, "user": "lina"},
            "排入值班表（11-30 06:53:00 起，至 11-30 10:53:00，lina）",
        ),
        ("channel.change", {"duty_watch": "off", "backups": []}, "更改频道（无人值守时：不处理）"),
        (
            "interaction.set",
            {"comments": True, "sharing": False, "slow_s": 3},
            "更改互动设置（评论：是，分享：否，评论间隔 3 秒）",
        ),
        (
            "incident.complete",
            {"aired": "no", "category": "picture", "level": "minor"},
            "填报事件（观众看到或听到：否，画面，一般）",
        ),
        ("something.new", {"what": "ever"}, "something.new"),
    ],
)
def test_an_action_is_said_in_chinese(what: str, args: dict[str, object], said: str) -> None:
    assert describe_action(what, args, zh, UTC) == said


def test_an_action_is_said_in_english() -> None:
    given = {"seconds": 5, "span": "s2", "past_us": 1}
    assert describe_action("dump", given, en, UTC) == "dump (5 s, span s2)"
    assert describe_action("live", {}, en, UTC) == "back to live"


def test_every_action_on_a_channel_that_the_audit_knows_has_words() -> None:
    """The page's table of sentences is the list of what the ledger may name."""
    commands, console = SENTENCES.read_text("utf-8").partition("export const CONSOLE")[::2]
    known = set(re.findall(r'^  "?([a-z_.]+)"?: both\(', commands, re.MULTILINE)) - {"reload", "unknown"}
    console = console.partition("export const LEDGER")[0]
    known |= {
        one
        for one in re.findall(r'^  "([a-z_.]+)": both\(', console, re.MULTILINE)
        if one.startswith(OF_CHANNELS)
    }
    assert len(known) > 40
    assert known <= set(ACTIONS)
