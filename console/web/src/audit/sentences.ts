/** Sentences for what stands in the ledger. "{name}" is a member; what stands in [] is said only where the member is there. */
import type { Language } from "../i18n";
import { list, type Plain, text } from "./record";

export type Template = string | ((given: { [name: string]: Plain }) => string);
type Both = Record<Language, Template>;

function both(en: Template, zh: Template): Both {
  return { en, zh };
}

function clock(value: Plain | undefined): string {
  return typeof value === "number" ? new Date(value * 1_000).toLocaleTimeString("en-GB") : text(value);
}

/** What people ask the gate for. */
export const COMMANDS: Record<string, Both> = {
  cut: both("Cut {channel}", "切断 {channel}"),
  restore: both("Restore {channel}", "恢复 {channel}"),
  live: both("Back to live on {channel}", "{channel} 切回直播"),
  start: both("Start the broadcast of {channel}", "{channel} 开始播出"),
  stop: both("Stop the broadcast of {channel}", "{channel} 停止播出"),
  dump: both("Dump the newest[ {seconds} s] of {channel}", "丢弃 {channel} 最新[ {seconds} 秒]内容"),
  condemn: both("Condemn span[ {span}] of {channel}", "切除 {channel} 的区段[ {span}]"),
  redact: both("Redact span[ {span}] of {channel}[: {kind}]", "{channel} 区段[ {span}] 消音或打马赛克[：{kind}]"),
  move: both("Move span[ {span}] of {channel}", "移动 {channel} 的区段[ {span}]"),
  lift: both("Lift span[ {span}] of {channel}", "撤销 {channel} 的区段[ {span}]"),
  uncut: both("Take the cut of {channel} back", "撤销 {channel} 的切断"),
  backup: both("Backup on air on {channel}[: {clip}]", "{channel} 播出备用画面[：{clip}]"),
  reload: both("Read the channel files again", "重新读取频道文件"),
  sign: both("Sign of life on {channel}", "{channel} 确认在岗"),
  unknown: both("A request that is not understood", "无法识别的请求"),
};

/** What people decide on the console's screens. */
export const CONSOLE: Record<string, Both> = {
  "audit.export": both("Export records of the audit[, of {person}][, channel {channel}][, text: {text}]", "导出审计记录[，人员 {person}][，频道 {channel}][，文字：{text}]"),
  "audit.verify": both("Verify the whole ledger", "核验全部操作记录"),
  "session.begin": both("Sign in", "登录"),
  "session.end": both("Sign out", "退出登录"),
  "link.use": both("Use a one-time link[ ({kind})][ as {username}]", "使用一次性链接[（{kind}）][，用户名 {username}]"),
  "link.make": both("Make a one-time link[ ({kind})]", "生成一次性链接[（{kind}）]"),
  "own.password": both("Change one's own password", "修改本人密码"),
  "own.totp.begin": both("Set up one's own second factor", "开始设置本人第二因素"),
  "own.totp.confirm": both("Confirm one's own second factor", "确认本人第二因素"),
  "own.totp.remove": both("Remove one's own second factor", "移除本人第二因素"),
  "own.recovery_codes": both("Make new recovery codes", "生成新的恢复码"),
  "own.keys": both("Choose one's own keys", "设置本人按键"),
  "own.session.end": both("End another session of one's own[ ({session_id})]", "结束本人的其他会话[（{session_id}）]"),
  "own.session.end_others": both("End all other sessions of one's own", "结束本人的所有其他会话"),
  "archive.render": both("Render broadcast {broadcast} as aired into {out}", "导出场次 {broadcast} 的播出成品到 {out}"),
  "person.add": both("Make account {username}[ as {roles}]", "新建账号 {username}[，角色 {roles}]"),
  "person.invite": both("Invite {username}[ as {roles}]", "邀请 {username}[，角色 {roles}]"),
  "person.change": both("Change {username}", "更改 {username}"),
  "person.reset": both("Reset the password of {username}", "重置 {username} 的密码"),
  "token.add": both("Make token {name}[ with {scopes}][ for channel {channel}]", "新建令牌 {name}[，权限 {scopes}][，频道 {channel}]"),
  "token.revoke": both("Revoke token {name}", "撤销令牌 {name}"),
  "source.add": both("Make source {name}[ for channel {channel}]", "新建评论来源 {name}[，频道 {channel}]"),
  "source.rotate": both("Make a new key for source {name}", "为评论来源 {name} 更换密钥"),
  "source.remove": both("Remove source {name}", "移除评论来源 {name}"),
  "duty.plan": both("Put {user} on the roster of {channel}", "将 {user} 加入 {channel} 值班表"),
  "duty.remove": both("Remove[ {user}] from the roster of {channel}", "从 {channel} 值班表移除[ {user}]"),
  "duty.take": both("Step in on {channel}[: {note}]", "在 {channel} 临时上岗[：{note}]"),
  "duty.leave": both("Go off duty on {channel}", "在 {channel} 离岗"),
  "duty.offer": both("Hand over duty on {channel} to {to}[: {note}]", "将 {channel} 值班交给 {to}[：{note}]"),
  "duty.withdraw": both("Take back the hand-over of duty on {channel}", "撤回 {channel} 的交班"),
  "duty.accept": both("Take over duty on {channel}[ from {from}][: {note}]", "接替 {channel} 值班[，交班人 {from}][：{note}]"),
  "own.reaction": both("Set one's own reaction time ({kind})[ to {chosen_s} s]", "设置本人反应时间（{kind}）[：{chosen_s} 秒]"),
  "practice.start": both("Begin a practice", "开始演练"),
  "practice.end": both("End the practice", "结束演练"),
  "practice.result": both("Result of a practice: {answered} of {marks} marks answered", "演练结果：{marks} 个标记中响应 {answered} 个"),
  "channel.add": both("Make channel [{channel}][{name}][, delay {delay_s} s]", "新建频道 [{channel}][{name}][，延时 {delay_s} 秒]"),
  "channel.change": both("Change channel {channel}", "更改频道 {channel}"),
  "channel.remove": both("Remove channel {channel}", "移除频道 {channel}"),
  "channel.standby_key": both("Stream key of {channel}'s standby camera: {change}", "{channel} 备用镜头推流密钥：{change}"),
  "channel.key": both("Make a new stream key for {channel}", "为 {channel} 生成新的推流密钥"),
  "destination.enter": both("Enter destination [{name} ]for {channel}[ ({url})]", "为 {channel} 录入目的地[ {name}][（{url}）]"),
  "destination.change": both("Change destination {destination} of {channel}", "更改 {channel} 的目的地 {destination}"),
  "destination.remove": both("Remove destination {destination} of {channel}", "移除 {channel} 的目的地 {destination}"),
  "destination.approve": both("Approve destination {destination} of {channel}", "批准 {channel} 的目的地 {destination}"),
  "backup.upload": both("Upload backup {filename} for {channel}", "为 {channel} 上传备用片段 {filename}"),
  "backup.remove": both("Remove backup {filename} of {channel}", "移除 {channel} 的备用片段 {filename}"),
  "rehearsal.start": both("Rehearse the backups of {channel}", "排练 {channel} 的备用片段"),
  "rehearsal.cancel": both("End the rehearsal of {channel}", "结束 {channel} 的排练"),
  "archive.hold": both(
    ({ channel, start, end, hold }) => `Hold recordings of ${text(channel)} from ${clock(start)} to ${clock(end)} (${text(hold)})`,
    ({ channel, start, end, hold }) => `保留 ${text(channel)} 的录像，${clock(start)} 至 ${clock(end)}（${text(hold)}）`,
  ),
  "archive.release": both("Ask for the end of {hold}[, after {first}]", "申请解除保留 {hold}[，此前申请人 {first}]"),
  "archive.export": both(
    ({ channel, start, end, out, export: id }) =>
      `Export recordings of ${text(channel)} from ${clock(start)} to ${clock(end)} into ${text(out ?? id)}`,
    ({ channel, start, end, out, export: id }) =>
      `导出 ${text(channel)} 的录像，${clock(start)} 至 ${clock(end)}，存为 ${text(out ?? id)}`,
  ),
  "archive.restore": both(
    "Bring recordings back from the second copy[ (channel {channel})][: {restored} files]",
    "从第二副本取回录像[（频道 {channel}）][：{restored} 个文件]",
  ),
  "copy.key": both("Keep the key of the second copy's store[ ({key_id})]", "保存第二副本存储的密钥[（{key_id}）]"),
  "archive.export.queue": both(
    ({ channel, start, end }) => `Ask for an export of ${text(channel)} from ${clock(start)} to ${clock(end)}`,
    ({ channel, start, end }) => `申请导出 ${text(channel)} 的录像，${clock(start)} 至 ${clock(end)}`,
  ),
  "archive.export.fetch": both("Download {export}", "下载 {export}"),
  "archive.export.remove": both("Cancel or remove {export}", "取消或删除 {export}"),
  "archive.reindex": both("Make the archive's catalog anew[ ({parts} parts)]", "重建归档目录[（{parts} 个分段）]"),
  "secrets.rotate": both("Make a new key for secrets[; people: {people}, channels: {channels}]", "更换密钥[；人员 {people}，频道 {channels}]"),
  "database.backup": both("Back up the database[ to {file}]", "备份数据库[至 {file}]"),
  "database.restore": both("Put back the database[ from {file}]", "还原数据库[自 {file}]"),
  "database.copy": both("Copy the database[ to {to}]", "复制数据库[至 {to}]"),
  "database.upgrade": both("Upgrade the database", "升级数据库"),
  "review.deal": both("Take the next comment for review[ (card {card_id})]", "领取下一条待审评论[（卡片 {card_id}）]"),
  "review.claim": both("Take card {card_id} for review", "领取卡片 {card_id}"),
  "review.let_go": both("Let card {card_id} go", "放回卡片 {card_id}"),
  "review.reveal": both("Reveal personal data on card {card_id}", "查看卡片 {card_id} 中被隐去的个人信息"),
  "review.decide": both("Review card {id}: {decision}[, stage {stage}][, now {state}]", "审核卡片 {id}：{decision}[，第 {stage} 审][，现为 {state}]"),
  "review.decide_many": both("Review many cards: {decision}[ ({cards})][, left out: {left_out}]", "批量审核：{decision}[（{cards}）][，未执行：{left_out}]"),
  "review.retract": both("Take published card {id} back[, comment {comment} alone]", "撤回已发布的卡片 {id}[，仅评论 {comment}]"),
  "review.ban": both("Ban the author of card {card}[ for {minutes} minutes][: {cause}]", "禁言卡片 {card} 的作者[ {minutes} 分钟][：{cause}]"),
  "review.lift_ban": both("Lift ban {ban_id}", "解除禁言 {ban_id}"),
  "review.trust": both("Trust the author of card {card}: {trusted}", "信任卡片 {card} 的作者：{trusted}"),
  "review.add_term": both("Add the term {term}[ ({severity}, {category})]", "添加词条 {term}[（{severity}，{category}）]"),
  "review.export": both("Export the comments of broadcast {broadcast}[ as {format}]", "导出场次 {broadcast} 的评论[，格式 {format}]"),
  "review.form": both("Make the review form of broadcast {broadcast}[ as {format}]", "生成场次 {broadcast} 的审核表[，格式 {format}]"),
  "incident.note": both("Note on {channel}[: incident {incident}]", "{channel} 备注[：事件 {incident}]"),
  "incident.complete": both("Write up incident {incident} of {channel}", "填报 {channel} 的事件 {incident}"),
  "incident.join": both("Join incident {incident} into {into}", "将事件 {incident} 并入 {into}"),
  "incident.dismiss": both("Dismiss incident {incident} of {channel}", "撤销 {channel} 的事件 {incident}"),
  "incident.report": both("Report incident {incident} upward", "逐级上报事件 {incident}"),
  "incident.acknowledge": both("Acknowledge the report of incident {incident}", "签收事件 {incident} 的上报"),
  "incident.follow": both("Follow up incident {incident}", "跟踪事件 {incident}"),
  "incident.close": both("Close the report of incident {incident}", "办结事件 {incident} 的上报"),
  "escalation.set": both("Set the chain of reports[: {steps}]", "设置上报流程[：{steps}]"),
  "escalation.test": both("Send a test message to {person}", "向 {person} 发送测试通知"),
  "incident.export": both("Export incidents[ ({incident})] to {out}", "导出事件[（{incident}）]到 {out}"),
  "report.make": both("Make the report on {about}[ as {format}][ into {out}]", "生成 {about} 的报告[，格式 {format}][，存为 {out}]"),
  "selfcheck.make": both("Make the self-check[ as {format}][ into {out}]", "生成自查表[，格式 {format}][，存为 {out}]"),
  "interaction.set": both("Change what viewers of {channel} may do", "更改 {channel} 的互动设置"),
  undo: both("Take back a removal", "撤销一次移除"),
};

/** What the ledger says of itself. */
export const LEDGER: Record<string, Both> = {
  header: both("File begun by process {process}", "进程 {process} 新建文件"),
  open: both("The process came back (pid {pid})", "进程重新启动（pid {pid}）"),
  close: both(
    ({ why }) => (why === "midnight" ? "The file of this day ends" : "The process ends"),
    ({ why }) => (why === "midnight" ? "当日文件结束" : "进程结束"),
  ),
  seal: both(
    ({ heads }) => `Seal over ${list(heads).length} files of other processes`,
    ({ heads }) => `对其他进程的 ${list(heads).length} 个文件加封`,
  ),
  gap: both(
    ({ lost, since, until, why }) => `GAP: ${text(lost)} records are missing (${clock(since)} to ${clock(until)}): ${text(why)}`,
    ({ lost, since, until, why }) => `缺口：缺少 ${text(lost)} 条记录（${clock(since)} 至 ${clock(until)}）：${text(why)}`,
  ),
  mended: both("The torn end of {file} ({bytes} bytes) was put aside as {kept}", "{file} 末尾残缺（{bytes} 字节），已另存为 {kept}"),
  removal: both("The sweeper removes {path}", "清理过期录像 {path}"),
  part: both("Part {path} of the recording is closed", "录像分段 {path} 已关闭"),
  index: both("How far an index of {channel} goes", "{channel} 的录像索引目前的长度"),
  edit_list: both("How far the edit list of {broadcast} goes", "场次 {broadcast} 的播出清单目前的长度"),
  certificate: both(
    ({ broadcast, packets, below_floor, min_s }) =>
      `Delay certificate of ${text(broadcast)}: ${text(packets)} live packets, ${text(below_floor ?? 0)} below the floor, held ${text(min_s)} s at least`,
    ({ broadcast, packets, below_floor, min_s }) =>
      `场次 ${text(broadcast)} 的延时证明：直播数据包 ${text(packets)} 个，低于下限 ${text(below_floor ?? 0)} 个，最短延时 ${text(min_s)} 秒`,
  ),
  publication: both("Card {card} is published[ after {stages} stages]", "卡片 {card} 已发布[，经 {stages} 级审核]"),
  copy_removal: both("The copy of {path} is removed", "清理过期副本 {path}"),
  damaged: both("DAMAGED: {file}, line {line}: {why}", "已损坏：{file} 第 {line} 行：{why}"),
};

/** Why a session ended. */
export const ENDS: Record<string, string> = {
  "signed out": "退出登录",
  idle: "长时间未操作",
  expired: "到期",
  disabled: "账号停用",
  "password changed": "修改密码",
  "password reset": "重置密码",
  "signed in again": "重新登录",
  "ended by the person": "本人结束",
  ended: "由其他进程结束",
};

/** Reasons that the program gives, in English, and their Chinese by the parts in brackets. */
export const REASONS: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
  [/^older than (\d+) days$/, (days) => `已超过保存期 ${days} 天`],
  [/^its recording ended over (\d+) days ago and was removed$/, (days) => `录像结束已超过 ${days} 天，原件已清理`],
];

/** Chinese of codes, by the member that they stand in. */
export const CODES: Record<string, Record<string, string>> = {
  decision: {
    approve: "通过",
    reject: "驳回",
    escalate: "上报一级",
    hold: "搁置",
    release: "解除搁置",
    restore: "恢复审核",
    undo: "撤销决定",
  },
  state: {
    waiting: "待审",
    blocked: "已拦截",
    held: "搁置",
    approved: "已通过",
    published: "已发布",
    rejected: "已驳回",
    expired: "已过期",
  },
  severity: { suspected: "疑似", sensitive: "敏感", important: "重要", block: "拦截" },
  kind: { setup: "首次设置", invite: "邀请", reset: "重置密码" },
  roles: {
    administrator: "管理员",
    director: "导播",
    operator: "操作员",
    reviewer: "初审员",
    "senior-reviewer": "复审员",
    "chief-reviewer": "终审员",
    auditor: "审计员",
  },
};

/** Settings of channels and people, by name. */
export const SETTINGS: Record<string, Record<Language, string>> = {
  delay_s: { en: "delay", zh: "延时" },
  backups: { en: "backups", zh: "备用片段" },
  destinations: { en: "destinations", zh: "目的地" },
  retention_days: { en: "recordings kept, days", zh: "录像保存天数" },
  dump_s: { en: "a dump, seconds", zh: "默认丢弃秒数" },
  duty_watch: { en: "when nobody on duty is there", zh: "无人值守时" },
  duty_ask_min: { en: "asked for a sign of life after, minutes", zh: "几分钟无操作后询问" },
  duty_absent_s: { en: "duty alarm after, seconds", zh: "无人在岗几秒后告警" },
  restore_needs_two: { en: "restore needs two people", zh: "恢复须两人确认" },
  approved: { en: "approved", zh: "已批准" },
  approved_by: { en: "approved by", zh: "批准人" },
  entered_by: { en: "entered by", zh: "录入人" },
  split_headers: { en: "fresh codec header at each splice", zh: "每次衔接发送新的编码头" },
  url: { en: "address", zh: "地址" },
  display_name: { en: "shown name", zh: "显示名称" },
  comments: { en: "comments", zh: "评论" },
  bullets: { en: "bullet comments", zh: "弹幕" },
  sharing: { en: "sharing", zh: "分享" },
  max_chars: { en: "longest comment", zh: "评论最多字数" },
  slow_s: { en: "time between comments", zh: "评论间隔" },
  window_s: { en: "time to undo", zh: "撤销时限" },
  stages: { en: "fewest stages", zh: "最少审核级数" },
  authors_told: { en: "authors are told", zh: "告知作者" },
  state: { en: "state", zh: "状态" },
  roles: { en: "roles", zh: "角色" },
  disabled: { en: "disabled", zh: "停用" },
};

export const WORDS = {
  en: {
    colon: ": ",
    and: ", ",
    nothing: "none",
    yes: "yes",
    no: "no",
    reason: (reason: string) => `, reason: ${reason}`,
    refused: (what: string, right: string) => `${what}: refused${right === "" ? "" : `, needs ${right}`}`,
    signedIn: (factors: string) => `Signed in${factors === "" ? "" : ` (${factors})`}`,
    signInFailed: (factors: string) => `Sign-in refused${factors === "" ? "" : ` (${factors})`}`,
    factors: { password: "password", totp: "second factor", link: "one-time link" } as Record<string, string>,
    sessionEnd: (why: string, by: string) => `Session ended${why === "" ? "" : `: ${why}`}${by === "" ? "" : `, by ${by}`}`,
    channelMade: (delay: string) => `Channel made${delay === "" ? "" : `, delay ${delay} s`}`,
    channelGone: "Channel removed",
    keyRenewed: "Stream key renewed",
    destination: (name: string) => `destination ${name}`,
    destinationIn: (name: string, approved: boolean) => `destination ${name} entered${approved ? ", approved" : ", waits for approval"}`,
    destinationOut: (name: string) => `destination ${name} removed`,
  },
  zh: {
    colon: "：",
    and: "、",
    nothing: "无",
    yes: "是",
    no: "否",
    reason: (reason: string) => `，理由：${reason}`,
    refused: (what: string, right: string) => `${what}：被拒绝${right === "" ? "" : `，需要权限 ${right}`}`,
    signedIn: (factors: string) => `登录${factors === "" ? "" : `（${factors}）`}`,
    signInFailed: (factors: string) => `登录被拒绝${factors === "" ? "" : `（${factors}）`}`,
    factors: { password: "密码", totp: "第二因素", link: "一次性链接" } as Record<string, string>,
    sessionEnd: (why: string, by: string) => `会话结束${why === "" ? "" : `：${ENDS[why] ?? why}`}${by === "" ? "" : `，操作人 ${by}`}`,
    channelMade: (delay: string) => `新建频道${delay === "" ? "" : `，延时 ${delay} 秒`}`,
    channelGone: "移除频道",
    keyRenewed: "更换推流密钥",
    destination: (name: string) => `目的地 ${name}`,
    destinationIn: (name: string, approved: boolean) => `录入目的地 ${name}${approved ? "，已批准" : "，待审批"}`,
    destinationOut: (name: string) => `移除目的地 ${name}`,
  },
} as const;
