"""The review form of a broadcast (审核表, R17): HTML that prints well on A4, and is made into PDF. Pure.

What nobody reviewed is listed first. Then one row a card: what was said, by whom, what the filter found, who
decided in each stage, when and how, and what became of it. Personal data is starred out. Times are those of
this machine's clock and zone.
"""

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from console.review.export import name_of
from moderation.filter.policy import Verdict
from moderation.review.reasons import RejectCode
from streamgate.store.broadcasts import UNREVIEWED, Acts, BroadcastComments, CardRecord, Names
from streamgate.store.comment_models import ReviewAct, StageDecision

_VERDICTS = {
    Verdict.CLEAN: "未发现问题",
    Verdict.SUSPECTED: "疑似",
    Verdict.SENSITIVE: "敏感",
    Verdict.IMPORTANT: "重要",
    Verdict.BLOCK: "拦截",
}
_STATES = {
    "waiting": "未审，未发布",
    "blocked": "已拦截，未发布",
    "approved": "已通过，待发布",
    "published": "已发布",
    "rejected": "已驳回，未发布",
    "expired": "未审，未发布（直播已结束）",
}
_ROLES = {"reviewer": "初审员", "senior-reviewer": "复审员", "chief-reviewer": "终审员"}
_DECIDED = {"approve": "通过", "reject": "驳回"}
_ACTS = {
    "escalate": "上报一级",
    "hold": "搁置",
    "release": "解除搁置",
    "restore": "恢复审核",
    "undo": "撤销决定",
    "retract": "撤回",
}
_STAGES = (("初审", "first review"), ("复审", "second review"), ("终审", "final review"))
_STYLE = """
@page { size: A4 landscape; margin: 14mm 12mm 16mm;
  @bottom-left { content: "BROADCAST"; font-size: 8pt; }
  @bottom-right { content: "第 " counter(page) " 页，共 " counter(pages) " 页"; font-size: 8pt; } }
* { box-sizing: border-box; }
body { font: 9pt/1.45 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", SimSun,
  sans-serif; color: #000; background: #fff; margin: 0 auto; max-width: 273mm; }
h1 { font-size: 17pt; text-align: center; margin: 0 0 1mm; }
small { display: block; font-weight: normal; font-size: 7pt; color: #444; }
h1 small { font-size: 9pt; } h2 { font-size: 11pt; margin: 4mm 0 1mm; break-after: avoid; }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1.5mm 5mm; margin: 4mm 0; }
dt { font-weight: bold; } dd { margin: 0; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; margin: 0 0 4mm; }
th, td { border: 0.3mm solid #333; padding: 1mm 1.2mm; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #eee; } thead { display: table-header-group; } tr { break-inside: avoid; }
.people { table-layout: auto; }
.note { color: #333; font-size: 8pt; } .said { white-space: pre-wrap; unicode-bidi: isolate; }
.no { font-weight: bold; }
.signs { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10mm 6mm; margin: 10mm 0 0;
  break-inside: avoid; }
.signs div { border-bottom: 0.3mm solid #333; padding: 0 0 9mm; }
@media screen { body { padding: 8mm; } }
"""
_WIDTHS = (4, 8, 8, 22, 11, 11, 11, 11, 14)  # % of the sheet
_UNREVIEWED_WIDTHS = (8, 9, 10, 45, 14, 14)


class Form(NamedTuple):
    """`rows`: cards in the order they came. `left_out`: so many more are not on the form.

    `unreviewed`: cards that were neither published nor rejected, the first of them.
    """

    channel: str
    counts: BroadcastComments
    rows: Sequence[CardRecord]
    left_out: int
    unreviewed: Sequence[CardRecord]
    names: Names
    printed_at: float
    printed_by: str
    zone: tzinfo | None = None


def to_html(form: Form) -> str:
    """Return the whole page. It loads nothing and runs nothing."""
    parts = (_facts(form), _people(form), _unreviewed(form), _table(form), _left_out(form), _signatures())
    heading = ("网络直播评论审核表", "Review form for the comments of a broadcast")
    return _page(f"评论审核表 {form.channel} {form.counts.broadcast}", heading, parts)


def to_report_html(form: Form, acts: Acts) -> str:
    """Return a page with what became of a broadcast's comments, and those that nobody reviewed."""
    heading = ("网络直播评论审核报告", "Report on the comments of a broadcast")
    title = f"评论审核报告 {form.channel} {form.counts.broadcast}"
    return _page(title, heading, (_facts(form), _decisions(acts), _unreviewed(form)))


def _page(title: str, heading: tuple[str, str], parts: Iterable[str]) -> str:
    style = _STYLE.replace("BROADCAST", _css_text(title))
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<link rel="icon" href="data:,">'
        f"<title>{_text(title)}</title><style>{style}</style></head><body>"
        f"<h1>{heading[0]}<small>{heading[1]}</small></h1>{''.join(parts)}</body></html>\n"
    )


def _facts(form: Form) -> str:
    counts = form.counts
    first_at, last_at, printed_at = (
        _when(at, form.zone, "%Y-%m-%d %H:%M:%S") for at in (counts.first_at, counts.last_at, form.printed_at)
    )
    states = "；".join(f"{_STATES.get(state, state)} {number}" for state, number in counts.comments.items())
    if counts.retracted:
        states += f"；其中发布后撤回 {counts.retracted}"
    facts = (
        ("频道", "channel", form.channel),
        ("场次", "broadcast", counts.broadcast or "（未开播时段）"),
        ("首条评论", "first comment", first_at),
        ("末条评论", "last comment", last_at),
        ("评论条数", "comments", str(sum(counts.comments.values()))),
        ("审核卡片数", "cards", str(sum(counts.cards.values()))),
        ("结果", "outcome, in comments", states),
        ("制表", "printed by, at", f"{form.printed_by}　{printed_at}"),
    )
    return f"<dl>{''.join(_fact(*one) for one in facts)}</dl>"


def _fact(label: str, english: str, value: str) -> str:
    return f"<div><dt>{label}<small>{english}</small></dt><dd>{_text(value)}</dd></div>"


def _decisions(acts: Acts) -> str:
    """Return how often people decided, and for which reasons cards are rejected."""
    done = "；".join(
        f"{(_DECIDED | _ACTS)[kind]} {number}" for kind, number in sorted(acts.decisions.items())
    )
    causes = "；".join(f"{_cause(code)} {number}" for code, number in sorted(acts.rejected_for.items()))
    facts = (
        ("审核操作次数", "decisions of people, undone ones, too", done or "无"),
        ("驳回原因", "cards rejected, by reason", causes or "无"),
    )
    return f"<dl>{''.join(_fact(*one) for one in facts)}</dl>"


def _unreviewed(form: Form) -> str:
    """Return the list of what nobody published and nobody rejected."""
    title = "<h2>未审结、未发布的评论<small>Not reviewed to the end, and so not published</small></h2>"
    number = sum(form.counts.cards.get(state, 0) for state in UNREVIEWED)
    if not number:
        return f"{title}<p>无。 None.</p>"
    heads = (
        ("卡片号", "card"),
        ("时间", "time"),
        ("昵称", "name"),
        ("评论内容", "comment"),
        ("过滤结论", "filter"),
        ("状态", "state"),
    )
    cells = ((one.card.id, *_said(one, form), _left_at(one)) for one in form.unreviewed)
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    more = number - len(form.unreviewed)
    rest = (
        f"<p>另有 {more} 张卡片未列出；完整记录请导出 CSV。 {more} more cards are in the export.</p>"
        if more > 0
        else ""
    )
    return f"{title}{_table_of(_UNREVIEWED_WIDTHS, heads, rows)}{rest}"


def _left_at(record: CardRecord) -> str:
    """Return the state of an unreviewed card, and how many of its stages approved it."""
    card, passed = record.card, sum(one.decision == "approve" for one in record.decisions)
    said = f"{_STATES.get(card.state, card.state)}；已通过 {passed}/{card.stages} 个环节"
    return _text(f"{said}；已搁置：{card.held}" if card.held else said)


def _people(form: Form) -> str:
    """Return who reviewed, and how much in each stage."""
    done: Counter[tuple[int, int]] = Counter()
    for row in form.rows:
        done.update((one.user_id, one.stage) for one in row.decisions)
    people = sorted({user for user, _ in done}, key=lambda user: name_of(user, form.names))
    if not people:
        return ""
    head = "".join(f"<th>{zh}<small>{en}</small></th>" for zh, en in _STAGES)
    rows = "".join(
        f"<tr><td>{_text(name_of(user, form.names))}</td>"
        + "".join(f"<td>{done[user, stage] or '—'}</td>" for stage in (1, 2, 3))
        + "</tr>"
        for user in people
    )
    head = f"<thead><tr><th>审核人<small>reviewer</small></th>{head}</tr></thead>"
    return f'<table class="people">{head}<tbody>{rows}</tbody></table>'


def _table(form: Form) -> str:
    heads = (
        ("序号", "no."),
        ("时间", "time"),
        ("昵称", "name"),
        ("评论内容", "comment"),
        ("过滤结论", "filter"),
        *_STAGES,
        ("结果", "outcome"),
    )
    rows = "".join(_row(number, row, form) for number, row in enumerate(form.rows, 1))
    return _table_of(_WIDTHS, heads, rows)


def _table_of(widths: Iterable[int], heads: Iterable[tuple[str, str]], rows: str) -> str:
    columns = "".join(f'<col style="width:{width}%">' for width in widths)
    head = "".join(f"<th>{zh}<small>{en}</small></th>" for zh, en in heads)
    return f"<table><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(number: int, record: CardRecord, form: Form) -> str:
    stages = "".join(f"<td>{_stage(stage, record, form)}</td>" for stage in (1, 2, 3))
    cells = "".join(f"<td>{cell}</td>" for cell in (number, *_said(record, form)))
    return f"<tr>{cells}{stages}<td>{_outcome(record, form)}</td></tr>"


def _said(record: CardRecord, form: Form) -> tuple[str, str, str, str]:
    """Return when, by whom and what was said, and the filter's verdict."""
    first = record.comments[0] if record.comments else None
    author = text = cause = ""
    if first is not None:
        author = first.author if first.masked_author is None else first.masked_author
        text = first.text if first.masked is None else first.masked
        cause = first.cause_zh
    equal = len(record.comments)
    count = f'<div class="note">相同评论 {equal} 条</div>' if equal > 1 else ""
    verdict = _VERDICTS[Verdict(record.card.verdict)]
    why = f'<div class="note">{_text(cause)}</div>' if record.card.verdict and cause else ""
    return (
        _when(record.card.opened_at, form.zone),
        _text(author),
        f'<span class="said">{_text(text)}</span>{count}',
        f"{verdict}{why}",
    )


def _stage(stage: int, record: CardRecord, form: Form) -> str:
    decision = next((one for one in record.decisions if one.stage == stage), None)
    if decision is not None:
        return _decision(decision, form)
    return "未审" if stage <= record.card.stages and record.card.state != "rejected" else "—"


def _decision(one: StageDecision, form: Form) -> str:
    no = f'<span class="no">驳回</span>：{_text(_cause(one.code))}'
    word = "通过" if one.decision == "approve" else no
    by = f"{_text(name_of(one.user_id, form.names))}（{_text(_ROLES.get(one.role, one.role))}）"
    note = f'<div class="note">{_text(one.note)}</div>' if one.note else ""
    return f"{word}<br>{by}<br>{_when(one.at, form.zone)}{note}"


def _cause(code: str) -> str:
    return RejectCode(code).word_zh if code in set(RejectCode) else code


def _outcome(record: CardRecord, form: Form) -> str:
    said = _STATES.get(record.card.state, record.card.state)
    if record.card.held:
        said += f"；已搁置：{record.card.held}"
    acts = "".join(f'<div class="note">{_act(one, form)}</div>' for one in record.acts if one.kind in _ACTS)
    return f"{_text(said)}{acts}"


def _act(one: ReviewAct, form: Form) -> str:
    note = f"：{one.note}" if one.note else ""
    by = name_of(one.user_id, form.names) or "系统"
    return _text(f"{_ACTS[one.kind]}{note}（{by}，{_when(one.at, form.zone)}）")


def _left_out(form: Form) -> str:
    if not form.left_out:
        return ""
    shown, more = len(form.rows), form.left_out
    return (
        f"<p><strong>本表列出前 {shown} 张卡片，另有 {more} 张未列出；完整记录请导出 CSV。</strong> "
        f"This form lists the first {shown} cards, {more} more are left out; the export holds all.</p>"
    )


def _signatures() -> str:
    places: Iterable[tuple[str, str]] = (
        ("初审人（签字）", "first reviewer"),
        ("复审人（签字）", "second reviewer"),
        ("终审人（签字）", "final reviewer"),
        ("单位负责人（签字、盖章）", "head of the institution, seal"),
        *[("日期", "date")] * 4,
    )
    return f'<div class="signs">{"".join(f"<div>{zh}<small>{en}</small></div>" for zh, en in places)}</div>'


def _when(at: float, zone: tzinfo | None, form: str = "%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(at, zone).strftime(form)


def _text(text: str) -> str:
    return html.escape(text)


def _css_text(text: str) -> str:
    """Return text as it may stand in a string of a style sheet inside of HTML."""
    return "".join(char if char.isalnum() or char in " .-_" else f"\\{ord(char):x} " for char in text)
