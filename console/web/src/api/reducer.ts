/**
 * What the page knows, as one value, and how it changes. Pure: time (`now`, milliseconds of performance.now) comes in.
 */
import type { ChannelStatus, Command, CommandReply, LogLine, Present, Rights, ServerMessage, Warn } from "./types";

/** No message of any kind for this long: the link is lost (the console speaks at least every 2 s); with the time to show it, under 3 s. */
export const SILENCE_MS = 2_400;
/** No reply for this long: the command is reported as unanswered. */
export const REPLY_MS = 3_000;
export const LOG_LINES = 500;
const CLOCK_SLACK_MS = 100;

export type Link = "connecting" | "up" | "lost";

export interface Pending {
  channel: string;
  cmd: Command;
  sentAt: number;
}

/** Why a command was not carried out: the server's own words, or a reason of the page (a key into the texts). */
export type Refusal =
  | { from: "server"; error: string; error_zh: string }
  | { from: "page"; reason: LocalReason };
export type LocalReason =
  | "link_lost"
  | "gate_down"
  | "no_answer"
  | "no_right"
  | "idle"
  | "waits_second"
  | "not_cut"
  | "not_backup"
  | "cut_first"
  | "is_cut"
  | "is_stopped"
  | "is_running";

export interface Notice {
  seq: number;
  at: number;
  channel: string;
  cmd: Command;
  /** `seconds`: how much a dump dropped, reaction time included. */
  outcome: { ok: true; tookMs: number | null; waits: boolean; seconds?: number } | { ok: false; why: Refusal };
}

export interface ConsoleState {
  /** "needed": somebody has to sign in before anything else. */
  session: "assumed" | "needed";
  link: Link;
  /** When the link was lost, or (connecting) first tried. */
  linkSince: number;
  lastMessageAt: number;
  gateUp: boolean;
  gateSince: number;
  ingestUp: boolean;
  /** The comments process answers; else nobody can review. */
  commentsUp: boolean;
  /** What is wrong with streamgate itself. */
  warnings: Warn[];
  user: string;
  /** What this page may do; null until it was told. */
  rights: Rights | null;
  version: string;
  command: string;
  /** Add to a time of performance.now() for the server's wall clock, milliseconds. */
  clockOffsetMs: number;
  channels: ChannelStatus[];
  /** Who watches each channel. */
  present: Record<string, Present[]>;
  /** When `channels` came in: seconds in it count from here. */
  receivedAt: number;
  log: LogLine[];
  pending: Record<number, Pending>;
  notice: Notice | null;
}

export type Event =
  | { type: "message"; message: ServerMessage; now: number }
  | { type: "closed"; now: number; sessionNeeded: boolean }
  | { type: "signed_in"; now: number }
  | { type: "tick"; now: number }
  | { type: "sent"; id: number; channel: string; cmd: Command; now: number }
  | { type: "refused"; channel: string; cmd: Command; reason: LocalReason; now: number };

/** `wallMs`: this machine's own wall clock, until the server tells its own. */
export function initialState(now: number, wallMs: number): ConsoleState {
  return {
    session: "assumed",
    link: "connecting",
    linkSince: now,
    lastMessageAt: now,
    gateUp: true,
    gateSince: now,
    ingestUp: true,
    commentsUp: true,
    warnings: [],
    user: "",
    rights: null,
    version: "",
    command: "streamgate",
    clockOffsetMs: wallMs - now,
    channels: [],
    present: {},
    receivedAt: now,
    log: [],
    pending: {},
    notice: null,
  };
}

export function reduce(state: ConsoleState, event: Event): ConsoleState {
  switch (event.type) {
    case "message":
      return onMessage({ ...state, lastMessageAt: event.now }, event.message, event.now);
    case "closed":
      return onLost(event.sessionNeeded ? { ...state, session: "needed" } : state, event.now);
    case "signed_in":
      return { ...state, session: "assumed", link: "connecting", linkSince: event.now, lastMessageAt: event.now };
    case "tick":
      return onTick(state, event.now);
    case "sent":
      return {
        ...state,
        pending: { ...state.pending, [event.id]: { channel: event.channel, cmd: event.cmd, sentAt: event.now } },
      };
    case "refused":
      return withNotice(state, event.now, event.channel, event.cmd, {
        ok: false,
        why: { from: "page", reason: event.reason },
      });
  }
}

function onMessage(state: ConsoleState, message: ServerMessage, now: number): ConsoleState {
  switch (message.t) {
    case "hello":
      return {
        ...withGate(state, message.gate.up, now),
        link: "up",
        linkSince: now,
        ingestUp: message.gate.ingest_up,
        commentsUp: message.gate.comments_up,
        warnings: message.gate.warnings,
        user: message.user,
        version: message.version,
        command: message.command,
        clockOffsetMs: calmOffset(state.clockOffsetMs, message.server_time * 1000 - now),
        channels: message.channels,
        present: message.present,
        receivedAt: now,
        log: message.log.slice(-LOG_LINES),
      };
    case "session": {
      const { state: standing, rights, channel_rights } = message;
      return { ...state, rights: { state: standing, rights, channel_rights } };
    }
    case "state":
      return {
        ...withGate(state, true, now),
        ingestUp: message.ingest_up,
        commentsUp: message.comments_up,
        warnings: message.warnings,
        clockOffsetMs: calmOffset(state.clockOffsetMs, message.server_time * 1000 - now),
        channels: message.channels,
        present: message.present,
        receivedAt: now,
        log: message.log.length > 0 ? [...state.log, ...message.log].slice(-LOG_LINES) : state.log,
      };
    case "gate":
      return withGate(state, message.up, now);
    case "ping":
      return { ...state, clockOffsetMs: calmOffset(state.clockOffsetMs, message.server_time * 1000 - now) };
    case "reply":
      return onReply(state, message, now);
  }
}

/** The offset moves only when it has to: clocks that shiver by the network's milliseconds make every time dance. */
function calmOffset(before: number, measured: number): number {
  return Math.abs(measured - before) > CLOCK_SLACK_MS ? measured : before;
}

function withGate(state: ConsoleState, up: boolean, now: number): ConsoleState {
  return state.gateUp === up ? state : { ...state, gateUp: up, gateSince: now };
}

function onReply(state: ConsoleState, reply: CommandReply, now: number): ConsoleState {
  const asked = state.pending[reply.id];
  if (asked === undefined) return state;
  const pending = { ...state.pending };
  delete pending[reply.id];
  const outcome: Notice["outcome"] = reply.ok
    ? { ok: true, tookMs: reply.took_ms, waits: reply.waiting === "second_person", ...(reply.seconds === null ? {} : { seconds: reply.seconds }) }
    : { ok: false, why: { from: "server", error: reply.error, error_zh: reply.error_zh } };
  return withNotice({ ...state, pending }, now, asked.channel, asked.cmd, outcome);
}

function withNotice(
  state: ConsoleState,
  now: number,
  channel: string,
  cmd: Command,
  outcome: Notice["outcome"],
): ConsoleState {
  return { ...state, notice: { seq: (state.notice?.seq ?? 0) + 1, at: now, channel, cmd, outcome } };
}

function onLost(state: ConsoleState, now: number): ConsoleState {
  const lost = state.link === "up" ? { ...state, link: "lost" as const, linkSince: now } : state;
  return failPending(lost, now, () => true);
}

function onTick(state: ConsoleState, now: number): ConsoleState {
  if (state.link === "up" && now - state.lastMessageAt >= SILENCE_MS) {
    // Counted from the last word heard: that is how old the picture of the world is.
    return onLost({ ...state, link: "lost", linkSince: state.lastMessageAt }, now);
  }
  return failPending(state, now, (asked) => now - asked.sentAt >= REPLY_MS);
}

function failPending(state: ConsoleState, now: number, isOver: (asked: Pending) => boolean): ConsoleState {
  let next = state;
  for (const [id, asked] of Object.entries(state.pending)) {
    if (!isOver(asked)) continue;
    const pending = { ...next.pending };
    delete pending[Number(id)];
    const why: Refusal = { from: "page", reason: "no_answer" };
    next = withNotice({ ...next, pending }, now, asked.channel, asked.cmd, { ok: false, why });
  }
  return next;
}

/** Whether a cut is in force, or one that has ended still holds something back. */
export function cutToUndo(channel: ChannelStatus): boolean {
  return channel.state !== "stopped" && channel.spans.some(({ kind, ends_in_s: ends }) => kind === "cut" && (ends === null || ends > 0));
}

/** A cut is in force (backup may be asked for at the same time: then it is what covers the cut). */
export function isCut(channel: ChannelStatus): boolean {
  return channel.requested === "cut" || channel.spans.some((span) => span.ends_in_s === null);
}

/** Why `cmd` makes no sense in the channel's present state, or null. A cut is never held back while on air. */
export function whyNot(channel: ChannelStatus | undefined, cmd: Command): LocalReason | null {
  if (channel === undefined) return "is_stopped";
  const stopped = channel.state === "stopped";
  switch (cmd) {
    case "start":
      return stopped ? null : "is_running";
    case "restore":
      if (stopped) return "is_stopped";
      return isCut(channel) ? null : "not_cut";
    case "live":
      if (stopped) return "is_stopped";
      if (isCut(channel)) return "cut_first";
      return channel.requested === "backup" ? null : "not_backup";
    case "dump":
      if (stopped) return "is_stopped";
      return isCut(channel) ? "is_cut" : null;
    case "uncut":
      if (stopped) return "is_stopped";
      return channel.spans.some(({ kind }) => kind === "cut") ? null : "not_cut";
    case "cut":
    case "backup":
    case "stop":
    case "condemn":
    case "redact":
    case "move":
    case "lift":
      return stopped ? "is_stopped" : null;
  }
}

/** Whether state and commands go through, and if not, what is missing. */
export function outage(state: ConsoleState, now: number): { what: "link" | "gate"; sinceMs: number } | null {
  if (state.link === "lost" || (state.link === "connecting" && now - state.linkSince > 1_500)) {
    return { what: "link", sinceMs: now - state.linkSince };
  }
  if (state.link === "up" && !state.gateUp) return { what: "gate", sinceMs: now - state.gateSince };
  return null;
}
