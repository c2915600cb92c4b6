"""The broadcast report (播出报告, R7): what a broadcast was, with what proof, who answered for it. Pure."""

from collections.abc import Sequence
from datetime import tzinfo

from streamgate.archive.certificate import Certificate
from streamgate.incidents.incident import Incident
from streamgate.incidents.words import CATEGORIES, KINDS
from streamgate.reports.actions import describe_action
from streamgate.reports.document import (
    Block,
    Document,
    Facts,
    Picture,
    Pictures,
    Section,
    Signatures,
    Table,
    Text,
    Tongue,
)
from streamgate.reports.facts import BroadcastFacts, CommentFacts, OnDuty
from streamgate.reports.words import (
    ACTS,
    CARDS,
    LEVELS,
    ROLES,
    STATES,
    WHY,
    clock,
    lasting,
    name_of,
    when,
    when_and_where,
    word,
)

_MAX_GAPS = 200


def broadcast_report(
    facts: BroadcastFacts, say: Tongue, *, made_at: float, made_by: str, zone: tzinfo | None = None
) -> Document:
    """Return the report on a broadcast. `zone`: of its times; None: this machine's."""
    found = facts.certificate
    sections = [
        Section(
            say("1. The broadcast", "一、播出概况"), [_overview(facts, say, zone), *_unfinished(found, say)]
        ),
        Section(say("2. Delay certificate (R1)", "二、延时证明（R1）"), _certificate(found, say, zone)),
        Section(say("3. Persons on duty", "三、值守人员"), [_duty(facts.people, say, zone)]),
        Section(say("4. Actions", "四、操作记录"), [_actions(facts, say, zone)]),
        Section(
            say("5. Incidents (R6, R19)", "五、事件（R6、R19）"), [_incidents(facts.incidents, say, zone)]
        ),
        Section(say("6. Comments (R4, R17)", "六、评论审核（R4、R17）"), _comments(facts, say, zone)),
        Section(say("7. The recording (R8)", "七、录像完整性（R8）"), _archive(facts, say, zone)),
        Section(say("8. Stills", "八、画面截图"), [_stills(facts, say, zone)]),
        Section(
            say("Signatures", "签字"),
            [
                Signatures(
                    (
                        say("Director", "播出负责人"),
                        say("Reviewer", "审核负责人"),
                        say("Head of the institution", "单位负责人"),
                        say("Date", "日期"),
                    )
                )
            ],
        ),
    ]
    return Document(
        say.language,
        say("Broadcast report", "网络直播播出报告"),
        found.broadcast,
        sections,
        say(
            f"{found.broadcast} - made {when(made_at, zone)} by {made_by}",
            f"{found.broadcast}　制表 {made_by}　{when(made_at, zone)}",
        ),
        say.page,
    )


def _overview(facts: BroadcastFacts, say: Tongue, zone: tzinfo | None) -> Facts:
    found = facts.certificate
    away = sum(gap.end - gap.start for gap in found.gaps)
    return Facts(
        (
            (say("Channel", "频道"), found.channel),
            (say("Broadcast", "场次"), found.broadcast),
            (say("Began", "开始时间"), when_and_where(found.start, zone)),
            (say("Ended", "结束时间"), when_and_where(found.end, zone)),
            (say("Duration", "播出时长"), lasting(found.end - found.start)),
            (say("Of that filler, or not noted", "其中垫片或无记录"), lasting(away)),
            (say("Incidents", "事件数"), str(len(facts.incidents))),
        )
    )


def _unfinished(found: Certificate, say: Tongue) -> list[Block]:
    if found.ended:
        return []
    return [
        Text(
            say(
                "The broadcast goes on, or a kill ended it: this report tells as far as its record goes.",
                "播出尚未结束，或因进程被强行终止而中断：本报告内容以现有记录为限。",
            ),
            alarming=True,
        )
    ]


def _certificate(found: Certificate, say: Tongue, zone: tzinfo | None) -> list[Block]:
    kept = found.below_floor == 0
    verdict = (
        say(
            f"No live packet left below the floor of {found.floor_s:g} s.",
            f"没有任何直播数据包的延时低于 {found.floor_s:g} 秒下限。",
        )
        if kept
        else say(
            f"{found.below_floor} live packets left below the floor of {found.floor_s:g} s.",
            f"有 {found.below_floor} 个直播数据包的延时低于 {found.floor_s:g} 秒下限。",
        )
    )
    rows = [
        (say("Floor", "延时下限"), f"{found.floor_s:g} s"),
        (say("Delay that was set", "设定延时"), f"{found.delay_s:g} s"),
        (say("Measured: least", "实测最小"), _seconds(found.min_s)),
        (say("Measured: median", "实测中位数"), _seconds(found.p50_s)),
        (say("Measured: 99 % at most", "实测第 99 百分位"), _seconds(found.p99_s)),
        (say("Measured: most", "实测最大"), _seconds(found.max_s)),
        (say("Live packets", "直播数据包数"), str(found.packets)),
        (say("Below the floor", "低于下限"), str(found.below_floor)),
    ]
    gaps = [
        (
            clock(gap.start, zone),
            lasting(gap.end - gap.start),
            word(say, WHY, gap.why),
            name_of(gap.actor, say) if gap.actor else "",
            gap.filler,
        )
        for gap in found.gaps
    ]
    table = Table(
        (
            say("From", "开始"),
            say("Length", "时长"),
            say("Why live was not on air", "未播直播的原因"),
            say("By whom", "操作人"),
            say("Aired instead", "替代画面"),
        ),
        (14, 12, 34, 20, 20),
        gaps[:_MAX_GAPS],
        say("Live was on air all the time.", "全程为直播画面。"),
        _more(len(gaps) - _MAX_GAPS, say),
    )
    return [Text(verdict, alarming=not kept), Facts(rows), table]


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f} s"


def _more(number: int, say: Tongue) -> str:
    if number <= 0:
        return ""
    return say(f"{number} more are on record.", f"另有 {number} 条见系统记录。")


def _duty(people: Sequence[OnDuty], say: Tongue, zone: tzinfo | None) -> Table:
    rows = [
        (
            name_of(one.who, say),
            say(", ", "、").join(word(say, ROLES, role) for role in one.roles) or "—",
            f"{clock(one.first, zone)} – {clock(one.last, zone)}",
            say("yes", "是") if one.signed_in else "—",
            str(one.acts),
        )
        for one in people
    ]
    return Table(
        (
            say("Person", "人员"),
            say("Role", "角色"),
            say("Seen from – to", "在岗时段"),
            say("Signed in", "已登录"),
            say("Acts", "操作次数"),
        ),
        (24, 28, 26, 11, 11),
        rows,
        say("Nobody was signed in, and nobody acted.", "无人登录，也无人操作。"),
    )


def _actions(facts: BroadcastFacts, say: Tongue, zone: tzinfo | None) -> Table:
    rows = [
        (
            clock(one.at, zone),
            name_of(one.who, say),
            describe_action(one.what, one.args, say, zone),
            one.reason,
            say(one.answer, one.answer_zh or one.answer) or say("done", "完成"),
        )
        for one in facts.actions
    ]
    return Table(
        (
            say("Time", "时间"),
            say("Person", "人员"),
            say("Action", "操作"),
            say("Reason", "理由"),
            say("Outcome", "结果"),
        ),
        (12, 18, 28, 24, 18),
        rows,
        say("Nobody did anything.", "无人操作。"),
        _more(facts.actions_left_out, say),
    )


def _incidents(incidents: Sequence[Incident], say: Tongue, zone: tzinfo | None) -> Table:
    rows = [
        (
            clock(one.happened, zone),
            word(say, KINDS, one.kind),
            word(say, STATES, one.state)
            + (f"\n{say(', ', '、').join(_graded(one, say))}" if one.level else ""),
            one.report or one.reason or said(one, say),
            name_of(one.completed_by or one.settled_by or one.actor, say),
        )
        for one in incidents
    ]
    return Table(
        (
            say("Time", "时间"),
            say("Kind", "类型"),
            say("State", "状态"),
            say("What happened", "经过"),
            say("Person", "人员"),
        ),
        (12, 14, 20, 36, 18),
        rows,
        say("There was none.", "无。"),
    )


def _graded(one: Incident, say: Tongue) -> tuple[str, str]:
    return word(say, LEVELS, one.level or ""), word(say, CATEGORIES, one.category or "")


def said(one: Incident, say: Tongue) -> str:
    return say(one.words, one.words_zh or one.words)


def _comments(facts: BroadcastFacts, say: Tongue, zone: tzinfo | None) -> list[Block]:
    if facts.no_database:
        return [Text(say("There is no database beside this record.", "此记录旁没有数据库，无法列出评论。"))]
    if facts.comments_away:
        why = facts.comments_away
        text = say(f"The comments cannot be read: {why['error']}.", f"无法读取评论：{why['error_zh']}。")
        return [Text(text, alarming=True)]
    if facts.comments is None:
        return [Text(say("No comment came in.", "没有收到评论。"))]
    found = facts.comments
    counts = found.counts
    rows = [
        (say("Comments", "评论条数"), str(sum(counts.comments.values()))),
        *((word(say, CARDS, state), str(number)) for state, number in sorted(counts.comments.items())),
        (say("Taken back after publishing", "发布后撤回"), str(counts.retracted)),
        *(
            (f"{say('Decisions: ', '审核操作：')}{word(say, ACTS, act)}", str(number))
            for act, number in sorted(found.acts.decisions.items())
        ),
    ]
    return [
        Facts(rows),
        Text(say("Not reviewed to the end:", "未审结的评论：")),
        _unreviewed(found, say, zone),
    ]


def _unreviewed(found: CommentFacts, say: Tongue, zone: tzinfo | None) -> Table:
    rows = []
    for one in found.unreviewed:
        first = one.comments[0] if one.comments else None
        author = text = ""
        if first is not None:
            author = first.author if first.masked_author is None else first.masked_author
            text = first.text if first.masked is None else first.masked
        rows.append(
            (
                str(one.card.id),
                clock(one.card.opened_at, zone),
                author,
                text,
                word(say, CARDS, one.card.state),
            )
        )
    return Table(
        (
            say("Card", "卡片"),
            say("Time", "时间"),
            say("Name", "昵称"),
            say("Comment", "评论内容"),
            say("State", "状态"),
        ),
        (10, 12, 16, 40, 22),
        rows,
        say("None.", "无。"),
        _more(found.more, say),
    )


def _archive(facts: BroadcastFacts, say: Tongue, zone: tzinfo | None) -> list[Block]:
    listed = facts.listed
    if listed is None:
        return [
            Text(say("Nothing of it is in the archive any more.", "归档中已没有本场录像。"), alarming=True)
        ]
    whole = not listed.gaps
    verdict = (
        say("The recording is whole.", "录像完整。")
        if whole
        else say(f"The recording has {len(listed.gaps)} gaps.", f"录像有 {len(listed.gaps)} 处缺失。")
    )
    rows = [
        (say("Recorded from", "录像开始"), when(listed.start, zone)),
        (say("Recorded to", "录像结束"), when(listed.end, zone)),
        (say("Files", "分段数"), str(listed.parts)),
        (say("Size", "大小"), f"{listed.bytes / 1e6:.1f} MB"),
        (say("Holds", "保留"), ", ".join(one.id for one in listed.holds) or "—"),
    ]
    gaps = [
        (when(gap.start, zone), lasting(gap.end - gap.start), word(say, WHY, gap.why))
        for gap in listed.gaps[:_MAX_GAPS]
    ]
    table = Table(
        (say("From", "开始"), say("Length", "时长"), say("Why", "原因")),
        (34, 20, 46),
        gaps,
        say("Nothing is missing.", "没有缺失。"),
        _more(len(listed.gaps) - _MAX_GAPS, say),
    )
    return [Text(verdict, alarming=not whole), Facts(rows), table]


def _stills(facts: BroadcastFacts, say: Tongue, zone: tzinfo | None) -> Pictures:
    shown = [
        Picture(jpeg, f"{when(at, zone)} {say('(as it came in)', '（来流画面）')}")
        for at, jpeg in facts.stills
    ]
    return Pictures(shown, say("not recorded", "无录像"))
