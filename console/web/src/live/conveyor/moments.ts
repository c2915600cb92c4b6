/** Moments at which something may have begun: pauses of the sound, changes of the scene. Pure. */
import { type Strip, slotOf } from "./strip";

export interface Moment {
  at: number;
  why: "pause" | "scene";
}

/** A pause: so many tenths of a second, each so much softer than the sound around it, or next to silent. */
const PAUSE_TENTHS = 2;
const SOFTER_DB = 15;
const SILENT_DB = -50;
const LOUD_SHARE = 0.7;
/** A keyframe that differs from the one before by so many percent begins a scene. */
const SCENE_CHANGE = 12;

/** All of them in order, of what came in until `until`. A pause stands where the sound begins again. */
export function momentsOf(strip: Strip, until: number): Moment[] {
  const scenes = strip.stills
    .filter(({ at, change }) => at <= until && change >= SCENE_CHANGE)
    .map(({ at }): Moment => ({ at, why: "scene" }));
  return [...scenes, ...pausesOf(strip, until)].toSorted((a, b) => a.at - b.at);
}

function pausesOf({ levels }: Strip, until: number): Moment[] {
  const slots = [...levels.keys()].filter((slot) => slot <= slotOf(until)).toSorted((a, b) => a - b);
  if (slots.length === 0) return [];
  const sorted = slots.map((slot) => levels.get(slot) ?? 0).toSorted((a, b) => a - b);
  const usual = sorted[Math.floor(sorted.length * LOUD_SHARE)] ?? 0;
  const soft = Math.max(SILENT_DB, usual - SOFTER_DB);
  const found: Moment[] = [];
  let run = 0;
  for (const slot of slots) {
    if ((levels.get(slot) ?? 0) <= soft) {
      run += 1;
      continue;
    }
    if (run >= PAUSE_TENTHS) found.push({ at: slot / 10, why: "pause" });
    run = 0;
  }
  return found;
}

/** With nothing to go by, so much before the press. */
const BLIND_S = 5;
/** What began so shortly before the press was no cause of it: nobody is that quick. */
const QUICKEST_S = 0.3;

/** Where a span that was marked at `pressed` begins: the newest pause or scene change before it, within the window. */
export function beginBefore(strip: Strip, pressed: number, oldest: number): { at: number; why: Moment["why"] | "blind" } {
  const found = momentsOf(strip, pressed - QUICKEST_S).at(-1);
  if (found !== undefined && found.at >= oldest) return found;
  return { at: Math.max(oldest, pressed - BLIND_S), why: "blind" };
}

/** The moment before or after `at`; null: there is none. */
export function besideMoment(strip: Strip, at: number, direction: 1 | -1, until: number): number | null {
  const all = momentsOf(strip, until).map((moment) => moment.at);
  const found = direction > 0 ? all.find((one) => one > at + 0.05) : all.findLast((one) => one < at - 0.05);
  return found ?? null;
}
