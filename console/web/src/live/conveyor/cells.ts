/** How stills and sound lie on the film. Pure. */
import type { StripStill } from "../../api/types";
import type { Strip } from "./strip";

export interface Cell {
  number: number;
  /** Arrival of its picture, and of the next one (or when that may be expected). */
  from: number;
  to: number;
}

/** A picture stands for so long at most: behind it lies nothing that is known. */
const LONGEST_S = 12;

/**
 * One cell a still, none narrower than `leastS`: of those too close together the first of each stretch stands. Which do
 * must not change as the film moves, so stretches are those of the clock.
 */
export function cellsOf(stills: readonly StripStill[], leastS: number, expectedS: number): Cell[] {
  const shown = stills.filter((still, index) => {
    const before = stills[index - 1];
    return before === undefined || Math.floor(before.at / leastS) !== Math.floor(still.at / leastS);
  });
  return shown.map(({ number, at }, index) => {
    const next = shown[index + 1]?.at ?? at + Math.max(expectedS, leastS);
    return { number, from: at, to: Math.min(next, at + LONGEST_S) };
  });
}

/** The still that was on at a moment; null: none is known. */
export function stillAt(stills: readonly StripStill[], at: number): StripStill | null {
  let found: StripStill | null = null;
  for (const still of stills) {
    if (still.at > at) break;
    found = still;
  }
  return found !== null && at - found.at <= LONGEST_S ? found : null;
}

export const CHUNK_S = 5;
const FLOOR_DB = -60;

export interface Chunk {
  from: number;
  /** Path of an area, in a box of 10 CHUNK_S by 100, the newest at the left; "" when nothing sounded. */
  path: string;
}

/** The sound from `from` to `to`, in pieces of CHUNK_S of the clock: only the newest one changes. */
export function chunksOf(levels: Strip["levels"], from: number, to: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = Math.floor(from / CHUNK_S) * CHUNK_S; at < to; at += CHUNK_S) chunks.push({ from: at, path: pathOf(levels, at) });
  return chunks;
}

function pathOf(levels: Strip["levels"], from: number): string {
  let path = "";
  for (let tenth = 0; tenth < CHUNK_S * 10; tenth += 1) {
    const db = levels.get(Math.round(from * 10) + tenth);
    if (db === undefined) continue;
    const half = Math.max(1, Math.round(((db - FLOOR_DB) / -FLOOR_DB) * 50));
    path += `M${CHUNK_S * 10 - tenth - 0.9} ${50 - half}h.8v${2 * half}h-.8z`;
  }
  return path;
}
