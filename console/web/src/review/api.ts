/** The console's routes of review (docs/developers/console-api.md), in the name of whoever is signed in. */
import { dataOf, type ProblemError } from "../api/http";
import type {
  AuthorRecord,
  BanView,
  CardView,
  Decided,
  InteractionView,
  Order,
  Outcome,
  QueueAnswer,
  Refusal,
  Revealed,
  Switch,
  TermAnswer,
  Verb,
} from "./types";
import type { View } from "./state";

export const PAGE = 200;

export interface Term {
  term: string;
  severity: string;
  category: string;
  /** A day, 2026-12-31, or "". */
  expires: string;
}

function ask<T>(method: string, channel: string, path: string, body?: unknown): Promise<T> {
  return dataOf(send<T>(method, `/api/v1/review/${encodeURIComponent(channel)}/${path}`, body));
}

async function send<T>(method: string, path: string, body: unknown): Promise<{ data?: T; error?: unknown; response: Response }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, body === undefined ? { method } : { method, headers, body: JSON.stringify(body) });
  const said: unknown = await response.json().catch(() => undefined);
  return response.ok && said !== undefined ? { data: said as T, response } : { error: said, response };
}

/** The card that a refusal brought, as it is now. */
export function cardOf(error: ProblemError): CardView | null {
  const { card }: Refusal = error.problem;
  return card ?? null;
}

export function askQueue(channel: string, { pile, stage, order }: View, after: number): Promise<QueueAnswer> {
  const query = new URLSearchParams({ pile, stage: String(stage), order, limit: String(PAGE), after: String(after) });
  return ask("GET", channel, `queue?${query.toString()}`);
}

export function askCard(channel: string, id: number): Promise<CardView> {
  return ask<{ card: CardView }>("GET", channel, `cards/${id}`).then(({ card }) => card);
}

export function deal(channel: string, stage: number, order: Order): Promise<{ card: CardView | null }> {
  return ask("POST", channel, "deal", { stage, order });
}

export interface Decision {
  id: number;
  version: number;
  decision: Verb;
  /** The code of a rejection, else words. */
  reason?: string;
  note?: string;
}

export function decide(channel: string, decision: Decision): Promise<Decided> {
  return ask("POST", channel, "decisions", decision);
}

export function decideMany(
  channel: string,
  cards: readonly (readonly [id: number, version: number])[],
  decision: "approve" | "reject",
  reason: string,
  note: string,
): Promise<{ outcomes: Outcome[] }> {
  return ask("POST", channel, "decisions/batch", { cards, decision, reason, note });
}

export function retract(channel: string, id: number, reason: string): Promise<unknown> {
  return ask("POST", channel, "retract", { id, reason });
}

export function reveal(channel: string, id: number): Promise<{ comments: Revealed[] }> {
  return ask("POST", channel, `cards/${id}/reveal`);
}

export function askAuthor(channel: string, id: number): Promise<AuthorRecord> {
  return ask("GET", channel, `cards/${id}/author`);
}

/** `minutes` 0: until it is lifted. */
export function ban(channel: string, card: number, cause: string, minutes: number): Promise<unknown> {
  return ask("POST", channel, "bans", { card, cause, minutes });
}

export function askBans(channel: string): Promise<{ bans: BanView[] }> {
  return ask("GET", channel, "bans");
}

export function liftBan(channel: string, id: number): Promise<unknown> {
  return ask("DELETE", channel, `bans/${id}`);
}

export function addTerm(channel: string, term: Term, checkOnly: boolean): Promise<TermAnswer> {
  return ask("POST", channel, "terms", { ...term, check_only: checkOnly });
}

export function askInteraction(channel: string): Promise<InteractionView> {
  return ask("GET", channel, "interaction");
}

export function setSwitch(channel: string, which: Switch, open: boolean): Promise<unknown> {
  return ask("PUT", channel, "interaction", { [which]: open });
}
