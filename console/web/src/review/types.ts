/**
 * Names for the generated types of review. Times: seconds since the epoch; what is called `_s` is a span. `start` and `end` of
 * a hit count code points.
 */
import type { components } from "../../generated/api";
import type { Problem, Right } from "../api/types";

type Schemas = components["schemas"];

export type HitView = Schemas["HitView"];
export type DecisionView = Schemas["DecisionView"];
export type CardView = Schemas["CardView"];
export type Counts = Schemas["Counts"];
export type InteractionView = Schemas["InteractionView"];
export type BanView = Schemas["BanView"];
export type QueueAnswer = Schemas["QueuePage"];
export type Decided = Schemas["Decided"];
export type Outcome = Schemas["Outcome"];
export type AuthorRecord = Schemas["AuthorPage"];
export type Revealed = Schemas["Revealed"];
export type TermAnswer = Schemas["TermPage"];
export type Term = Schemas["TermBody"];
export type BroadcastRow = Schemas["BroadcastRow"];
export type Decision = Schemas["DecisionBody"];
/** Pushed. Nobody's eyes: `mine` and `may_decide` of its cards are false, whoever reads it. */
export type Changed = Schemas["ReviewChanged"];
export type NotClaimed = Schemas["NotClaimed"];

export type Verb = Decision["decision"];
export type Order = "oldest" | "gravest";
export type Pile = "waiting" | "blocked" | "held" | "approved" | "published" | "rejected" | "expired";
export type Switch = "comments" | "bullets" | "sharing";

/** A refusal: 409 brings the card as it is now. */
export type Refusal = Problem & Pick<Schemas["Conflict"], "card">;

export const READ: Right = "review:read";
export const DECIDE: Right = "review:decide";
export const INTERACTION: Right = "interaction:set";
export const TERMS: Right = "terms:add";
export const AUDIT: Right = "audit:read";
