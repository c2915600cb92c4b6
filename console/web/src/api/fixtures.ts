/** States for the unit tests. */
import type { ChannelStatus, CommandReply, Hello, LogLine, SpanStatus, StateMessage } from "./types";

export function channel(changes: Partial<ChannelStatus> = {}): ChannelStatus {
  return {
    name: "main",
    state: "live",
    requested: "live",
    delay_s: 30,
    lead_s: 30,
    returns_in_s: null,
    filler: "slate",
    on_air_s: 60,
    broadcast: "",
    ingest: {
      connected: true,
      encoder: "OBS",
      peer: "127.0.0.1",
      video_codec: "h264",
      width: 1920,
      height: 1080,
      fps: 30,
      audio_codec: "aac",
      sample_rate: 48_000,
      channels: 2,
      bitrate_bps: 6_000_000,
      keyframe_interval_s: 2,
      packets: 1,
      bytes: 1,
      mended: 0,
      dropped: 0,
      since_s: 90,
      warnings: [],
    },
    destinations: [],
    archive: {
      state: "ok",
      path: "",
      parts: 1,
      bytes: 1,
      lost_packets: 0,
      free_bytes: null,
      retention_days: 60,
      error: "",
      error_zh: "",
    },
    clips: [],
    spans: [],
    warnings: [],
    ring_bytes: 0,
    cut: null,
    restore_needs_two: false,
    waiting_restore: null,
    delay_error_ms: {},
    dump_s: 10,
    keyframes_at: [],
    duty: { state: "off", watch: "alarm", people: [], next: null, gone_s: 0, alarm_in_s: null, reported: true, known: true },
    practice: false,
    camera: "main",
    standby: null,
    ...changes,
  };
}

export function span(id: string, changes: Partial<SpanStatus> = {}): SpanStatus {
  const what = { id, kind: "condemn", actor: "console:ann", reason: "", open_end: false, ready: true, box: null };
  return { ...what, starts_in_s: 10, ends_in_s: 14, from_at: 980, to_at: 984, ...changes };
}

export function logLine(seq: number): LogLine {
  return { seq, at: 0, channel: "main", actor: "", code: "x", text: `line ${seq}`, text_zh: "", level: "info" };
}

export function hello(changes: Partial<Hello> = {}): Hello {
  return {
    t: "hello",
    v: 1,
    version: "0.1.0",
    user: "operator",
    command: "/opt/streamgate/bin/streamgate --data-dir /srv/streamgate",
    server_time: 1_000,
    gate: { up: true, ingest_up: true, warnings: [], comments_up: true },
    channels: [channel()],
    present: {},
    log: [],
    ...changes,
  };
}

export function stateMessage(changes: Partial<StateMessage> = {}): StateMessage {
  const state = { server_time: 1_000, ingest_up: true, comments_up: true, warnings: [], channels: [channel()], present: {}, log: [] };
  return { t: "state", ...state, ...changes };
}

const NO_SPAN = { span: "", kind: "", from_s: null, to_s: null, from_at: null, to_at: null, open_end: false };
const NO_DUMP = { seconds: null, channel_s: null, reaction_s: null };

export function doneReply(id: number): CommandReply {
  const done = { ok: true, channel: "main", state: "cut", took_ms: 0.4, by_ms: 1, waiting: "" } as const;
  return { t: "reply", id, ...done, ...NO_SPAN, ...NO_DUMP };
}

export function failedReply(id: number): CommandReply {
  return { t: "reply", id, ok: false, channel: "main", code: "refused", error: "no", error_zh: "不", by_ms: 1 };
}
