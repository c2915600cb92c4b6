/** Where things lie on the conveyor, in seconds until they are due to air. Pure. */
import type { ChannelStatus } from "../api/types";
import { wantedInput } from "./camera";

export interface Stretch {
  /** Seconds until its first and its last instant are due. */
  fromS: number;
  toS: number;
}
export interface Received extends Stretch {
  /** More is coming in behind it. */
  arriving: boolean;
}

/** The part of the delay that holds feed of the camera that is wanted on air; null when there is none. */
export function receivedOf(channel: ChannelStatus): Received | null {
  const { delay_s, returns_in_s, state } = channel;
  const ingest = wantedInput(channel);
  if (state === "stopped") return null;
  const since = ingest.since_s ?? (ingest.connected ? delay_s : Number.POSITIVE_INFINITY);
  const toS = delay_s - (ingest.connected ? 0 : since);
  let fromS = 0;
  if (state === "filling") fromS = Math.min(delay_s, returns_in_s ?? Math.max(0, delay_s - since));
  return toS > fromS ? { fromS, toS, arriving: ingest.connected } : null;
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
