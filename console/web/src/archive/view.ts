/** What the timeline shows: a window of time, and where things stand in it. Times: seconds since the epoch. Pure. */
import type { Span } from "./days";

export const SHORTEST_S = 10;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600];

/** Where a time stands, 0 at the left edge, 1 at the right one. */
export function placeOf(view: Span, at: number): number {
  return (at - view.start) / (view.end - view.start);
}

export function timeAt(view: Span, place: number): number {
  return view.start + Math.min(1, Math.max(0, place)) * (view.end - view.start);
}

/** Left edge and width of what is in sight of a span, in percent; null: none of it is. */
export function barOf(view: Span, span: Span): { left: number; width: number } | null {
  const left = Math.max(0, placeOf(view, span.start));
  const right = Math.min(1, placeOf(view, span.end));
  return right <= 0 || left >= 1 || right < left ? null : { left: left * 100, width: (right - left) * 100 };
}

/** Zooms by `factor` (below 1: closer) around a time, within bounds. */
export function zoom(view: Span, bounds: Span, factor: number, around: number): Span {
  const length = Math.min(bounds.end - bounds.start, Math.max(SHORTEST_S, (view.end - view.start) * factor));
  const place = Math.min(1, Math.max(0, placeOf(view, around)));
  return fit({ start: around - place * length, end: around + (1 - place) * length }, bounds);
}

export function pan(view: Span, bounds: Span, seconds: number): Span {
  return fit({ start: view.start + seconds, end: view.end + seconds }, bounds);
}

/** Moves a window into its bounds; its length stays where it fits. */
export function fit(view: Span, bounds: Span): Span {
  const length = Math.min(view.end - view.start, bounds.end - bounds.start);
  const start = Math.min(Math.max(view.start, bounds.start), bounds.end - length);
  return { start, end: start + length };
}

/** Turns the page when the playhead runs out of sight. */
export function follow(view: Span, bounds: Span, at: number): Span {
  if (at >= view.start && at <= view.end) return view;
  const length = view.end - view.start;
  return fit({ start: at - length * 0.1, end: at + length * 0.9 }, bounds);
}

/** Whole times to be written above the timeline, at most `most` of them. */
export function ticksOf(view: Span, most: number): number[] {
  const length = view.end - view.start;
  const step = STEPS_S.find((one) => length / one <= most) ?? STEPS_S.at(-1) ?? 21_600;
  // Counted from midnight of whoever looks, so that hours are whole in every time zone.
  const midnight = new Date(view.start * 1_000);
  midnight.setHours(0, 0, 0, 0);
  const origin = midnight.getTime() / 1_000;
  const found: number[] = [];
  for (let at = origin + Math.ceil((view.start - origin) / step) * step; at < view.end; at += step) found.push(at);
  return found;
}

/** The window of a day at first: what is recorded of it with a little room, or all of it. */
export function firstView(bounds: Span, recorded: readonly Span[]): Span {
  const first = recorded[0];
  const last = recorded.at(-1);
  if (first === undefined || last === undefined) return bounds;
  const length = Math.max(SHORTEST_S, last.end - first.start);
  return fit({ start: first.start - length * 0.02, end: first.start + length * 1.02 }, bounds);
}

/** The time at the middle of each of `count` cells, where something is recorded; null: nothing is. */
export function cellsOf(view: Span, count: number, recorded: readonly Span[]): (number | null)[] {
  const width = (view.end - view.start) / count;
  return Array.from({ length: count }, (_, cell) => {
    const start = view.start + cell * width;
    const middle = start + width / 2;
    if (recorded.some((one) => one.start <= middle && middle < one.end)) return middle;
    const inside = recorded.find((one) => one.start < start + width && one.end > start);
    return inside === undefined ? null : (Math.max(inside.start, start) + Math.min(inside.end, start + width)) / 2;
  });
}

/** The recorded time at or after `at`; the end of the last one when nothing follows; null without any. */
export function nextRecorded(recorded: readonly Span[], at: number): number | null {
  for (const one of recorded) if (at < one.end) return Math.max(at, one.start);
  return recorded.at(-1)?.end ?? null;
}

/** The nearest of some times behind or before `at`; null: there is none. Times of half a second are passed over. */
export function neighbour(times: readonly number[], at: number, direction: 1 | -1): number | null {
  const found = times.filter((one) => (direction > 0 ? one > at + 0.5 : one < at - 0.5));
  if (found.length === 0) return null;
  return direction > 0 ? Math.min(...found) : Math.max(...found);
}
