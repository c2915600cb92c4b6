/** What this person decided lately, and what of it can be undone. Pure. */
import type { Card } from "./cards";
import type { Done, ReviewState } from "./state";

const MINUTE_MS = 60_000;

/** The newest decision of this person that can still be undone. */
export function undoable(state: ReviewState, now: number): { done: Done; card: Card; leftMs: number } | null {
  for (const done of state.done) {
    const card = state.cards.get(done.id);
    const leftMs = leftToUndo(state, done, now);
    if (card !== undefined && leftMs !== null) return { done, card, leftMs };
  }
  return null;
}

/** How many cards this person decided in the last minute: pushed counts are nobody's and do not know. */
export function minePerMinute(state: ReviewState, now: number): number {
  return state.done.filter(({ atMs }) => now - atMs < MINUTE_MS).length;
}

/** How long a decision can still be undone, milliseconds; Infinity: until the next stage; null: it cannot. */
export function leftToUndo(state: ReviewState, done: Done, now: number): number | null {
  const card = state.cards.get(done.id);
  if (card === undefined || !card.mine || state.flying.has(done.id)) return null;
  const leftMs = untilFinal(state, done, card) - Math.max(now, done.atMs); // a clock that ticks slowly may be behind
  return leftMs > 0 ? leftMs : null;
}

function untilFinal(state: ReviewState, done: Done, card: Card): number {
  if (card.state === "approved") return card.publishAtMs ?? Infinity; // on hold it is not published
  if (card.state === "rejected") return done.atMs + (state.interaction?.window_s ?? 0) * 1_000;
  return card.state === "waiting" ? Infinity : 0;
}
