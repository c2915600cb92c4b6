"""Texts of the gate's notices, in English and Chinese. Codes are stable; the texts are not."""

from typing import Literal

from streamgate.core.refill import GivenUp
from streamgate.link.messages import Warn

Level = Literal["info", "warning", "alarm"]

_TEXTS: dict[str, tuple[Level, str, str]] = {
    # code: (level, English, Chinese)
    "on_air": ("info", "broadcast started", "开始播出"),
    "resumed": ("warning", "the gate was restarted; filler airs until the recording brings live back, or the delay has passed again", "闸口进程已重启；在从录制恢复直播或延时重新满足之前播出垫片"),
    "refilled": ("info", "refilled {seconds:g} s from the recording; live returns at the next keyframe due", "已从录制补回 {seconds:g} 秒；下一个到时的关键帧回到直播"),
    "not_refilled": ("warning", "nothing is refilled from the recording: {reason}; live returns when the delay has passed", "未从录制补回内容：{reason_zh}；延时满足后回到直播"),
    "not_resumed": ("warning", "the last broadcast was interrupted too long ago; it is not resumed", "上次播出中断过久，不再继续"),
    "still_cut": ("warning", "the broadcast was CUT when streamgate was restarted; it is still cut: restore ends it", "重启前已切断，现仍为切断状态；「恢复」可结束"),
    "stopped": ("info", "broadcast ended", "播出结束"),
    "stopped_no_input": ("warning", "broadcast ended: no input for {minutes:g} min", "来流中断满 {minutes:g} 分钟，播出结束"),
    "live": ("info", "program is live", "节目为直播"),
    "filler": ("info", "program is filler: {clip}", "节目为垫片：{clip}"),
    "cut": ("warning", "CUT", "切断"),
    "restore": ("info", "restored; live returns by itself when the delay has passed", "已恢复；延时过后自动回到直播"),
    "restore_waits": ("warning", "asks for restore; a second person must ask for it, too, within {seconds:g} s", "请求恢复；须另一人在 {seconds:g} 秒内确认"),
    "restore_by_two": ("info", "restored, as {first} asked; live returns by itself when the delay has passed", "已恢复（由 {first} 请求，本人确认）；延时过后自动回到直播"),
    "undo_waits": ("warning", "asks for {what} {span}; a second person must ask for it, too, within {seconds:g} s", "请求撤销（{what} {span}）；须另一人在 {seconds:g} 秒内确认"),
    "condemned": ("warning", "condemned {first:.1f} to {last:.1f} s ago ({span}); filler covers it when it reaches air", "切除 {first:.1f} 至 {last:.1f} 秒前的内容（{span}）；播到此段时换垫片"),
    "muted": ("warning", "sound of {first:.1f} to {last:.1f} s ago is muted ({span})", "{first:.1f} 至 {last:.1f} 秒前的声音将静音播出（{span}）"),
    "mosaicked": ("warning", "pictures of {first:.1f} to {last:.1f} s ago air with a mosaic ({span})", "{first:.1f} 至 {last:.1f} 秒前的画面将打马赛克播出（{span}）"),
    "mosaic_late": ("warning", "the mosaic of span {span} is not ready in time ({reason}); filler airs in the place of what is missing", "区段 {span} 的马赛克未能及时完成（{reason_zh}）；缺少的部分播出垫片"),
    "bleeped": ("warning", "sound of {first:.1f} to {last:.1f} s ago is bleeped ({span})", "{first:.1f} 至 {last:.1f} 秒前的声音将以提示音代替（{span}）"),
    "moved": ("warning", "span {span} is now {first:.1f} to {last:.1f} s ago", "区段 {span} 改为 {first:.1f} 至 {last:.1f} 秒前"),
    "lifted": ("warning", "span {span} is lifted; its part that has not reached air airs", "已撤销区段 {span}；尚未播到的部分照常播出"),
    "uncut": ("warning", "the cut is taken back ({span}); what has not reached air airs, live returns at the next keyframe due", "已撤销切断（{span}）；尚未播到的内容照常播出，下一个到时的关键帧回到直播"),
    "dump": ("warning", "dumped the newest {seconds:g} s; filler covers it when it reaches air", "丢弃最新 {seconds:g} 秒；播到此段时换垫片"),
    "backup": ("info", "backup on air: {clip}", "备用画面：{clip}"),
    "back_live": ("info", "from backup to live at the next keyframe", "备用画面结束，下一关键帧回到直播"),
    "standby_live": ("info", "program is the standby camera", "节目为备用镜头"),
    "standby_asked": ("info", "to the standby camera at its next keyframe", "下一关键帧切到备用镜头"),
    "standby_publish": ("info", "standby camera connected: {encoder} from {peer}", "备用镜头接入：{encoder}，{peer}"),
    "standby_format": ("info", "standby camera is {text}", "备用镜头参数 {text}"),
    "standby_gone": ("warning", "standby camera lost: {reason}", "备用镜头中断：{reason}"),
    "standby_gone_clean": ("info", "the standby camera's encoder ended its stream", "备用镜头编码器结束推流"),
    "standby_refilled": ("info", "refilled {seconds:g} s of the standby camera from its recording", "已从录制补回备用镜头 {seconds:g} 秒"),
    "standby_not_refilled": ("info", "nothing of the standby camera is refilled from its recording: {reason}; it can air when the delay has passed", "未从录制补回备用镜头的内容：{reason_zh}；延时满足后可播出"),
    "delay": ("info", "delay is {seconds:g} s", "延时 {seconds:g} 秒"),
    "refused": ("warning", "refused: {command}: {reason}", "被拒绝：{command}：{reason_zh}"),
    "not_started": ("warning", "this encoder was publishing when the broadcast was stopped; it is received, but start begins the broadcast", "停播时此编码器仍在推流；现接收来流，但须点「开始播出」才会播出"),
    "publish": ("info", "input connected: {encoder} from {peer}", "来流接入：{encoder}，{peer}"),
    "gone": ("warning", "input lost: {reason}", "来流中断：{reason}"),
    "gone_clean": ("info", "the encoder ended its stream", "编码器结束推流"),
    "format": ("info", "input is {text}", "来流参数 {text}"),
    "no_picture": ("alarm", "the feed has sound and no picture: it is recorded and not aired; check the encoder's video source", "来流只有声音没有画面：已录制，但不能播出；请检查编码器的视频源"),
    "picture_not_aired": ("alarm", "this feed's picture is {codec}: it is recorded but cannot be aired; set the encoder to H.264", "来流画面为 {codec}：已录制，但不能播出；请把编码器设为 H.264"),
    "sound_not_aired": ("alarm", "this feed's sound is {codec}: it is recorded, viewers hear silence; set the encoder to AAC", "来流声音为 {codec}：已录制，但观众听不到声音；请把编码器设为 AAC"),
    "clip_failed": ("alarm", "backup clip {clip} cannot be used: {reason}", "备用片段 {clip} 不可用：{reason_zh}"),
    "slate_failed": ("alarm", "the slate cannot be made: {reason}; the program cannot go on air with this feed", "垫片无法生成：{reason_zh}；此来流不能播出"),
    "tone_failed": ("warning", "the tone for bleeped sound cannot be made: {reason}; filler airs in the place of what is bleeped", "提示音无法生成：{reason_zh}；提示音区段播出垫片"),
    "violation": ("alarm", "a packet was stopped at the last check ({detail}); filler airs; report this", "末级检查拦下一个数据包（{detail}）；播出垫片；请报告"),
    "overflow": ("alarm", "the feed needs more memory than a channel may hold ({mb} MB); what does not fit is not aired; lower the encoder's bitrate or the delay", "来流超出通道内存上限（{mb} MB），超出部分不播；请降低码率或延时"),
    "overflow_end": ("info", "the feed fits in memory again", "来流重新可以容纳"),
    "destination_waiting": ("warning", "destination {name} was entered by {by}; it is not connected until somebody else approves it", "目的地 {name} 由 {by} 录入，另一人审批前不会连接"),
    "destination_approved": ("info", "destination {name}, entered by {entered_by}, was approved by {by}", "目的地 {name}（{entered_by} 录入）已由 {by} 批准"),
    "none_approved": ("warning", "no push destination is approved yet ({names}); nothing leaves the gate", "推流目的地均待审批（{names}），节目不会推出"),
    "destination_live": ("info", "destination {name}: connected", "目的地 {name}：已连接"),
    "destination_idle": ("info", "destination {name}: closed", "目的地 {name}：已关闭"),
    "destination_old_address": ("warning", "destination {name}: connected, but {reason}", "目的地 {name}：已连接，但{reason_zh}"),
    "destination_behind": ("alarm", "destination {name} does not keep up: {reason}; its viewers see jumps; check the network, lower the encoder's bitrate", "目的地 {name} 跟不上播出：{reason_zh}；其观众会看到跳跃；请检查网络或降低编码器码率"),
    "destination_disk": ("alarm", "destination {name}: {reason}; its viewers see a jump, air goes on: check the disk", "目的地 {name}：{reason_zh}；其观众会看到跳跃，播出不受影响，请检查磁盘"),
    "destination_caught_up": ("info", "destination {name} keeps up again", "目的地 {name} 恢复正常"),
    "destination_lost": ("alarm", "destination {name}: {reason}; it is tried again by itself", "目的地 {name}：{reason_zh}；自动重试中"),
    "archive": ("alarm", "archive: {text}", "归档：{text}"),
    "channel_bad": ("alarm", "{text}", "{text}"),
    "channel_removed": ("info", "channel removed", "频道已删除"),
    "channel_changed": ("info", "settings changed: {text}", "设置已更改：{text_zh}"),
    "delay_kept": ("warning", "the new delay is not in force: {reason}", "新的延时未生效：{reason}"),
    "ingest_down": ("alarm", "the ingest process is not running; it is being restarted", "接入进程不可用，正在重启"),
    "ingest_up": ("info", "the ingest process is running", "接入进程就绪"),
    "disk_silent": ("alarm", "the disk of {path} does not answer; air and commands go on, settings and recordings wait for it", "磁盘 {path} 无响应；播出与指令不受影响，设置与录制等待中"),
    "channels_gone": ("alarm", "the channel files in {path} are gone or cannot be read; the channels run on unchanged: check the disk", "{path} 中的频道文件不存在或无法读取；各频道照常运行，请检查磁盘"),
    "state_not_copied": ("warning", "the state of the channels cannot be written to the disk ({reason}); it is kept in memory and lost only if this machine restarts", "频道状态无法写入磁盘（{reason}）；现保存在内存中，仅本机重启时会丢失"),
    "ledger_failed": ("alarm", "the record of decisions cannot be written ({reason}); air and commands go on, decisions are kept in memory as far as they fit: check the disk", "操作记录无法写入（{reason}）；播出与指令不受影响，操作暂存于内存，超出容量将缺失；请检查磁盘"),
    "ledger_ok": ("info", "the record of decisions is written again", "操作记录恢复写入"),
    "supervisor_silent": ("alarm", "the supervisor has ended or hangs: air goes on, but a process that dies is not restarted; run streamgate serve again when filler may air", "主控进程已退出或无响应：播出照常，但进程异常退出后不会自动重启；请在可播垫片时重新运行 streamgate serve"),
    "process_away": ("alarm", "the {process} process is not running ({reason}); it is being restarted, air goes on", "{process} 进程不可用（{reason}），正在重启，播出不受影响"),
    "process_back": ("info", "the {process} process is running again", "{process} 进程已恢复"),
    "address_taken": ("alarm", "the {process} process cannot start: {reason}; air goes on, it is tried again every 2 s", "{process} 进程无法启动：{reason}；播出不受影响，每 2 秒重试"),
    "wrong_key": ("warning", "an encoder at {address} uses an unknown stream key (tries: {tries}); give it the right key", "{address} 的编码器使用了未知的推流密钥（{tries} 次）；请在编码器中填入正确的密钥"),
    "duty_asked": ("info", "no sign of life on duty ({names}); an alarm follows in {seconds:g} s unless somebody presses a key", "值班人员无操作（{names_zh}）；如无人按键，{seconds:g} 秒后告警"),
    "duty_absent": ("alarm", "nobody on duty has been there for {seconds:g} s ({names}); any key on the console ends it", "值班人员已 {seconds:g} 秒无响应（{names_zh}）；在控制台按任意键即可解除"),
    "duty_backup": ("alarm", "nobody on duty is there: backup on air ({clip}) until somebody is", "无人值守：改播备用画面（{clip}），有人响应即恢复"),
    "duty_back": ("info", "somebody is there again after {seconds:g} s: {names}", "{seconds:g} 秒后恢复值守：{names_zh}"),
    "duty_live": ("info", "backup ends, since somebody is there: live at the next keyframe", "已有人值守，备用画面结束，下一关键帧回到直播"),
    "duty_over": ("info", "the duty settings were changed: the backup that aired because nobody was on duty ends", "值守监测设置已更改，备用画面结束"),
    "duty_console_silent": ("alarm", "the console does not report who is on duty: nobody counts as there ({channels}); give a sign at this machine: streamgate duty sign CHANNEL", "控制台未上报值守情况，按无人值守处理（{channels}）；可在本机运行 streamgate duty sign 频道名 确认在岗"),
    "duty_console_back": ("info", "the console reports who is on duty again", "控制台恢复上报值守情况"),
    "sign": ("info", "says: somebody is there", "确认在岗"),
    "no_destination": ("warning", "no push destination is set; nothing leaves the gate", "没有设置目的地，节目不会推出"),
}  # fmt: skip


_NOT_REFILLED: dict[GivenUp, tuple[str, str]] = {
    "memory": ("it is not certain that every command is remembered", "无法确定所有指令均已记住"),
    "boot": ("the machine was restarted", "本机已重启"),
    "clock": ("a clock was changed", "系统时钟有变动"),
    "cut": ("the channel is cut", "频道已切断"),
    "nothing": ("no feed was recorded in the last seconds", "近期没有录到来流"),
    "damaged": ("the record of its arrivals is damaged", "到达记录已损坏"),
    "format": ("what was recorded last is of another format", "最后录到的内容格式不同"),
    "command": ("all of it came before the last command", "内容均早于最近一次指令"),
    "late": ("all of it may have aired", "内容可能均已播出"),
    "no_keyframe": ("what is left of it has no keyframe", "剩余内容没有关键帧"),
    "too_big": ("it does not fit in memory", "超出内存上限"),
    "unreadable": ("it cannot be read from the disk", "磁盘无法读取"),
    "changed": ("the recording differs from what was written", "录制文件与写入时不一致"),
    "slow": ("the disk is too slow", "磁盘过慢"),
}


def not_refilled(why: GivenUp, *, standby: bool = False) -> Warn:
    """Return the notice that no packet is refilled from the recording of the main camera or the standby."""
    reason, reason_zh = _NOT_REFILLED[why]
    code = "standby_not_refilled" if standby else "not_refilled"
    return say(code, reason=reason, reason_zh=reason_zh)


def of_standby(what: Warn, *, aired: bool = False) -> Warn:
    """Return a notice about a feed or a recording as one about the standby camera's.

    It keeps its code, which may open an incident (`incidents.triggers`), only if that camera has `aired` in
    this broadcast.
    """
    code = what.code if aired else f"standby_{what.code}"
    return Warn(code, f"standby camera: {what.text}", f"备用镜头：{what.text_zh}", what.level)


def sum_up(last: Warn, count: int) -> Warn:
    """Return one notice for `count` similar ones. `last`: the newest of them."""
    if count == 1:
        return last
    return Warn(
        last.code,
        f"{last.text} (… and {count - 1} more like it)",
        f"{last.text_zh}（……另有 {count - 1} 条同类消息）",
        last.level,
    )


def add_reason(what: Warn, reason: str) -> Warn:
    """Return the notice with the person's reason appended, if there is one."""
    if not reason:
        return what
    return Warn(what.code, f"{what.text} ({reason})", f"{what.text_zh}（{reason}）", what.level)


def say(code: str, **values: object) -> Warn:
    """Return the text of `code` in both languages, its values filled in."""
    level, english, chinese = _TEXTS[code]
    return Warn(code, english.format(**values), chinese.format(**values), level)
