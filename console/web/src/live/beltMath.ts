/** Where things lie on the conveyor, in seconds until they are due to air. Pure. */
import type { ChannelStatus } from "../api/types";

export interface Stretch {
  /** Seconds until its first and its last instant are due. */
  fromS: number;
  toS: number;
}
export interface Received extends Stretch {
  /** More is coming in behind it. */
  arriving: boolean;
}
export interface Condemned extends Stretch {
  open: boolean;
  actor: string;
}

/** The part of the delay that holds received feed; null when there is none. */
export function receivedOf(channel: ChannelStatus): Received | null {
  const { delay_s, ingest, returns_in_s, state } = channel;
  if (state === "stopped") return null;
  const since = ingest.since_s ?? (ingest.connected ? delay_s : Number.POSITIVE_INFINITY);
  const toS = delay_s - (ingest.connected ? 0 : since);
  let fromS = 0;
  if (state === "filling") fromS = Math.min(delay_s, returns_in_s ?? Math.max(0, delay_s - since));
  return toS > fromS ? { fromS, toS, arriving: ingest.connected } : null;
}

/** Condemned spans that are still under way, nearest to air first; those that a cut in force covers are part of it. */
export function condemnedOf({ spans, delay_s }: ChannelStatus): Condemned[] {
  const found = spans
    .filter((span) => (span.ends_in_s ?? delay_s) > 0)
    .map((span) => ({
      fromS: Math.min(span.starts_in_s, delay_s),
      toS: span.ends_in_s ?? delay_s,
      open: span.ends_in_s === null,
      actor: span.actor,
    }));
  const cutFrom = Math.min(...found.filter((span) => span.open).map((span) => span.fromS));
  return found.filter((span) => span.open || span.fromS < cutFrom).toSorted((a, b) => a.fromS - b.fromS);
}

const STEPS = [5, 10, 15, 20, 30, 60, 120];
const LABELS = 6;

/** Seconds to print on the scale, farthest first: a round step, at most six labels, none on the edges. */
export function scaleOf(delayS: number): number[] {
  const step = stepOf(delayS);
  const labels: number[] = [];
  for (let at = Math.ceil(delayS / step) * step - step; at > 0; at -= step) labels.push(at);
  return labels;
}

/** Round wall-clock seconds whose feed is on the conveyor now, and the next to come. */
export function marksOf(wallS: number, delayS: number): number[] {
  const step = stepOf(delayS);
  const marks: number[] = [];
  for (let at = Math.floor((wallS - delayS) / step) * step; at <= wallS + step; at += step) marks.push(at);
  return marks;
}

function stepOf(delayS: number): number {
  return STEPS.find((step) => delayS / step <= LABELS) ?? delayS / LABELS;
}
