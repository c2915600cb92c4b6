"""Status report of a channel's gate: state, countdowns, delay errors, changes of settings."""

from collections.abc import Sequence
from typing import NamedTuple

from streamgate.core.gate import Gate
from streamgate.core.headers import airable
from streamgate.core.packet import FeedFormat
from streamgate.link.messages import CutStatus, Requested, State, Warn
from streamgate.playout.fillers import clip_names
from streamgate.playout.input import Input
from streamgate.playout.texts import say
from streamgate.runtime.channels import ChannelConfig
from streamgate.runtime.destinations import Destination

SECOND_US = 1_000_000
DELAY_ERRORS_EVERY_US = 5 * SECOND_US
_NAMES = {
    "av1": "AV1", "vp8": "VP8", "vp9": "VP9", "opus": "Opus", "mp3": "MP3", "ac3": "AC-3", "eac3": "E-AC-3",
    "flac": "FLAC", "speex": "Speex", "pcm_alaw": "G.711 A-law", "pcm_mulaw": "G.711 mu-law",
}  # fmt: skip


def state(gate: Gate, source: Input | None) -> State:
    if not gate.on_air:
        return "stopped"
    if gate.spans.open is not None:
        return "cut"
    if gate.backup is not None:
        return "backup"
    if gate.live:
        return "live"
    if source is not None or gate.returns_at() is not None:
        return "filling"
    return "no_input"


def requested(gate: Gate) -> Requested:
    """Return the state that operators requested, which may differ from what airs."""
    if not gate.on_air:
        return "stopped"
    if gate.spans.open is not None:
        return "cut"
    return "backup" if gate.backup is not None else "live"


class CutAt(NamedTuple):
    """When a cut began (monotonic microseconds), and why."""

    at_us: int
    reason: str


def cut(gate: Gate, began: CutAt | None, now: int) -> CutStatus | None:
    """Return the status of the cut in force. `began` None: the cut is older than this process."""
    span = gate.spans.open
    if span is None:
        return None
    if began is None:
        return CutStatus(span.actor, reason=span.reason)
    return CutStatus(span.actor, round((now - began.at_us) / SECOND_US, 1), began.reason)


def approvals(old: Sequence[Destination], new: Sequence[Destination]) -> list[Warn]:
    """Return the notices about approvals (rule R13) after a change of a channel's destinations."""
    before = {one.name: one for one in old}
    said = []
    for one in new:
        known = before.get(one.name)
        known = known if known is not None and known.url == one.url else None
        if not one.approved and (known is None or known.approved):
            said.append(say("destination_waiting", name=one.name, by=one.entered_by))
        elif one.approved and known is not None and not known.approved:
            entered_by, by = one.entered_by, one.approved_by
            said.append(say("destination_approved", name=one.name, entered_by=entered_by, by=by))
    return said


def lead_s(gate: Gate, source: Input | None, now: int) -> float | None:
    """Return how far the feed is ahead of the live program, or would be; None without a feed."""
    last = gate.last_arrival()
    if last is not None:
        return round((now - last) / SECOND_US, 3)
    return gate.delay_us / SECOND_US if source is not None and gate.on_air else None


def returns_in_s(gate: Gate, source: Input | None, now: int) -> float | None:
    """Return the seconds until live returns by itself; None when it is on air or will not return."""
    if state(gate, source) != "filling":
        return None
    at = gate.returns_at()
    if at is not None:
        return round(max(0, at - now) / SECOND_US, 2)
    if source is not None and source.format is not None and not gate.can_air:
        return None
    # No clean keyframe yet: the next one arrives within a keyframe interval and airs one delay later.
    wait = source.next_keyframe_s(now) if source is not None else 0.0
    return round(gate.delay_us / SECOND_US + wait, 2)


def not_aired(feed: FeedFormat | None) -> list[Warn]:
    """Return warnings for tracks of the feed that cannot air, with advice for the encoder."""
    if feed is None:
        return []
    aired, video, audio = airable(feed), feed.video, feed.audio
    if video is None:
        return [say("no_picture")]
    if aired.video is None:
        return [say("picture_not_aired", codec=_name(video.codec))]
    if audio is not None and aired.audio is None:
        return [say("sound_not_aired", codec=_name(audio.codec))]
    return []


def _name(codec: str) -> str:
    """Return a codec's usual name."""
    return _NAMES.get(codec, codec)


class DelayErrors:
    """Percentiles of how late live pictures left, recomputed every DELAY_ERRORS_EVERY_US (sorting costs)."""

    def __init__(self) -> None:
        self._counted_us = 0
        self._ms: dict[str, float] = {}

    def of(self, gate: Gate, now: int) -> dict[str, float]:
        """Return p50, p99 and max in milliseconds over the last minutes; empty before the first picture."""
        if now - self._counted_us > DELAY_ERRORS_EVERY_US:
            self._counted_us = now
            errors = sorted(gate.delay_errors_us)
            last = len(errors) - 1
            parts = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
            self._ms = {name: errors[round(last * part)] / 1000 for name, part in parts} if errors else {}
        return self._ms


def changes_in_words(old: ChannelConfig, new: ChannelConfig) -> dict[str, str]:
    """Return the changes of settings in one line, without keys: `text` (English), `text_zh` (Chinese)."""
    parts: list[tuple[str, str]] = []
    if old.delay_s != new.delay_s:
        values = f"{old.delay_s:g} -> {new.delay_s:g}"
        parts.append((f"delay {values} s", f"延时 {values} 秒"))
    if old.key_hash != new.key_hash:
        parts.append(("stream key", "推流密钥"))
    if old.standby_key_hash != new.standby_key_hash:
        parts.append(("standby camera's stream key", "备用镜头推流密钥"))
    if old.destinations != new.destinations:
        names = [one.name for one in new.destinations]
        parts.append((f"destinations: {', '.join(names) or 'none'}", f"目的地：{'、'.join(names) or '无'}"))
    if old.backups != new.backups:
        clips = list(clip_names(new.backups))
        parts.append((f"backups: {', '.join(clips) or 'none'}", f"备用片：{'、'.join(clips) or '无'}"))
    if old.restore_needs_two != new.restore_needs_two:
        people = ("two people", "须两人确认") if new.restore_needs_two else ("one person", "一人即可")
        parts.append((f"restore needs {people[0]}", f"恢复{people[1]}"))
    if old.dump_s != new.dump_s:
        parts.append((f"a dump is {new.dump_s:g} s", f"默认丢弃 {new.dump_s:g} 秒"))
    if old.retention_days != new.retention_days and new.retention_days is not None:
        days = new.retention_days
        parts.append((f"recordings kept {days} days", f"录像保存 {days} 天"))
    if old.duty_rules != new.duty_rules:
        rules = new.duty_rules
        watch_zh = {"off": "关闭", "alarm": "告警", "backup": "告警并播备用画面"}[rules.watch]
        parts.append(
            (
                (
                    f"duty watch: {rules.watch}, asks after {rules.ask_min:g} min,"
                    f" alarm after {rules.absent_s:g} s"
                ),
                f"值守监测：{watch_zh}，{rules.ask_min:g} 分钟后询问，{rules.absent_s:g} 秒后告警",
            )
        )
    return {"text": "; ".join(part for part, _ in parts), "text_zh": "；".join(zh for _, zh in parts)}
