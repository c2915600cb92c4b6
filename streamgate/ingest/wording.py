"""Warning texts for concerns about a feed, English and Chinese: what happened and what to do."""

from streamgate.core.health import Concern
from streamgate.link.messages import Warn

_WORDS = {
    "no_video": (
        (
            "No video has come for {seconds:.0f} s. "
            "Check the encoder and its link; filler airs when the held part runs out."
        ),
        "已 {seconds:.0f} 秒没有收到视频。请检查编码器和网络；缓冲播完后将播出垫片。",
    ),
    "no_audio": (
        (
            "No sound has come for {seconds:.0f} s. "
            "Check the encoder's audio source and that its audio track is on."
        ),
        "已 {seconds:.0f} 秒没有收到声音。请检查编码器的音频源，并确认音轨已打开。",
    ),
    "no_keyframe": (
        (
            "No keyframe has come for {seconds:.0f} s: the feed cannot be entered. "
            "Set the encoder's keyframe interval to 2 s."
        ),
        "已 {seconds:.0f} 秒没有收到关键帧，无法切入信号。请把编码器的关键帧间隔设为 2 秒。",
    ),
    "open_gop": (
        "The encoder uses open GOPs: pictures around a cut or a return may break up. Turn open GOP off.",
        "编码器使用了开放式 GOP：切换或恢复时画面可能花屏。请在编码器中关闭开放式 GOP。",
    ),
    "codec_unsupported": (
        (
            "The {kind} cannot be read ({codec}): it is neither aired nor recorded. "
            "Set the encoder to H.264 video and AAC audio."
        ),
        "无法读取{kind}（{codec}）：既不播出也不录制。请把编码器设为 H.264 视频和 AAC 音频。",
    ),
    "parameters_change": (
        (
            "The encoder changed its parameters {changes:.0f} times in a minute. Not every change is "
            "followed: pictures of another size may be missing. Set a fixed resolution, profile and sound."
        ),
        (
            "编码器一分钟内更改参数 {changes:.0f} 次，闸口不会逐一跟随，分辨率不同的画面可能缺失。"
            "请固定分辨率、档次和声音参数。"
        ),
    ),
    "repeats": (
        (
            "The encoder sends parts of its stream twice ({count:.0f} so far): the repeats are dropped. "
            "Look for two senders on one stream key or a relay that resends."
        ),
        (
            "编码器重复发送数据（累计 {count:.0f} 个），重复部分已丢弃。"
            "请检查是否有两个推流端共用密钥，或转发服务器重发。"
        ),
    ),
    "codec_hevc": (
        "The feed is HEVC. It is carried, but not every platform takes it; H.264 is safe.",
        "信号为 HEVC 编码。可以播出，但并非所有平台都支持；建议使用 H.264。",
    ),
    "long_gop": (
        (
            "Keyframes come only every {seconds:g} s: returns to live take that much longer. "
            "Set the interval to 2 s."
        ),
        "关键帧间隔为 {seconds:g} 秒，恢复直播会相应变慢。请把关键帧间隔设为 2 秒。",
    ),
    "bitrate_high": (
        (
            "The feed comes at {mbps:.1f} Mb/s; {limit_mbps:.1f} Mb/s is planned for. "
            "Lower the encoder's bitrate."
        ),
        "信号码率为 {mbps:.1f} Mb/s，超过设定的 {limit_mbps:.1f} Mb/s。请降低编码器码率。",
    ),
    "fps_mismatch": (
        (
            "{measured:g} frames a second come, {declared:g} were declared. "
            "Look for overload in the encoder or its link."
        ),
        "实际帧率为 {measured:g}，声明帧率为 {declared:g}。请检查编码器或网络是否过载。",
    ),
    "probe_failed": (
        (
            "The feed's parameters could not be fully read ({reason}). "
            "Filler may not match; restart the encoder."
        ),
        "无法完整读取信号参数（{reason}），垫片可能与信号不匹配。请重启编码器。",
    ),
    "scripts_dropped": (
        (
            "The encoder sends more script data (captions, cue points) than a program can need: "
            "what is too much is dropped. Look at its metadata settings."
        ),
        "编码器发送的脚本数据（字幕、提示点）过多，超出部分已丢弃。请检查编码器的元数据设置。",
    ),
}
_KINDS_ZH = {"video": "视频", "audio": "音频"}


def to_warn(concern: Concern) -> Warn:
    """Return the operators' warning for a concern."""
    text, text_zh = _WORDS[concern.code]
    kind_zh = _KINDS_ZH.get(str(concern.params.get("kind")), "")
    return Warn(
        concern.code,
        text.format(**concern.params),
        text_zh.format(**(concern.params | {"kind": kind_zh})),
        concern.level,
    )
