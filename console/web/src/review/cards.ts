/** A card as one person sees it at one moment, and what may be done with it. Pure. */
import type { CardView, Order, Pile } from "./types";

/** Who looks: `name` as decisions and leases give it; `top`: the highest stage that their roles here decide, 0: none. */
export interface Me {
  name: string;
  top: number;
}

/** A card, with its spans turned into moments of performance.now(), milliseconds. */
export interface Card extends CardView {
  sinceMs: number;
  publishAtMs: number | null;
}

const TOP: Readonly<Record<string, number>> = { reviewer: 1, "senior-reviewer": 2, "chief-reviewer": 3 };

/** `roles`: as the session tells them, ROLE or ROLE@CHANNEL. */
export function topStage(roles: readonly string[], channel: string): number {
  const tops = roles.map((grant) => {
    const [role = "", where = channel] = grant.split("@");
    return where === channel ? (TOP[role] ?? 0) : 0;
  });
  return Math.max(0, ...tops);
}

/** The card of an answer, which was made for this person. */
export function asTold(view: CardView, now: number): Card {
  const publishAtMs = view.publish_in_s === null ? null : now + view.publish_in_s * 1_000;
  return { ...view, sinceMs: now - view.waiting_s * 1_000, publishAtMs };
}

/** The card of a push, which was made for nobody: what is this person's own is found out here. */
export function asPushed(view: CardView, me: Me, now: number): Card {
  const newest = view.decisions.at(-1);
  const mine = newest?.by === me.name && ["waiting", "approved", "rejected"].includes(view.state);
  const may_decide = view.state === "waiting" && view.held === "" && view.stage <= me.top && !hasDecided(view, me);
  return { ...asTold(view, now), mine, may_decide };
}

/** In a stage that stands: nobody decides two of them (R26). */
export function hasDecided(card: Pick<CardView, "decisions">, me: Me): boolean {
  return card.decisions.some(({ by }) => by === me.name);
}

/** The pile that a card lies on. A hold comes before everything that is not over. */
export function pileOf(card: Pick<CardView, "state" | "held">): Pile {
  const open = card.state === "waiting" || card.state === "approved" || card.state === "blocked";
  return open && card.held !== "" ? "held" : (card.state as Pile);
}

/** These are in the order of the queue, and change while somebody looks; the others are the past, newest first. */
export const OPEN_PILES: ReadonlySet<Pile> = new Set(["waiting", "blocked", "held", "approved"]);

const GRAVE: Readonly<Record<string, number>> = { clean: 0, suspected: 1, sensitive: 2, important: 3, block: 4 };
/** A trusted author's comment stands where one would that came so much earlier (`moderation/review/dealing.py`). */
const TRUST_S = 30;

/** Below 0: `a` comes first. The order of the queue, as the comments process has it. */
export function compare(a: CardView, b: CardView, order: Order): number {
  const grave = order === "gravest" ? (GRAVE[b.verdict] ?? 0) - (GRAVE[a.verdict] ?? 0) : 0;
  return grave || cameAt(a) - cameAt(b) || a.id - b.id;
}

function cameAt(card: CardView): number {
  return card.received_at - (card.trusted ? TRUST_S : 0);
}

export type Tone = "fresh" | "slow" | "late";
const SLOW_S = 30;
const LATE_S = 60;

export function waitingS(card: Card, now: number): number {
  return Math.max(0, Math.floor((now - card.sinceMs) / 1_000));
}

export function toneOf(waiting: number): Tone {
  return waiting >= LATE_S ? "late" : waiting >= SLOW_S ? "slow" : "fresh";
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** 00:41, or 1:02:31: as wide for every card that is not hours old. */
export function age(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:` : ""}${two(minutes)}:${two(seconds % 60)}`;
}

/** Why this person does not decide the card now; null: they may. The console judges in the end. */
export type Bar = "none" | "held" | "taken" | "same_person" | "not_entitled" | "closed" | "most_stages";

/** A hold stops approvals alone; one's own earlier decision does not stop an escalation. */
export function barOf(card: Card, me: Me, verb: "approve" | "reject" | "escalate" = "approve"): Bar | null {
  if (me.top === 0) return "none";
  if (card.state !== "waiting") return "closed";
  if (card.held !== "" && verb === "approve") return "held";
  const decided = hasDecided(card, me);
  if (decided && verb !== "escalate") return "same_person";
  if (card.stage > me.top || !(card.may_decide || card.held !== "" || decided)) return "not_entitled";
  if (verb === "escalate" && card.stages === MOST_STAGES) return "most_stages";
  return takenBy(card, me) === "" ? null : "taken";
}

const MOST_STAGES = 3;

/** Who works on it; "" for nobody else. */
export function takenBy(card: Pick<CardView, "claimed_by">, me: Me): string {
  return card.claimed_by === null || card.claimed_by === me.name ? "" : card.claimed_by;
}

export const APPROVE_AT_ONCE = 20;
export const REJECT_AT_ONCE = 500;

/** Why these cards are not decided at once; null: they may be. */
export function barOfBatch(decision: "approve" | "reject", cards: readonly Card[]): "too_many" | "not_clean" | null {
  if (cards.length > (decision === "approve" ? APPROVE_AT_ONCE : REJECT_AT_ONCE)) return "too_many";
  return decision === "approve" && cards.some(({ verdict }) => verdict !== "clean") ? "not_clean" : null;
}
