"""What the gate tells people, in English and Chinese. Codes are stable; the texts are not."""

from typing import Literal

from streamgate.link.messages import Warn

Level = Literal["info", "warning", "alarm"]

_TEXTS: dict[str, tuple[Level, str, str]] = {
    # code: (level, English, Chinese)
    "on_air": ("info", "broadcast started", "开始播出"),
    "resumed": ("warning", "the gate was restarted; filler airs until the delay has passed again", "闸口进程已重启；延时重新满足前播出垫片"),
    "not_resumed": ("warning", "a broadcast was cut short longer ago than input may be missing; it is not gone on with", "上次播出中断过久，不再继续"),
    "still_cut": ("warning", "the broadcast was CUT when streamgate was restarted; it is still cut: restore ends it", "重启前已切断，现仍为切断状态；「恢复」可结束"),
    "stopped": ("info", "broadcast ended", "播出结束"),
    "stopped_no_input": ("warning", "broadcast ended: no input for {minutes:g} min", "来流中断满 {minutes:g} 分钟，播出结束"),
    "live": ("info", "program is live", "节目为直播"),
    "filler": ("info", "program is filler: {clip}", "节目为垫片：{clip}"),
    "cut": ("warning", "CUT", "切断"),
    "restore": ("info", "restored; live returns by itself when the delay has passed", "已恢复；延时过后自动回到直播"),
    "restore_waits": ("warning", "asks for restore; a second person must ask for it, too, within {seconds:g} s", "请求恢复；须另一人在 {seconds:g} 秒内确认"),
    "restore_by_two": ("info", "restored, as {first} asked; live returns by itself when the delay has passed", "已恢复（由 {first} 请求，本人确认）；延时过后自动回到直播"),
    "dump": ("warning", "dumped the newest {seconds:g} s; filler covers it when it reaches air", "丢弃最新 {seconds:g} 秒；播到此段时换垫片"),
    "backup": ("info", "backup on air: {clip}", "备用画面：{clip}"),
    "back_live": ("info", "from backup to live at the next keyframe", "备用画面结束，下一关键帧回到直播"),
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
    "clip_failed": ("alarm", "backup clip {clip} cannot be used: {reason}", "备用片段 {clip} 不可用：{reason}"),
    "slate_failed": ("alarm", "the slate cannot be made: {reason}; the program cannot go on air with this feed", "垫片无法生成：{reason}；此来流不能播出"),
    "violation": ("alarm", "a packet was stopped at the last check ({detail}); filler airs; report this", "末级检查拦下一个数据包（{detail}）；播出垫片；请报告"),
    "overflow": ("alarm", "the feed needs more memory than a channel may hold ({mb} MB); what does not fit is not aired; lower the encoder's bitrate or the delay", "来流超出通道内存上限（{mb} MB），超出部分不播；请降低码率或延时"),
    "overflow_end": ("info", "the feed fits in memory again", "来流重新可以容纳"),
    "destination_waiting": ("warning", "destination {name} was entered by {by}; it is not connected until somebody else approves it", "目的地 {name} 由 {by} 录入，另一人审批前不会连接"),
    "destination_approved": ("info", "destination {name}, entered by {entered_by}, was approved by {by}", "目的地 {name}（{entered_by} 录入）已由 {by} 批准"),
    "none_approved": ("warning", "no push destination is approved yet ({names}); nothing leaves the gate", "推流目的地均待审批（{names}），节目不会推出"),
    "destination_live": ("info", "destination {name}: connected", "目的地 {name}：已连接"),
    "destination_idle": ("info", "destination {name}: closed", "目的地 {name}：已关闭"),
    "destination_old_address": ("warning", "destination {name}: connected, but {reason}", "目的地 {name}：已连接，但域名解析失败，使用了此前的地址（{reason}）"),
    "destination_behind": ("alarm", "destination {name} does not keep up: {reason}; its viewers see jumps; check the network, lower the encoder's bitrate", "目的地 {name} 跟不上播出：{reason}；其观众会看到跳跃；请检查网络或降低编码器码率"),
    "destination_disk": ("alarm", "destination {name}: {reason}; its viewers see a jump, air goes on: see to the disk", "目的地 {name}：{reason}；其观众会看到跳跃，播出不受影响，请检查磁盘"),
    "destination_caught_up": ("info", "destination {name} keeps up again", "目的地 {name} 恢复正常"),
    "destination_lost": ("alarm", "destination {name}: {reason}; it is tried again by itself", "目的地 {name}：{reason}；自动重试中"),
    "archive": ("alarm", "archive: {text}", "归档：{text}"),
    "channel_bad": ("alarm", "{text}", "{text}"),
    "channel_removed": ("info", "channel removed", "频道已删除"),
    "channel_changed": ("info", "settings changed: {text}", "设置已更改：{text_zh}"),
    "delay_kept": ("warning", "the new delay is not in force: {reason}", "新的延时未生效：{reason}"),
    "ingest_down": ("alarm", "the ingest process is away; it is being restarted", "接入进程不可用，正在重启"),
    "ingest_up": ("info", "the ingest process is there", "接入进程就绪"),
    "disk_silent": ("alarm", "the disk of {path} does not answer; air and commands go on, settings and recordings wait for it", "磁盘 {path} 无响应；播出与指令不受影响，设置与录制等待中"),
    "channels_gone": ("alarm", "the channel files in {path} are gone or cannot be read; the channels go on as they are: see to the disk", "{path} 中的频道文件不存在或无法读取；各频道照常运行，请检查磁盘"),
    "state_not_copied": ("warning", "the state of the channels cannot be written to the disk ({reason}); it is kept in memory and lost only if this machine restarts", "频道状态无法写入磁盘（{reason}）；现保存在内存中，仅本机重启时会丢失"),
    "ledger_failed": ("alarm", "the record of decisions cannot be written ({reason}); air and commands go on, what is decided is kept in memory as far as it fits: see to the disk", "操作记录无法写入（{reason}）；播出与指令不受影响，操作暂存于内存，超出容量将缺失；请检查磁盘"),
    "ledger_ok": ("info", "the record of decisions is written again", "操作记录恢复写入"),
    "supervisor_silent": ("alarm", "the supervisor has ended or hangs: air goes on, but nothing starts again what dies; start streamgate serve again when filler may air", "主控进程已退出或无响应：播出照常，但进程异常退出后不会自动重启；请在可播垫片时重新运行 streamgate serve"),
    "process_away": ("alarm", "the {process} process is away ({reason}); it is being started again, air goes on", "{process} 进程不可用（{reason}），正在重启，播出不受影响"),
    "process_back": ("info", "the {process} process is there again", "{process} 进程已恢复"),
    "address_taken": ("alarm", "the {process} process cannot start: {reason}; air goes on, it is tried again every 2 s", "{process} 进程无法启动：{reason}；播出不受影响，每 2 秒重试"),
    "wrong_key": ("warning", "an encoder at {address} uses an unknown stream key (tries: {tries}); give it the right key", "{address} 的编码器使用了未知的推流密钥（{tries} 次）；请在编码器中填入正确的密钥"),
    "no_destination": ("warning", "no push destination is set; nothing leaves the gate", "没有设置目的地，节目不会推出"),
}  # fmt: skip


def sum_up(last: Warn, count: int) -> Warn:
    """Return the one notice that stands for `count` alike, of which `last` is the newest."""
    if count == 1:
        return last
    return Warn(
        last.code,
        f"{last.text} (… and {count - 1} more like it)",
        f"{last.text_zh}（……另有 {count - 1} 条同类消息）",
        last.level,
    )


def add_reason(what: Warn, reason: str) -> Warn:
    """Return the notice with the person's reason behind it; without one as it is."""
    if not reason:
        return what
    return Warn(what.code, f"{what.text} ({reason})", f"{what.text_zh}（{reason}）", what.level)


def say(code: str, **values: object) -> Warn:
    """Return the text of `code` in both languages, its values filled in."""
    level, english, chinese = _TEXTS[code]
    return Warn(code, english.format(**values), chinese.format(**values), level)
