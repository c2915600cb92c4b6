"""Judges the rules about the program, its recording, and the record of both, by what a system shows. Pure."""

from streamgate.selfcheck.observed import DAYS, Observed
from streamgate.selfcheck.said import Said

MIN_RETENTION_DAYS = 60
FLOOR_S = 30.0


def judge_delay(seen: Observed) -> Said:
    air = seen.air
    if not air.packets and not air.unreadable:
        return Said(
            "unknown",
            (
                f"{seen.channels} channels, delay at least {_s(seen.least_delay_s)}",
                f"{seen.channels} 个频道，延时最小 {_s(seen.least_delay_s)}",
            ),
            (
                f"no broadcast in the last {DAYS} days whose delay could be measured",
                f"近 {DAYS} 天没有可测量延时的场次",
            ),
        )
    evidence = (
        (
            f"{air.broadcasts} broadcasts in {DAYS} days, {air.packets} live packets measured, least held"
            f" {_s(air.least_s)}, {air.below_floor} below {FLOOR_S:g} s"
        ),
        (
            f"近 {DAYS} 天 {air.broadcasts} 场，实测 {air.packets} 个直播数据包，最小延时 {_s(air.least_s)}，"
            f"低于 {FLOOR_S:g} 秒 {air.below_floor} 个"
        ),
    )
    if air.below_floor or air.unreadable:
        return Said(
            "gap",
            evidence,
            (
                f"{air.below_floor} packets below the floor, {air.unreadable} edit lists cannot be read",
                f"{air.below_floor} 个数据包低于下限，{air.unreadable} 份播出清单无法读取",
            ),
        )
    return Said("met", evidence)


def judge_cut(seen: Observed) -> Said:
    evidence = (
        (
            f"the gate {'answers' if seen.serving else 'does not run'}; {seen.acts.cuts} cuts and"
            f" {seen.acts.stops} stops in {DAYS} days, the slowest cut {seen.acts.cut_ms:.1f} ms"
        ),
        (
            f"闸口{'运行中' if seen.serving else '未运行'}；近 {DAYS} 天切断 {seen.acts.cuts} 次、停播"
            f" {seen.acts.stops} 次，最慢切断 {seen.acts.cut_ms:.1f} 毫秒"
        ),
    )
    if seen.serving:
        return Said("met", evidence)
    return Said("unknown", evidence, ("the gate does not run", "闸口未运行"))


def judge_backup(seen: Observed) -> Said:
    with_, camera, every = seen.with_backup, seen.with_standby, seen.channels
    evidence = (
        f"backup content on {with_}, a standby camera on {camera} of {every} channels; a slate always",
        f"{every} 个频道中 {with_} 个有备用内容、{camera} 个有备用镜头；垫片始终可用",
    )
    if seen.with_backup < seen.channels:
        return Said("gap", evidence, ("not every channel has backup content", "有频道没有备用内容"))
    if seen.with_standby < seen.channels:
        return Said("part", evidence, ("not every channel has a standby camera", "有频道没有备用镜头"))
    return Said("met", evidence)


def judge_captions(seen: Observed) -> Said:
    return Said(
        "part",
        (
            f"{seen.incidents} incidents on record, {seen.chain_steps} steps in the chain of reports",
            f"事件 {seen.incidents} 起，上报流程 {seen.chain_steps} 级",
        ),
        (
            "captions are watched by people; there is no detector yet",
            "字幕由人员监看，尚无自动检测",
        )
        if seen.chain_steps
        else (
            "no chain of reports is set, and captions are watched by people alone",
            "尚未设置上报流程；字幕仅由人员监看",
        ),
    )


def judge_reaction(seen: Observed) -> Said:
    made, held = seen.acts.reports, seen.air.broadcasts
    evidence = (
        f"{made} reports made for {held} broadcasts in {DAYS} days; {seen.reported} incidents followed up",
        f"近 {DAYS} 天 {held} 场，生成报告 {made} 份；跟踪事件 {seen.reported} 起",
    )
    return Said(
        "part" if made or not held else "gap",
        evidence,
        ("public reaction outside of this system is not watched by it", "系统不监看站外舆情"),
    )


def judge_recording(seen: Observed) -> Said:
    least = min(seen.retention.values(), default=MIN_RETENTION_DAYS)
    evidence = (
        (
            f"{seen.recorded} recordings of {DAYS} days, {seen.gaps} gaps; kept {least} days at least,"
            f" {seen.holds} holds"
        ),
        f"近 {DAYS} 天录像 {seen.recorded} 场，缺失 {seen.gaps} 处；保存至少 {least} 天，保留 {seen.holds}",
    )
    if seen.archive_error:
        return Said("unknown", evidence, (seen.archive_error, f"归档无法读取：{seen.archive_error}"))
    if least < MIN_RETENTION_DAYS or seen.gaps:
        return Said(
            "gap",
            evidence,
            (f"{seen.gaps} times are not recorded", f"有 {seen.gaps} 处未被录制"),
        )
    if not seen.recorded:
        return Said("unknown", evidence, ("nothing was recorded", "没有录像"))
    return Said("met", evidence)


def judge_destinations(seen: Observed) -> Said:
    evidence = (
        (
            f"{seen.destinations} destinations, {seen.waiting} wait for approval and are not connected,"
            f" {seen.by_one_person} approved by whoever entered them"
        ),
        (
            f"目的地 {seen.destinations} 个，待审批（未连接）{seen.waiting} 个，录入与审批为同一人的"
            f" {seen.by_one_person} 个"
        ),
    )
    if seen.by_one_person:
        return Said(
            "part", evidence, ("some were approved by one person alone", "部分目的地由同一人录入并审批")
        )
    return Said("met", evidence)


def judge_secrets(seen: Observed) -> Said:
    names = ", ".join(seen.open_files) or "-"
    evidence = (
        (
            f"{seen.store.people} personal accounts; {seen.plain_urls} channel files with plain addresses;"
            f" readable by others: {names}"
        ),
        f"个人账号 {seen.store.people} 个；明文推流地址文件 {seen.plain_urls} 个；他人可读文件：{names}",
    )
    if seen.plain_urls or seen.open_files:
        return Said("gap", evidence, ("secrets lie open", "密钥未妥善保管"))
    return Said("met", evidence)


def judge_traces(seen: Observed) -> Said:
    evidence = (
        (
            f"{seen.ledger_records} records in the ledger, {'whole' if seen.ledger_whole else 'NOT whole'},"
            f" {'signed' if seen.ledger_signed else 'not signed'}"
        ),
        (
            f"操作记录 {seen.ledger_records} 条，{'完整' if seen.ledger_whole else '不完整'}，"
            f"{'已签名' if seen.ledger_signed else '未签名'}"
        ),
    )
    if not seen.ledger_whole:
        reason = seen.ledger_error or "it was not read"
        return Said("gap", evidence, (f"not proven: {reason}", f"核验未通过：{reason}"))
    return Said("met", evidence)


def judge_monitoring(seen: Observed) -> Said:
    evidence = (
        f"{seen.incidents} incidents, {seen.drafts} drafts, {seen.old_drafts} of them older than a day",
        f"事件 {seen.incidents} 起，草稿 {seen.drafts} 份，其中超过一天的 {seen.old_drafts} 份",
    )
    if seen.old_drafts:
        return Said("gap", evidence, ("drafts are not written up", "有草稿逾期未填报"))
    return Said("met", evidence)


def judge_reports(seen: Observed) -> Said:
    acts = seen.acts.commands + seen.acts.decisions
    evidence = (
        (
            f"chain of {seen.chain_steps} steps; {seen.reported} reported, {seen.unanswered} unanswered;"
            f" {seen.acts.nameless} of {acts} acts without a name"
        ),
        (
            f"上报流程 {seen.chain_steps} 级；已上报 {seen.reported} 起，待签收 {seen.unanswered} 起；"
            f"无署名操作 {seen.acts.nameless} 项（共 {acts} 项）"
        ),
    )
    if not seen.chain_steps:
        return Said("gap", evidence, ("no chain of reports is set", "尚未设置上报流程"))
    if seen.overdue or seen.undelivered or seen.acts.nameless:
        return Said(
            "gap",
            evidence,
            (
                f"{seen.overdue} reports overdue, {seen.undelivered} notifications not delivered",
                f"逾期上报 {seen.overdue} 起，未送达通知 {seen.undelivered} 条",
            ),
        )
    return Said("met", evidence)


def judge_self(seen: Observed) -> Said:
    checks = seen.acts.checks
    evidence = (
        f"{checks} self-checks made as a document in {DAYS} days, each in the ledger with a name",
        f"近 {DAYS} 天生成自查表 {checks} 份，均具名留痕",
    )
    if not checks:
        return Said(
            "part",
            evidence,
            ("this one is not kept: make it as PDF, regularly", "本次未存档：请定期生成 PDF 自查表"),
        )
    return Said("met", evidence)


def _s(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f} s"
