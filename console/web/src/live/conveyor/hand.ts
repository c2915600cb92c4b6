/** What is under the hand on the conveyor: a span being chosen, a condemned one picked, the review player. Pure. */
import { type Box, FIRST_BOX, moved, sized, STEP } from "./box";
import { between, type Span, SHORTEST_S, unaired, type Window } from "./track";

export type Edge = "from" | "to";

export interface Chosen extends Span {
  /** The end that arrow keys move. */
  edge: Edge;
  /** How it came about; "pause", "scene", "blind": set by Shift+D. */
  why: "drag" | "marks" | "pause" | "scene" | "blind";
}

/** An end of a condemned span on its way. */
export interface Pull {
  id: string;
  edge: Edge;
  at: number;
}

export interface Hand {
  chosen: Chosen | null;
  /** The condemned span that was picked, by its id. */
  picked: string | null;
  pull: Pull | null;
  /** The moment that the review player was last sent to; null: it is closed. */
  review: { at: number; nth: number } | null;
  /** What a mosaic is to cover, drawn on the review player's picture; null: the whole picture. */
  box: Box | null;
  /** Arrow keys are for the box. */
  boxing: boolean;
}

export const EMPTY_HAND: Hand = { chosen: null, picked: null, pull: null, review: null, box: null, boxing: false };

export type HandEvent =
  | { type: "draw"; a: number; b: number }
  | { type: "propose"; from: number; to: number; why: Chosen["why"] }
  | { type: "mark"; edge: Edge; at: number; window: Window }
  | { type: "nudge"; seconds: number; window: Window }
  | { type: "put"; at: number; window: Window }
  | { type: "edge"; edge: Edge }
  | { type: "pick"; id: string | null }
  | { type: "pull"; pull: Pull | null }
  | { type: "review"; at: number | null }
  | { type: "box"; box: Box | null }
  | { type: "boxKey" }
  | { type: "boxArrow"; x: -1 | 0 | 1; y: -1 | 0 | 1; size: boolean }
  | { type: "done" }
  | { type: "drop" }
  | { type: "time"; window: Window };

/** No box outlives the picture that it was drawn on. */
const CLOSED = { review: null, box: null, boxing: false } as const;
/** With one mark only, the span reaches so far. */
const FIRST_S = 2;

export function reduceHand(hand: Hand, event: HandEvent): Hand {
  switch (event.type) {
    case "draw":
      return { ...hand, picked: null, chosen: { ...between(event.a, event.b), edge: event.b < event.a ? "from" : "to", why: "drag" } };
    case "propose":
      return { ...hand, picked: null, chosen: { from: event.from, to: event.to, edge: "from", why: event.why } };
    case "mark":
      return { ...hand, picked: null, chosen: marked(hand.chosen, event) };
    case "nudge":
      return withEdge(hand, (at) => at + event.seconds, event.window);
    case "put":
      return withEdge(hand, () => event.at, event.window);
    case "edge":
      return hand.chosen === null ? hand : { ...hand, chosen: { ...hand.chosen, edge: event.edge } };
    case "pick":
      return { ...hand, picked: event.id, chosen: event.id === null ? hand.chosen : null };
    case "pull":
      return { ...hand, pull: event.pull };
    case "review":
      if (event.at === null) return { ...hand, ...CLOSED };
      return { ...hand, review: { at: event.at, nth: (hand.review?.nth ?? 0) + 1 } };
    case "box":
      return { ...hand, box: event.box, boxing: event.box !== null };
    case "boxKey":
      if (hand.review === null) return hand;
      return { ...hand, box: hand.box ?? FIRST_BOX, boxing: !hand.boxing };
    case "boxArrow": {
      if (hand.box === null) return hand;
      const by = { x: event.x * STEP, y: event.y * STEP };
      return { ...hand, box: event.size ? sized(hand.box, by) : moved(hand.box, by) };
    }
    case "done":
      return { ...hand, chosen: null, box: null, boxing: false };
    case "drop":
      // One thing at a time, the last first: the box in the hand, what was chosen, what was picked, the player.
      if (hand.boxing) return { ...hand, box: null, boxing: false };
      if (hand.chosen !== null) return { ...hand, chosen: null };
      if (hand.picked !== null) return { ...hand, picked: null };
      return { ...hand, ...CLOSED };
    case "time":
      return hand.chosen !== null && unaired(hand.chosen, event.window) === null ? { ...hand, chosen: null } : hand;
  }
}

/** In and out marks: each moves its own end; the other stays unless it would lie behind. */
function marked(before: Chosen | null, { edge, at, window }: Extract<HandEvent, { type: "mark" }>): Chosen {
  const { now } = window;
  if (edge === "from") {
    const to = before !== null && before.to > at ? before.to : Math.min(now, at + FIRST_S);
    return { from: at, to: Math.max(to, at + SHORTEST_S), edge, why: "marks" };
  }
  const from = before !== null && before.from < at ? before.from : at - FIRST_S;
  return { from, to: at, edge, why: "marks" };
}

/** Moves the edge under the hand, within the window, never past the other one. */
function withEdge(hand: Hand, move: (at: number) => number, { now, delayS }: Window): Hand {
  const { chosen } = hand;
  if (chosen === null) return hand;
  const wanted = Math.min(now, Math.max(now - delayS, move(chosen[chosen.edge])));
  const at = chosen.edge === "from" ? Math.min(wanted, chosen.to - SHORTEST_S) : Math.max(wanted, chosen.from + SHORTEST_S);
  return { ...hand, chosen: { ...chosen, [chosen.edge]: at } };
}
