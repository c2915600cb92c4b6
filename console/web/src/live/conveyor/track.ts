/** Places on the conveyor: at the left edge is what comes in now, at the right edge what airs now. Pure. */

import type { SpanStatus } from "../../api/types";

/** Times are arrivals by the server's wall clock, seconds. */
export interface Span {
  from: number;
  to: number;
}

export interface Window {
  /** The present. */
  now: number;
  delayS: number;
}

/** What lies at a share (0 to 1) of the width, from the left. */
export function atShare({ now, delayS }: Window, share: number): number {
  return now - Math.min(1, Math.max(0, share)) * delayS;
}

/** Seconds until what came in then airs; below 0: it has. */
export function airsIn({ now, delayS }: Window, at: number): number {
  return at + delayS - now;
}

/** The part of a span that can still be kept from air; null: none of it. */
export function unaired({ from, to }: Span, { now, delayS }: Window): Span | null {
  const first = Math.max(from, now - delayS);
  const last = Math.min(to, now);
  return last > first ? { from: first, to: last } : null;
}

/** A span between two places, whichever way it was drawn. */
export function between(a: number, b: number): Span {
  return { from: Math.min(a, b), to: Math.max(a, b) };
}

export interface Snapped extends Span {
  /** The keyframe that ends it has not come in: it goes on until that does. */
  openEnd: boolean;
}

/**
 * What the gate makes of a span: it leaves live at any picture, and returns at the next keyframe. `keyframes`: arrivals of
 * those held, in order.
 */
export function snap(span: Span, keyframes: readonly number[], now: number): Snapped {
  const back = keyframes.find((at) => at > span.to);
  return { from: span.from, to: back ?? Math.max(span.to, now), openEnd: back === undefined };
}

/** What a mosaic covers of a span: whole groups of pictures, from the keyframe before to the keyframe behind it. */
export function snapToGroups(span: Span, keyframes: readonly number[], now: number): Snapped {
  return { ...snap(span, keyframes, now), from: keyframes.findLast((at) => at <= span.from) ?? span.from };
}

/** Moments of the recording are evenly spaced; keyframes and spans are told by arrival. */
const JITTER_S = 0.1;
type Placed = Pick<SpanStatus, "kind" | "from_at" | "to_at">;

/** Whether the mosaic of a span, if it is one, lies over the picture of a moment. */
export function isCoveredBy({ kind, from_at: from, to_at: to }: Placed, keyframes: readonly number[], moment: number): boolean {
  if (kind !== "mosaic") return false;
  const groups = snapToGroups({ from, to: to ?? from }, keyframes, Number.POSITIVE_INFINITY);
  return groups.from - JITTER_S <= moment && moment < groups.to + JITTER_S;
}

/** The shortest span that a drag makes; less is a click. */
export const SHORTEST_S = 0.1;
