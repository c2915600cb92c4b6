/** The server's wall clock, as near as the network lets it be known. Pure. */

/** A clock that was set is believed at once. */
const STEP_MS = 2_000;
/** By so much the best is trusted less with each message: clocks of two machines drift apart. */
const FADE_MS = 0.2;

/**
 * Returns what to add to performance.now() for the server's wall clock, milliseconds; null: nothing is known yet. A message
 * that took long only makes the server seem slow: the one that says the latest time took the least.
 */
export function nextOffset(before: number | null, serverS: number, now: number): number {
  const measured = serverS * 1_000 - now;
  if (before === null || Math.abs(measured - before) > STEP_MS) return measured;
  return Math.max(measured, before - FADE_MS);
}
