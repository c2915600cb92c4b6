/** What came in and has not aired: stills and sound levels, told by the console. Pure. */
import type { StripMessage, StripStill } from "../../api/types";
import { nextOffset } from "./clock";

/** Kept for so long past the delay: things leave the picture before they are forgotten. */
const BEYOND_S = 10;

export interface Strip {
  /** The process that looks at the feed works. */
  up: boolean;
  /** Add to performance.now() for the server's wall clock, milliseconds; null until it was told. */
  offsetMs: number | null;
  /** In order of their arrival. */
  stills: readonly StripStill[];
  /** Levels of tenths of a second, dBFS, by running tenth since the epoch. */
  levels: ReadonlyMap<number, number>;
}

export const NO_STRIP: Strip = { up: false, offsetMs: null, stills: [], levels: new Map() };

/** The tenth of a second since the epoch that a moment lies in. */
export function slotOf(at: number): number {
  return Math.round(at * 10);
}

/** Takes a message of the console. The first of a connection tells everything anew: what is known twice stands once. */
export function takeMessage(strip: Strip, message: StripMessage, delayS: number, now: number): Strip {
  const after = message.server_time - delayS - BEYOND_S;
  const last = strip.stills.at(-1)?.number ?? 0;
  const fresh = message.stills.filter((still) => still.number > last && still.at >= after);
  const stills = strip.stills.filter((still) => still.at > after);
  const levels = new Map([...strip.levels].filter(([slot]) => slot / 10 > after));
  message.level_at.forEach((at, index) => levels.set(slotOf(at), message.level_db[index] ?? 0));
  return {
    up: message.up,
    offsetMs: nextOffset(strip.offsetMs, message.server_time, now),
    stills: fresh.length > 0 || stills.length < strip.stills.length ? [...stills, ...fresh] : strip.stills,
    levels,
  };
}
