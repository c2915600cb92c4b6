/** Comments as they come in: how many, and where there are unusually many. Pure. */

export const BIN_S = 2;
/** A peak: at least so many comments in a bin, and so many times what is usual. */
const PEAK_LEAST = 5;
const PEAK_TIMES = 3;

export interface Bin {
  from: number;
  count: number;
  /** Share of the fullest bin, 0 to 1. */
  share: number;
  peak: boolean;
}

/** Counts moments into bins of the clock, empty ones left out. */
export function binsOf(times: readonly number[]): Bin[] {
  const counts = new Map<number, number>();
  for (const at of times) {
    const from = Math.floor(at / BIN_S) * BIN_S;
    counts.set(from, (counts.get(from) ?? 0) + 1);
  }
  const sorted = [...counts.values()].toSorted((a, b) => a - b);
  const usual = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const most = sorted.at(-1) ?? 1;
  const single = sorted.length === 1;
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([from, count]) => ({
      from,
      count,
      share: count / most,
      peak: count >= PEAK_LEAST && (single || count >= PEAK_TIMES * usual),
    }));
}
