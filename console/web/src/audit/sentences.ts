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
  backup: both("Backup on air on {channel}[: {clip}]", "{channel} 播出备用画面[：{clip}]"),
  reload: both("Read the channel files again", "重新读取频道文件"),
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
  "channel.add": both("Make channel [{channel}][{name}][, delay {delay_s} s]", "新建频道 [{channel}][{name}][，延时 {delay_s} 秒]"),
  "channel.change": both("Change channel {channel}", "更改频道 {channel}"),
  "channel.remove": both("Remove channel {channel}", "移除频道 {channel}"),
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
    ({ channel, start, end, out }) => `Export recordings of ${text(channel)} from ${clock(start)} to ${clock(end)} into ${text(out)}`,
    ({ channel, start, end, out }) => `导出 ${text(channel)} 的录像，${clock(start)} 至 ${clock(end)}，存为 ${text(out)}`,
  ),
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

/** Settings of channels and people, by name. */
export const SETTINGS: Record<string, Record<Language, string>> = {
  delay_s: { en: "delay", zh: "延时" },
  backups: { en: "backups", zh: "备用片段" },
  destinations: { en: "destinations", zh: "目的地" },
  retention_days: { en: "recordings kept, days", zh: "录像保存天数" },
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
