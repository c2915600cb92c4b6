/** Cards for the unit tests. */
import type { CardView, Changed, Counts, DecisionView, HitView, InteractionView } from "./types";

export function aHit(changes: Partial<HitView> = {}): HitView {
  return {
    term: "笨蛋",
    list: "harassment",
    version: "12",
    category: "harassment",
    severity: "sensitive",
    channel: "exact",
    channel_word: "as written",
    channel_word_zh: "原词",
    start: 0,
    end: 2,
    in_author: false,
    ...changes,
  };
}

export function aDecision(changes: Partial<DecisionView> = {}): DecisionView {
  return { stage: 1, decision: "approve", by: "bea", at: 1_000, code: "", note: "", ...changes };
}

export function aCard(changes: Partial<CardView> = {}): CardView {
  const id = changes.id ?? 1;
  return {
    id,
    version: 1,
    channel: "main",
    broadcast: "main-20261128T060000Z",
    state: "waiting",
    stage: 1,
    stages: 1,
    text: "校长讲得太好了",
    masked: false,
    verdict: "clean",
    hits: [],
    why: "",
    why_zh: "",
    count: 1,
    author: "校友",
    authors: ["校友"],
    author_id: "a1",
    source: "watch-main",
    received_at: 1_000 + id,
    waiting_s: 10,
    at_media_s: null,
    bullets: 0,
    claimed_by: null,
    held: "",
    escalated: false,
    rescued: false,
    trusted: false,
    publish_in_s: null,
    decisions: [],
    comments: [id * 10],
    retracted: [],
    may_decide: true,
    mine: false,
    ...changes,
  };
}

export function someCounts(changes: Partial<Counts> = {}): Counts {
  return {
    stages: { "1": 3, "2": 0, "3": 0 },
    blocked: 0,
    held: 0,
    approved: 0,
    oldest_waiting_s: 10,
    came_per_minute: 0,
    decided_per_minute: 0,
    mine_per_minute: 0,
    rescanning: false,
    lists: "12",
    ...changes,
  };
}

export function anInteraction(changes: Partial<InteractionView> = {}): InteractionView {
  return {
    comments: true,
    bullets: false,
    sharing: false,
    max_chars: 200,
    slow_s: 3,
    window_s: 10,
    stages: 1,
    authors_told: false,
    queue_limit: 20_000,
    changed_by: "olga",
    changed_at: 1_000,
    ...changes,
  };
}

export function changed(cards: CardView[], changes: Partial<Changed> = {}): Changed {
  return { type: "changed", channel: "main", cards, many: false, counts: null, interaction: null, v: 1, ...changes };
}
