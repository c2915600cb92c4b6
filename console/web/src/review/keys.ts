/** Which act has which key, and who has which acts on which pile. Pure. */
import type { Pile } from "./types";

export type Act =
  | "approve"
  | "reject"
  | "escalate"
  | "hold"
  | "release"
  | "restore"
  | "retract"
  | "ban"
  | "term"
  | "reveal"
  | "undo"
  | "mark"
  | "previous"
  | "next"
  | "deal"
  | "order"
  | "pile";

/** Letters under the left hand decide; a decision moves on by itself, so that one hand is enough. */
export const KEY_OF: Readonly<Record<Act, string>> = {
  approve: "A",
  reject: "D",
  escalate: "E",
  hold: "H",
  release: "H",
  restore: "R",
  retract: "R",
  ban: "B",
  term: "W",
  reveal: "V",
  undo: "Z",
  mark: "X",
  previous: "K",
  next: "J",
  deal: "N",
  order: "O",
  pile: "P",
};

/** The same acts for one hand, and by keys without a letter. */
const ALSO: Readonly<Record<string, Act>> = { S: "next", ArrowDown: "next", ArrowUp: "previous" };

const ON_PILE: Readonly<Record<Pile, readonly Act[]>> = {
  waiting: ["approve", "reject", "escalate", "hold", "ban", "term", "reveal", "undo", "mark", "previous", "next"],
  blocked: ["restore", "hold", "ban", "term", "reveal", "undo", "previous", "next"],
  held: ["release", "reject", "ban", "term", "reveal", "undo", "previous", "next"],
  approved: ["undo", "hold", "reveal", "previous", "next"],
  published: ["retract", "ban", "term", "reveal", "undo", "previous", "next"],
  rejected: ["restore", "undo", "ban", "term", "reveal", "previous", "next"],
  expired: ["reveal", "previous", "next"],
};
const FOR_ANYBODY: ReadonlySet<Act> = new Set(["previous", "next", "order", "pile"]);
const FOR_SENIORS: ReadonlySet<Act> = new Set(["release", "restore"]);
/** Acts of the screen, beside those on a card. */
const OF_SCREEN: readonly Act[] = ["deal", "order", "pile"];

export interface Rights {
  decide: boolean;
  terms: boolean;
  /** The highest stage that the person's roles decide. */
  top: number;
}

/** The acts that somebody has on the cards of a pile, in the order of their buttons. Without the right there is none. */
export function actsOn(pile: Pile, rights: Rights): Act[] {
  return ON_PILE[pile].filter((act) => hasAct(act, rights));
}

function hasAct(act: Act, { decide, terms, top }: Rights): boolean {
  if (FOR_ANYBODY.has(act)) return true;
  if (act === "term") return terms;
  return decide && (!FOR_SENIORS.has(act) || top >= 2);
}

/** The act of a key pressed: `key` as the browser names it, `letter` as `live/keyboard.ts` reads it. */
export function actOf(key: string, letter: string, pile: Pile, rights: Rights): Act | null {
  const acts = [...actsOn(pile, rights), ...OF_SCREEN.filter((act) => hasAct(act, rights))];
  const named = letter === "" ? undefined : acts.find((act) => KEY_OF[act] === letter);
  const other = ALSO[letter] ?? ALSO[key];
  return named ?? (other !== undefined && acts.includes(other) ? other : null);
}
