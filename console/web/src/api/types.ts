/** Messages between the console and the page: docs/developers/console-api.md, streamgate/link/messages.py. */

export type Level = "info" | "warning" | "alarm";
export type ChannelState = "live" | "cut" | "backup" | "filling" | "no_input" | "stopped";
export type Requested = "live" | "cut" | "backup" | "stopped";
export type DestinationState = "idle" | "connecting" | "live" | "behind" | "backoff" | "failed";
export type ArchiveState = "idle" | "ok" | "behind" | "failed";
export type Command = "cut" | "restore" | "live" | "start" | "stop" | "dump" | "backup";
export type Feed = "pvw" | "pgm";

export interface Warn {
  code: string;
  text: string;
  text_zh: string;
  level: Level;
}

export interface IngestStatus {
  connected: boolean;
  encoder: string;
  peer: string;
  video_codec: string;
  width: number;
  height: number;
  fps: number;
  audio_codec: string;
  sample_rate: number;
  channels: number;
  bitrate_bps: number;
  keyframe_interval_s: number | null;
  packets: number;
  bytes: number;
  mended: number;
  dropped: number;
  since_s: number | null;
  warnings: Warn[];
}

export interface DestinationStatus {
  name: string;
  url: string;
  state: DestinationState;
  bitrate_bps: number;
  bytes: number;
  packets: number;
  dropped: number;
  reconnects: number;
  queue_ms: number;
  retry_in_s: number | null;
  error: string;
}

export interface ArchiveStatus {
  state: ArchiveState;
  path: string;
  parts: number;
  bytes: number;
  lost_packets: number;
  free_bytes: number | null;
  retention_days: number;
  error: string;
}

export interface ClipStatus {
  name: string;
  ready: boolean;
  duration_s: number | null;
  error: string;
}

/** A condemned span on its way to air, in seconds from now; `ends_in_s` null: a cut in force. */
export interface SpanStatus {
  starts_in_s: number;
  ends_in_s: number | null;
  actor: string;
}

export interface ChannelStatus {
  name: string;
  state: ChannelState;
  requested: Requested;
  delay_s: number;
  lead_s: number | null;
  returns_in_s: number | null;
  filler: string;
  on_air_s: number | null;
  ingest: IngestStatus;
  destinations: DestinationStatus[];
  archive: ArchiveStatus;
  clips: ClipStatus[];
  spans: SpanStatus[];
  warnings: Warn[];
  ring_bytes: number;
  delay_error_ms: Record<string, number>;
}

export interface LogLine {
  seq: number;
  at: number;
  channel: string;
  actor: string;
  code: string;
  text: string;
  text_zh: string;
  level: Level;
}

export interface Hello {
  t: "hello";
  v: number;
  version: string;
  user: string;
  command: string;
  server_time: number;
  gate: { up: boolean; ingest_up: boolean };
  channels: ChannelStatus[];
  log: LogLine[];
}

export interface StateMessage {
  t: "state";
  server_time: number;
  ingest_up: boolean;
  channels: ChannelStatus[];
  log: LogLine[];
}

export interface GateMessage {
  t: "gate";
  up: boolean;
}

export interface Ping {
  t: "ping";
  server_time: number;
}

export interface CommandReply {
  t: "reply";
  id: number;
  ok: boolean;
  channel?: string;
  state?: ChannelState;
  took_ms?: number;
  code?: string;
  error?: string;
  error_zh?: string;
}

export type ServerMessage = Hello | StateMessage | GateMessage | Ping | CommandReply;

export interface CommandRequest {
  t: "cmd";
  id: number;
  cmd: Command;
  channel: string;
  seconds?: number;
  clip?: string;
}
