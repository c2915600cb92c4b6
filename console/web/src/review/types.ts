/**
 * What the console says about comments, as `moderation/desk/messages.py` has it. Times: seconds since the epoch; what is
 * called `_s` is a span. `start` and `end` of a hit count code points.
 */
import type { Problem, Right } from "../api/types";

export type Pile = "waiting" | "blocked" | "held" | "approved" | "published" | "rejected" | "expired";
export type Verb = "approve" | "reject" | "escalate" | "undo" | "hold" | "release" | "restore";
export type Order = "oldest" | "gravest";
export type State = "blocked" | "waiting" | "approved" | "published" | "rejected" | "expired";
export type Verdict = "clean" | "suspected" | "sensitive" | "important" | "block";

export interface HitView {
  term: string;
  list: string;
  version: string;
  category: string;
  severity: string;
  channel: string;
  channel_word: string;
  channel_word_zh: string;
  start: number;
  end: number;
  in_author: boolean;
}

export interface DecisionView {
  stage: number;
  decision: "approve" | "reject";
  by: string;
  at: number;
  code: string;
  note: string;
}

export interface CardView {
  id: number;
  version: number;
  channel: string;
  broadcast: string;
  state: State;
  /** Decides next, of `stages`. */
  stage: number;
  stages: number;
  text: string;
  masked: boolean;
  verdict: Verdict;
  hits: HitView[];
  why: string;
  why_zh: string;
  count: number;
  author: string;
  /** All names that would be published with it. */
  authors: string[];
  author_id: string;
  source: string;
  received_at: number;
  waiting_s: number;
  at_media_s: number | null;
  claimed_by: string | null;
  held: string;
  escalated: boolean;
  rescued: boolean;
  trusted: boolean;
  publish_in_s: number | null;
  decisions: DecisionView[];
  comments: number[];
  retracted: number[];
  may_decide: boolean;
  mine: boolean;
}

export interface Counts {
  stages: Record<string, number>;
  blocked: number;
  held: number;
  approved: number;
  oldest_waiting_s: number | null;
  came_per_minute: number;
  decided_per_minute: number;
  mine_per_minute: number;
  rescanning: boolean;
  lists: string;
}

export interface InteractionView {
  comments: boolean;
  bullets: boolean;
  sharing: boolean;
  max_chars: number;
  slow_s: number;
  window_s: number;
  stages: number;
  authors_told: boolean;
  changed_by: string;
  changed_at: number | null;
}
export type Switch = "comments" | "bullets" | "sharing";

export interface BanView {
  id: number;
  channel: string;
  source: string;
  author_id: string;
  author: string;
  cause: string;
  by: string;
  at: number;
  ends_at: number | null;
}

export interface QueueAnswer {
  cards: CardView[];
  counts: Counts;
  has_more: boolean;
}

export interface Decided {
  id: number;
  version: number;
  state: State;
  card: CardView | null;
}

export interface Outcome {
  id: number;
  version: number;
  state: string;
  failure: Problem | null;
}

/** Pushed. Nobody's eyes: `mine` and `may_decide` of its cards are false, whoever reads it. */
export interface Changed {
  type: "changed";
  channel: string;
  cards: CardView[];
  /** Too many changed: ask for the queue again. */
  many: boolean;
  counts: Counts | null;
  interaction: InteractionView | null;
}

/** A claim over the websocket that was refused. `card` 0: it could not be read. */
export interface NotClaimed {
  type: "not_claimed";
  card: number;
  code: string;
  error: string;
  error_zh: string;
}

/** A refusal: 409 brings the card as it is now. */
export type Refusal = Problem & { card?: CardView | null };

export interface Finding {
  level: "fix" | "note";
  rule: string;
  reason: string;
}

export interface TermAnswer {
  findings: Finding[];
  added: boolean;
  version: string;
}

export interface Revealed {
  id: number;
  author: string;
  text: string;
}

export interface AuthorRecord {
  source: string;
  author_id: string;
  author: string;
  /** Comments by what became of them. */
  states: Record<string, number>;
  retracted: number;
  first_at: number | null;
  bans: BanView[];
  /** The newest, personal data starred out. */
  comments: { id: number; text: string; state: string; at: number }[];
}

// Rights that the generated types name once the routes stand in openapi.json.
const right = (name: string) => name as Right;
export const READ = right("review:read");
export const DECIDE = right("review:decide");
export const INTERACTION = right("interaction:set");
export const TERMS = right("terms:add");
