"""The self-check as an office document (自查表). Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from streamgate.reports.document import Document, Facts, Section, Signatures, Table, Tongue
from streamgate.reports.words import when
from streamgate.selfcheck.judge import Finding
from streamgate.selfcheck.said import Standing

STATES: Mapping[Standing, tuple[str, str]] = {
    "met": ("met", "符合"),
    "part": ("in part", "部分符合"),
    "gap": ("NOT MET", "不符合"),
    "unknown": ("not to be seen", "无法判断"),
}


def selfcheck_document(
    findings: Sequence[Finding], say: Tongue, *, made_at: float, made_by: str, zone: tzinfo | None = None
) -> Document:
    """Return the document. `zone`: of its time; None: this machine's."""
    counts = Counter(one.state for one in findings)
    summary = Facts([(say(*STATES[state]), str(counts[state])) for state in STATES])
    rows = [
        (
            one.rule,
            say(one.title, one.title_zh),
            say(*STATES[one.state]),
            say(one.evidence, one.evidence_zh),
            say(one.gap, one.gap_zh) or "—",
        )
        for one in findings
    ]
    table = Table(
        (
            say("Rule", "条目"),
            say("Demand", "要求"),
            say("State", "结论"),
            say("Evidence", "依据"),
            say("Gap", "差距"),
        ),
        (8, 24, 12, 32, 24),
        rows,
        "",
    )
    return Document(
        say.language,
        say("Self-check against the rules", "网络直播合规自查表"),
        when(made_at, zone),
        [
            Section(say("Summary", "汇总"), [summary]),
            Section(say("Rules R1 to R28", "逐条自查（R1–R28）"), [table]),
            Section(
                say("Signatures", "签字"),
                [
                    Signatures(
                        (
                            say("Checked by", "自查人"),
                            say("Head of the institution", "单位负责人"),
                            say("Date", "日期"),
                        )
                    )
                ],
            ),
        ],
        say(
            f"Self-check - {when(made_at, zone)} by {made_by}",
            f"合规自查　制表 {made_by}　{when(made_at, zone)}",
        ),
        say.page,
    )
