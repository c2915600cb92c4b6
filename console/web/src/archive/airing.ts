/** What aired of what came in. Times: seconds since the epoch. Pure. */
import type { Span } from "./days";

export interface Airing extends Span {
  source: "live" | "filler";
  filler: string;
  why: string;
  actor: string;
  delay_s: number | null;
}

/** No broadcast has a shorter delay (rule R1): for what never aired. */
const FLOOR_S = 30;

/** How much later something aired that came in at `at`; where it did not, what the broadcast around it had. */
export function delayAt(aired: readonly Airing[], at: number): number {
  let near: number | null = null;
  let apart = Infinity;
  for (const { start, end, delay_s } of aired) {
    if (delay_s === null) continue;
    const before = start - (at + delay_s);
    const behind = at + delay_s - end;
    if (before <= 0 && behind <= 0) return delay_s;
    if (Math.max(before, behind) < apart) {
      near = delay_s;
      apart = Math.max(before, behind);
    }
  }
  return near ?? FLOOR_S;
}

export function airingAt<T extends Span>(spans: readonly T[], at: number): T | null {
  return spans.find(({ start, end }) => start <= at && at < end) ?? null;
}

/** Why filler stands for what people marked. */
const CUT: ReadonlySet<string> = new Set(["cut", "dump", "condemn", "mute", "bleep", "mosaic"]);

/** Colour is state: what a stretch of air is. */
export function kindOfAiring({ source, why }: Pick<Airing, "source" | "why">): "live" | "cut" | "backup" | "filler" {
  if (source === "live") return "live";
  if (CUT.has(why)) return "cut";
  return why === "backup" ? "backup" : "filler";
}

/** How many of some times lie in each of `count` equal cells of a window. */
export function countIn(view: Span, count: number, times: readonly number[]): number[] {
  const cells = Array.from({ length: count }, () => 0);
  for (const at of times) {
    const cell = Math.floor(((at - view.start) / (view.end - view.start)) * count);
    if (cell >= 0 && cell < count) cells[cell] = (cells[cell] ?? 0) + 1;
  }
  return cells;
}

/** The last of some rows in order of time that is not later than `at`; -1: none. */
export function lastUntil(rows: readonly { at: number }[], at: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.at ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export interface Question {
  text: string;
  person: string;
  action: string;
}

/** What is looked for: "@ann" is a person, "#cut" an action, the rest is text. */
export function readSearch(typed: string): Question {
  const question: Question = { text: "", person: "", action: "" };
  const rest: string[] = [];
  for (const word of typed.trim().split(/\s+/)) {
    if (/^[@＠]./.test(word)) question.person = word.slice(1);
    else if (/^[#＃]./.test(word)) question.action = word.slice(1);
    else if (word !== "") rest.push(word);
  }
  return { ...question, text: rest.join(" ") };
}
