"""Judges the rules about people, their accounts, and comments, by what a system shows. Pure."""

from streamgate.reports.document import Tongue
from streamgate.reports.words import ROLES, word
from streamgate.selfcheck.observed import DAY_S, DAYS, UNUSED_DAYS, Observed, Opened
from streamgate.selfcheck.said import Said

ENGLISH, CHINESE = Tongue("en"), Tongue("zh")

NEAR_S = 5.0  # so far apart a switch and its record may be


def judge_reviewed(seen: Observed) -> Said:
    store = seen.store
    if store.error:
        return _away(seen)
    evidence = (
        f"{store.published} comments published, {store.unapproved} without the approval of every stage",
        f"已发布评论 {store.published} 条，其中未经各审批环节的 {store.unapproved} 条",
    )
    if store.unapproved:
        return Said("gap", evidence, ("comments went out without approval", "有评论未经审批即发布"))
    return Said("met", evidence)


def judge_interaction(seen: Observed) -> Said:
    if seen.store.error:
        return _away(seen)
    opened = seen.store.interaction_open
    names = ", ".join(f"{one.channel} ({one.by})" for one in opened) or "-"
    evidence = (
        f"opened {len(seen.acts.opened)} times by a named person in {DAYS} days; open now: {names}",
        f"近 {DAYS} 天由具名人员开启 {len(seen.acts.opened)} 次；当前开启：{names}",
    )
    nameless = ", ".join(one.channel for one in opened if not _is_on_record(one, seen))
    idle = ", ".join(one.channel for one in opened if not (one.on_air and seen.serving))
    if nameless:
        return Said(
            "gap",
            evidence,
            (f"nobody is on record who opened it: {nameless}", f"未见开启记录：{nameless}"),
        )
    if idle:
        return Said(
            "part",
            evidence,
            (f"open though no broadcast is on air: {idle}", f"无直播而仍开启：{idle}"),
        )
    return Said("met", evidence)


def _is_on_record(one: Opened, seen: Observed) -> bool:
    """Whether the ledger has who opened it; what was opened longer ago than it was read for is not judged."""
    if one.at < seen.at - DAYS * DAY_S:
        return bool(one.by)
    return any(channel == one.channel and abs(at - one.at) < NEAR_S for channel, at in seen.acts.opened)


def judge_categories(seen: Observed) -> Said:
    return Said(
        "part",
        (
            f"{seen.wordlists} files of the institution's own word lists beside the neutral ones",
            f"除自带中性词表外，本单位词表文件 {seen.wordlists} 个",
        ),
        ("the ten categories are the institution's to fill", "十类禁止内容词表须由本单位填写"),
    )


def judge_stages(seen: Observed) -> Said:
    if seen.store.error:
        return _away(seen)
    acts = seen.acts
    counts = ", ".join(f"{stages}: {number}" for stages, number in sorted(seen.store.cards_by_stages.items()))
    evidence = (
        (
            f"{acts.sensitive} sensitive cards published in {DAYS} days, {acts.too_few_stages} without"
            f" as many stages and people as they ask for; all cards by stages: {counts or 'none yet'}"
        ),
        (
            f"近 {DAYS} 天发布敏感卡片 {acts.sensitive} 张，其中审次或人数不足 {acts.too_few_stages} 张；"
            f"按审核环节数统计全部卡片：{counts or '暂无'}"
        ),
    )
    if acts.too_few_stages:
        return Said("gap", evidence, ("sensitive comments went out early", "敏感评论未经反复审核即发布"))
    if not acts.sensitive:
        return Said(
            "unknown",
            evidence,
            ("no sensitive comment was published that could show it", "尚无已发布的敏感评论可供查验"),
        )
    return Said("met", evidence)


def judge_passwords(seen: Observed) -> Said:
    store = seen.store
    if store.error:
        return _away(seen)
    oldest, most = store.oldest_password_days, seen.password_max_age_days
    evidence = (
        (
            f"passwords are good for {most:g} days, the oldest is {_days(oldest)} old;"
            f" {store.sign_ins} sign-ins on record"
        ),
        f"密码有效期 {most:g} 天，最旧的已用 {_days(oldest, zh=True)}；登录记录 {store.sign_ins} 条",
    )
    if oldest is not None and most and oldest > most:
        return Said(
            "part",
            evidence,
            ("some have expired: their holders must choose new ones first", "部分密码已过期，登录后须先修改"),
        )
    return Said("met", evidence)


def judge_personal(_: Observed) -> Said:
    return Said(
        "part",
        (
            "personal data in comments is starred out and expires with the recordings",
            "评论中的个人信息自动打码，随录像到期删除",
        ),
        ("faces and voices in recordings are not detected", "不识别录像中的人脸和声音"),
    )


def judge_roles(seen: Observed) -> Said:
    if seen.store.error:
        return _away(seen)
    roles = sorted(seen.store.roles.items())
    counts = ", ".join(f"{word(ENGLISH, ROLES, role)} {number}" for role, number in roles)
    counts_zh = "、".join(f"{word(CHINESE, ROLES, role)} {number}" for role, number in roles)
    evidence = (
        f"roles given: {counts or 'none'}; {seen.store.shifts} shifts on the roster",
        f"已分配角色：{counts_zh or '无'}；值班表 {seen.store.shifts} 条",
    )
    if seen.store.shifts:
        return Said("met", evidence)
    return Said("part", evidence, ("nobody was ever on the duty roster", "值班表尚无安排"))


def judge_three(seen: Observed) -> Said:
    if seen.store.error:
        return _away(seen)
    counts = ", ".join(f"{stage}: {number}" for stage, number in sorted(seen.store.decided_by_stage.items()))
    missing = [
        role for role in ("reviewer", "senior-reviewer", "chief-reviewer") if not seen.store.roles.get(role)
    ]
    evidence = (f"decisions by stage: {counts or 'none yet'}", f"各审次决定数：{counts or '暂无'}")
    if missing:
        names = ", ".join(word(ENGLISH, ROLES, role) for role in missing)
        names_zh = "、".join(word(CHINESE, ROLES, role) for role in missing)
        return Said("part", evidence, (f"nobody has the role {names}", f"无人担任：{names_zh}"))
    return Said("met", evidence)


def judge_leaving(seen: Observed) -> Said:
    store = seen.store
    if store.error:
        return _away(seen)
    tokens, unused = (", ".join(some) or "-" for some in (store.tokens_of_disabled, store.unused))
    evidence = (
        (
            f"sessions end after {seen.idle_logout_min:g} idle minutes and {store.longest_session_h:g} h at"
            f" most; {store.sessions} are open; {store.disabled} accounts disabled, open sessions of theirs"
            f" {store.sessions_of_disabled}, programs' tokens made by them: {tokens}; accounts without a"
            f" sign-in for {UNUSED_DAYS} days: {unused}"
        ),
        (
            f"闲置 {seen.idle_logout_min:g} 分钟退出，最长 {store.longest_session_h:g} 小时；当前会话"
            f" {store.sessions} 个；已停用账号 {store.disabled} 个，其未结束会话 {store.sessions_of_disabled}"
            f" 个，其创建的程序令牌：{tokens}；{UNUSED_DAYS} 天未登录的账号：{unused}"
        ),
    )
    if not seen.idle_logout_min or store.sessions_of_disabled:
        return Said(
            "gap",
            evidence,
            ("idle or disabled people stay signed in", "闲置或已停用的账号仍保持登录"),
        )
    if store.tokens_of_disabled or store.unused:
        return Said(
            "part",
            evidence,
            (
                "look at these accounts and tokens: are they still needed?",
                "请核对上述账号和令牌是否仍需保留",
            ),
        )
    return Said("met", evidence)


def judge_duty(seen: Observed) -> Said:
    if seen.store.error:
        return _away(seen)
    store = seen.store
    counted = (store.shifts, store.handed_over, seen.watched, seen.covered, store.practised)
    evidence = (
        "shifts {}, handed over {}; absence raises an alarm on {} channels, airs backup on {};"
        " people who practised {}".format(*counted),
        "值班 {} 次，交接 {} 次；{} 个频道缺岗告警，{} 个缺岗播备用画面；{} 人参加过演练".format(*counted),
    )
    if not store.shifts:
        return Said("gap", evidence, ("nobody was ever on the duty roster", "值班表尚无安排"))
    if seen.unwatched:
        return Said(
            "part", evidence, ("absence is not acted on, on some channels", "部分频道缺岗不会触发处置")
        )
    return Said("met", evidence)


def judge_separate(seen: Observed) -> Said:
    if seen.store.error:
        return _away(seen)
    evidence = (
        f"{seen.store.same_person} cards of which one person decided two stages",
        f"同一人审核两个环节的卡片 {seen.store.same_person} 张",
    )
    return Said("met" if not seen.store.same_person else "gap", evidence)


def _days(days: float | None, *, zh: bool = False) -> str:
    if days is None:
        return "-"
    return f"{days:.0f} 天" if zh else f"{days:.0f} days"


def _away(seen: Observed) -> Said:
    reason = seen.store.error
    return Said(
        "unknown",
        ("the database cannot be read", "数据库无法读取"),
        (f"the database cannot be read: {reason}", f"数据库无法读取：{reason}"),
    )
