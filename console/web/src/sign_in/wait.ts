/** How long to wait for the next try. Pure; times: milliseconds of one clock. */

/** Whole seconds until `until`, rounded up: at 0 a try is answered again. */
export function secondsLeft(until: number, now: number): number {
  return Math.max(0, Math.ceil((until - now) / 1_000));
}
