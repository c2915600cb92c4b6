/** The console's routes of review (docs/developers/console-api.md), in the name of whoever is signed in. */
import { dataOf, http, type ProblemError } from "../api/http";
import type { View } from "./state";
import type {
  AuthorRecord,
  BroadcastRow,
  CardView,
  Decided,
  Decision,
  InteractionView,
  Order,
  Outcome,
  QueueAnswer,
  Refusal,
  Revealed,
  Switch,
  Term,
  TermAnswer,
} from "./types";

export const PAGE = 200;

/** The card that a refusal brought, as it is now. */
export function cardOf(error: ProblemError): CardView | null {
  const { card }: Refusal = error.problem;
  return card ?? null;
}

export function askQueue(channel: string, { pile, stage, order }: View, after: number): Promise<QueueAnswer> {
  const params = { path: { channel }, query: { pile, stage, order, limit: PAGE, after } };
  return dataOf(http.GET("/api/v1/review/{channel}/queue", { params }));
}

export async function askCard(channel: string, id: number): Promise<CardView> {
  const params = { path: { channel, card_id: id } };
  return (await dataOf(http.GET("/api/v1/review/{channel}/cards/{card_id}", { params }))).card;
}

export async function deal(channel: string, stage: number, order: Order): Promise<CardView | null> {
  const asked = { params: { path: { channel } }, body: { stage, order } };
  return (await dataOf(http.POST("/api/v1/review/{channel}/deal", asked))).card;
}

export function decide(channel: string, body: Decision): Promise<Decided> {
  return dataOf(http.POST("/api/v1/review/{channel}/decisions", { params: { path: { channel } }, body }));
}

export async function decideMany(
  channel: string,
  cards: [id: number, version: number][],
  decision: "approve" | "reject",
  reason: string,
  note: string,
): Promise<Outcome[]> {
  const asked = { params: { path: { channel } }, body: { cards, decision, reason, note } };
  return (await dataOf(http.POST("/api/v1/review/{channel}/decisions/batch", asked))).outcomes;
}

export function retract(channel: string, id: number, reason: string): Promise<unknown> {
  return dataOf(http.POST("/api/v1/review/{channel}/retract", { params: { path: { channel } }, body: { id, reason } }));
}

export function reveal(channel: string, id: number): Promise<Revealed> {
  const params = { path: { channel, card_id: id } };
  return dataOf(http.POST("/api/v1/review/{channel}/cards/{card_id}/reveal", { params }));
}

export function askAuthor(channel: string, id: number): Promise<AuthorRecord> {
  const params = { path: { channel, card_id: id } };
  return dataOf(http.GET("/api/v1/review/{channel}/cards/{card_id}/author", { params }));
}

/** `minutes` 0: until it is lifted. */
export function ban(channel: string, card: number, cause: string, minutes: number): Promise<unknown> {
  const asked = { params: { path: { channel } }, body: { card, cause, minutes } };
  return dataOf(http.POST("/api/v1/review/{channel}/bans", asked));
}

export function liftBan(channel: string, id: number): Promise<unknown> {
  return dataOf(http.DELETE("/api/v1/review/{channel}/bans/{ban_id}", { params: { path: { channel, ban_id: id } } }));
}

export function trust(channel: string, card: number, trusted: boolean): Promise<AuthorRecord> {
  const asked = { params: { path: { channel } }, body: { card, trusted } };
  return dataOf(http.POST("/api/v1/review/{channel}/trust", asked));
}

export function addTerm(channel: string, body: Term): Promise<TermAnswer> {
  return dataOf(http.POST("/api/v1/review/{channel}/terms", { params: { path: { channel } }, body }));
}

/** The newest first. */
export async function askBroadcasts(channel: string): Promise<BroadcastRow[]> {
  return (await dataOf(http.GET("/api/v1/review/{channel}/broadcasts", { params: { path: { channel } } }))).broadcasts;
}

export function askInteraction(channel: string): Promise<InteractionView> {
  return dataOf(http.GET("/api/v1/review/{channel}/interaction", { params: { path: { channel } } }));
}

export function setSwitch(channel: string, which: Switch, open: boolean): Promise<InteractionView> {
  return dataOf(http.PUT("/api/v1/review/{channel}/interaction", { params: { path: { channel } }, body: { [which]: open } }));
}
