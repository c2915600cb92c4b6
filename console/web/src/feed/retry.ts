/** How long to wait before the next try to connect. Pure. */

const FIRST_MS = 1_000;
const MOST_MS = 15_000;
const ASKED_MOST_MS = 60_000;

/**
 * Milliseconds to wait after so many failures in a row. `askedS`: what the server asked for in `Retry-After`.
 * `chance`: 0 to 1; with it the pages of a whole audience do not come back in one moment.
 */
export function retryDelay(failures: number, chance: number, askedS: number | null): number {
  const own = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(10, Math.max(0, failures - 1)));
  const asked = Math.min(ASKED_MOST_MS, (askedS ?? 0) * 1_000);
  return Math.max(own, asked) * (0.5 + chance / 2) + (asked > own ? asked / 2 : 0);
}

/** Seconds of a `Retry-After` header that counts in seconds; null when there is none. */
export function retryAfter(header: string | null): number | null {
  const seconds = header === null || header.trim() === "" ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
