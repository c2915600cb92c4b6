"""The incident report (事件报告, R6, R27): one incident with its evidence, to be handed upward. Pure."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple, assert_never

from streamgate.incidents.escalation import Acknowledged, Closed, Escalated, Followed, Reported, Sent
from streamgate.incidents.incident import (
    AnyEvent,
    Completed,
    Dismissed,
    Ended,
    Incident,
    Joined,
    Kept,
    Opened,
)
from streamgate.incidents.words import CATEGORIES, KINDS
from streamgate.reports.broadcast import said
from streamgate.reports.document import (
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
from streamgate.reports.words import (
    AIRED,
    LEVELS,
    STATES,
    clock,
    lasting,
    name_of,
    when,
    when_and_where,
    word,
)
from streamgate.store.published import Item


class IncidentFacts(NamedTuple):
    """`comments` None: the database cannot be read. `stills`: wall clock and JPEG, None: not recorded."""

    incident: Incident
    comments: Sequence[Item] | None
    stills: Sequence[tuple[float, bytes | None]]


def incident_report(
    facts: IncidentFacts, say: Tongue, *, made_at: float, made_by: str, zone: tzinfo | None = None
) -> Document:
    """Return the report on an incident. `zone`: of its times; None: this machine's."""
    one = facts.incident
    sections = [
        Section(say("1. What is on record", "一、基本情况"), [_facts(one, say, zone)]),
        Section(say("2. What happened", "二、事件经过"), [*_told(one, say)]),
        Section(
            say("3. Measures", "三、处置措施"),
            [Text(one.measures or say("None are written down.", "未填写。"))],
        ),
        Section(say("4. Pictures that came in", "四、来流画面"), [_stills(facts, say, zone)]),
        Section(say("5. Comments shown then", "五、当时展示的评论"), [_comments(facts, say, zone)]),
        Section(say("6. Log", "六、处理记录"), [_log(one, say, zone)]),
        Section(
            say("Signatures", "签字"),
            [
                Signatures(
                    (
                        say("Written by", "填报人"),
                        say("Person in charge", "值班负责人"),
                        say("Head of the institution", "单位负责人"),
                        say("Date", "日期"),
                    )
                )
            ],
        ),
    ]
    return Document(
        say.language,
        say("Incident report", "网络直播事件报告"),
        f"{one.channel}  {one.id}",
        sections,
        say(
            f"{one.id} - made {when(made_at, zone)} by {made_by}",
            f"{one.id}　制表 {made_by}　{when(made_at, zone)}",
        ),
        say.page,
    )


def _facts(one: Incident, say: Tongue, zone: tzinfo | None) -> Facts:
    rows = [
        (say("Incident", "事件编号"), one.id),
        (say("State", "状态"), word(say, STATES, one.state)),
        (say("Kind", "类型"), word(say, KINDS, one.kind)),
        (say("Time", "发生时间"), when_and_where(one.happened, zone)),
        (say("Channel", "频道"), one.channel),
        (say("Broadcast", "场次"), one.broadcast or say("off air", "未开播")),
        (
            say("By whom", "操作人"),
            name_of(one.actor, say) if one.actor else say("noticed by the gate", "由闸口发现"),
        ),
        (say("Delay then", "当时延时"), f"{one.delay_s:g} s"),
    ]
    if one.until > one.happened:
        rows.append((say("Lasted", "持续"), lasting(one.until - one.happened)))
    if one.seconds:
        label = say("Dumped", "丢弃时长") if one.kind == "dump" else say("Began before", "起点早于事件")
        rows.append((label, f"{one.seconds:g} s"))
    if one.category is not None and one.level is not None and one.aired is not None:
        rows += [
            (say("About", "类别"), word(say, CATEGORIES, one.category)),
            (say("Grade", "等级"), word(say, LEVELS, one.level)),
            (say("Viewers saw or heard it", "观众是否看到或听到"), word(say, AIRED, one.aired)),
        ]
    rows.append(
        (
            say("Recordings on hold", "录像保留"),
            f"{when(one.held.start, zone)} – {clock(one.held.end, zone)}\n{', '.join(one.holds) or '—'}",
        )
    )
    if one.members:
        rows.append((say("Part of it", "并入的事件"), ", ".join(one.members)))
    if one.settled_by:
        into = f" {one.joined_into}" if one.joined_into else ""
        rows.append(
            (
                f"{word(say, STATES, one.state)}{into}",
                f"{name_of(one.settled_by, say)}{say(': ', '：')}{one.reason}",
            )
        )
    return Facts(rows)


def _told(one: Incident, say: Tongue) -> list[Text]:
    words = said(one, say)
    told = [Text(one.report)] if one.report else []
    if words and words != one.report:
        told.append(Text(say(f"Said at that moment: {words}", f"当时说明：{words}")))
    return told or [Text(say("It is not written up yet.", "尚未填报。"), alarming=True)]


def _stills(facts: IncidentFacts, say: Tongue, zone: tzinfo | None) -> Pictures:
    shown = []
    for at, jpeg in facts.stills:
        seconds = round(at - facts.incident.happened)
        apart = say("at that moment", "当时")
        if seconds:
            side = say("before", "前") if seconds < 0 else say("after", "后")
            apart = say(f"{abs(seconds)} s {side}", f"{side} {abs(seconds)} 秒")
        shown.append(Picture(jpeg, f"{clock(at, zone)}{say(f' ({apart})', f'（{apart}）')}"))
    return Pictures(shown, say("not recorded", "无录像"))


def _comments(facts: IncidentFacts, say: Tongue, zone: tzinfo | None) -> Table | Text:
    if facts.comments is None:
        return Text(say("The comments cannot be read.", "无法读取评论。"))
    rows = [
        (
            clock(one.at, zone),
            one.author,
            one.text
            if one.kind == "publish"
            else say(f"(comment {one.comment_id} taken back)", f"（撤回评论 {one.comment_id}）"),
        )
        for one in facts.comments
    ]
    return Table(
        (say("Time", "时间"), say("Name", "昵称"), say("Comment", "评论内容")),
        (16, 24, 60),
        rows,
        say("None.", "无。"),
    )


def _log(one: Incident, say: Tongue, zone: tzinfo | None) -> Table:
    rows = [
        (
            when(event.at, zone),
            say("by itself", "自动") if event.by == "incidents" else name_of(event.by, say),
            _event(event, say),
        )
        for event in one.log
    ]
    return Table((say("Time", "时间"), say("Person", "人员"), say("What", "内容")), (28, 22, 50), rows, "")


def _event(event: AnyEvent, say: Tongue) -> str:  # noqa: PLR0911 - one for each kind
    match event:
        case Opened():
            return say("draft opened", "建立草稿")
        case Ended():
            return say("the cut ended", "切断已结束")
        case Kept():
            return say(f"recordings on hold ({event.hold})", f"录像已保留（{event.hold}）")
        case Completed():
            return say(f"written up: {event.words}", f"填报：{event.words}")
        case Joined():
            return say(
                f"{event.id} joined into {event.into}: {event.reason}",
                f"{event.id} 并入 {event.into}：{event.reason}",
            )
        case Dismissed():
            return say(f"dismissed: {event.reason}", f"撤销：{event.reason}")
        case Reported():
            levels = " > ".join(f"{step.name} ({say(', ', '、').join(step.persons)})" for step in event.steps)
            return say(f"reported upward: {levels}", f"上报：{levels}")
        case Sent():
            done = say(event.error, event.error_zh or event.error) or say("delivered", "已送达")
            return say(f"notification of {event.person}: {done}", f"通知 {event.person}：{done}")
        case Escalated():
            return say(f"not answered: step {event.step + 1}", f"逾期未签收，上报至第 {event.step + 1} 级")
        case Acknowledged():
            return say(f"acknowledged {event.words}", f"签收 {event.words}").strip()
        case Followed():
            return say(f"follow-up: {event.words}", f"跟踪：{event.words}")
        case Closed():
            return say(f"closed: {event.words}", f"办结：{event.words}")
        case _:
            assert_never(event)
