/** Whole days from `nowMs` until `at` (seconds since the epoch); 0 on the last one. Pure. */
export function daysLeft(at: number, nowMs: number): number {
  return Math.max(0, Math.floor((at * 1_000 - nowMs) / 86_400_000));
}
