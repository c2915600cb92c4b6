"""What the archive's alarms say to people, in both languages. Pure."""

from collections.abc import Mapping

from streamgate.link.messages import Warn

_TEXTS: dict[str, tuple[str, str, str]] = {
    "archive_failed": (
        "alarm",
        "The archive cannot be written ({error}). Air goes on, NOTHING IS RECORDED. Make room or mend it.",
        "归档无法写入（{error}）。播出不受影响，但当前没有录制！请清理空间或检修磁盘。",
    ),
    "archive_losing": (
        "alarm",
        "The archive cannot keep up and its buffer is full: packets are not being recorded ({reason}).",
        "归档写入跟不上，缓冲已满：部分内容未被录制（{reason}）。",
    ),
    "archive_behind": (
        "warning",
        "The archive's disk is slow: {queued_bytes} bytes wait to be written.",
        "归档磁盘过慢：{queued_bytes} 字节等待写入。",
    ),
    "archive_caught_up": (
        "info",
        "The archive has caught up. Packets lost so far: {lost_packets}.",
        "归档已跟上。累计丢失数据包：{lost_packets}。",
    ),
    "archive_recovered": (
        "warning",
        "The archive is written again after {seconds} s. Packets lost so far: {lost_packets}.",
        "归档在 {seconds} 秒后恢复写入。累计丢失数据包：{lost_packets}。",
    ),
    "archive_low_space": (
        "alarm",
        "The archive's disk is full in {hours} hours at this channel's bitrate ({free_bytes} bytes free).",
        "按本频道当前码率，归档磁盘将在 {hours} 小时后写满（剩余 {free_bytes} 字节）。",
    ),
    "archive_mended": (
        "info",
        "{parts} archive part(s) left open by a crash were mended, the last one {part}.",
        "已修复 {parts} 个因异常退出而未关闭的归档分段，最后一个为 {part}。",
    ),
    "archive_format": (
        "alarm",
        "Part of the feed is NOT RECORDED: codec {codecs} has no place in the archive. Use H.264 and AAC.",
        "部分信号未被录制：归档不支持编码 {codecs}。请使用 H.264 和 AAC。",
    ),
    "archive_gap": (
        "alarm",
        "{seconds} seconds before {time} were not recorded: the gate was killed before it could write them.",
        "{time} 之前有 {seconds} 秒未被录制：归档尚未写入，播出进程就被强行终止。",
    ),
    "archive_catalog": (
        "warning",
        "The archive's catalog cannot be kept ({error}). Recording goes on; it is tried again by itself.",
        "无法维护归档目录（{error}）。录制不受影响，系统会自动重试。",
    ),
    "archive_catalog_rebuilt": (
        "info",
        "The archive's catalog was damaged ({error}). It was put aside and made anew: {parts} part(s).",
        "归档目录已损坏（{error}）。已将其移开并重建：共 {parts} 个分段。",
    ),
    "archive_catalog_kept": (
        "info",
        "The archive's catalog is kept again after {seconds} s.",
        "归档目录在 {seconds} 秒后恢复维护。",
    ),
    "archive_clock": (
        "warning",
        "No recording is removed for now: {reason}. Check the clock of this machine.",
        "暂停清理过期录像：{reason}。请检查本机时钟。",
    ),
    "archive_held": (
        "warning",
        "No recording is removed for now: {error}.",
        "暂停清理过期录像：{error}。",
    ),
    "edits_failed": (
        "alarm",
        "The edit list (what aired when) cannot be written ({error}). Air goes on; lines wait in memory.",
        "播出清单（何时播出了什么）无法写入（{error}）。播出和录制不受影响，记录暂存于内存。",
    ),
    "edits_fault": (
        "alarm",
        "What airs is not noted in the edit list: a fault of streamgate ({error}). Air and recording go on.",
        "播出清单未能记录当前播出：程序错误（{error}）。播出和录制不受影响。",
    ),
    "edits_kept": (
        "info",
        "The edit list is written again after {seconds} s.",
        "播出清单在 {seconds} 秒后恢复写入。",
    ),
    "copy_unreachable": (
        "alarm",
        "No second copy at {target} since {time} ({error}): {gb} GB wait. Air and recording go on.",
        "{time} 起第二副本（{target}）无法写入（{error}），{gb} GB 待复制。播出和录制不受影响。",
    ),
    "copy_behind": (
        "warning",
        "The second copy is behind by {gb} GB ({files} files), the oldest from {time}.",
        "第二副本落后 {gb} GB（{files} 个文件），最早一个来自 {time}。",
    ),
    "copy_damaged": (
        "alarm",
        "{files} recording(s) are not what the index says, so not copied: {names}. See: archive restore.",
        "{files} 个录像文件与索引不符，未予复制：{names}。可用 archive restore 从副本恢复。",
    ),
    "copy_lost": (
        "alarm",
        "Copies are gone or damaged whose recordings were removed here already: {names}.",
        "以下录像在本机已清理，其副本丢失或损坏：{names}。",
    ),
    "copy_locked": (
        "info",
        "Old copies stay for now: {error}.",
        "过期副本暂时保留：{error}。",
    ),
    "archive_unfit": (
        "warning",
        "Retention does not fit the disk: {days} of {retention} days at {gb} GB a day. Add {missing} GB.",
        "磁盘容纳不下保存期限：按每天 {gb} GB 只够 {days} 天（应保存 {retention} 天），还需 {missing} GB。",
    ),
    "archive_reserve": (
        "alarm",
        "The disk is full: records use up the reserve ({left} of {all} MB left), NOTHING IS RECORDED.",
        "磁盘已满。审计记录和播出清单正在使用预留空间（余 {left}/{all} MB），当前没有录制！",
    ),
    "archive_not_removed": (
        "warning",
        "{parts} expired recording(s) could not be removed: {error}.",
        "{parts} 个过期录像无法清理：{error}。",
    ),
}
CODES = frozenset(_TEXTS)
# Why packets are lost: reasons of `parts.Gap`.
LOSING: Mapping[str, tuple[str, str]] = {
    "behind": ("the disk is too slow", "磁盘过慢"),
    "failed": ("the disk refuses", "磁盘拒绝写入"),
}


def notice(code: str, params: Mapping[str, object]) -> Warn:
    """Return an alarm of the archive as a warning for operators.

    `params` may carry its own `level`, and of any other X an `X_zh`: what stands for it in the Chinese text.
    """
    level, text, text_zh = _TEXTS[code]
    level = str(params.get("level", level))
    assert level in {"info", "warning", "alarm"}
    chinese = {name: params.get(f"{name}_zh") or value for name, value in params.items()}
    return Warn(code, text.format_map(params), text_zh.format_map(chinese), level)  # type: ignore[arg-type]
