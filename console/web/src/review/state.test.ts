import { describe, expect, test } from "vitest";
import { aCard, aDecision, anInteraction, changed, someCounts } from "./fixtures";
import { type Event, inHand, initialState, lastLoaded, reduce, type ReviewState, type View } from "./state";
import type { CardView, Outcome } from "./types";
import { minePerMinute, undoable } from "./undo";

const ME = { name: "ann", top: 2 };
const QUEUE: View = { pile: "waiting", stage: 0, order: "oldest" };
const NO = { code: "stale", error: "has changed", error_zh: "已变化" };

function after(state: ReviewState, ...events: Event[]): ReviewState {
  return events.reduce(reduce, state);
}
const page = (cards: CardView[], has_more = false, behind = 0): Event => ({
  type: "page",
  after: behind,
  answer: { cards, counts: someCounts(), has_more },
  now: 0,
});
const push = (...cards: CardView[]): Event => ({ type: "changed", message: changed(cards), now: 0 });
const sent = (id: number, verb: "approve" | "reject" | "escalate" | "hold" | "undo" = "approve"): Event => ({ type: "sent", ids: [id], verb });
const decided = (card: CardView, verb: "approve" | "reject" | "escalate" | "hold" | "undo" = "approve", now = 0): Event => ({
  type: "decided",
  verb,
  answer: { id: card.id, version: card.version, state: card.state, card },
  now,
});
const refused = (id: number, card: CardView | null): Event => ({ type: "refused", id, problem: NO, card, now: 0 });
const mark = (id: number, upTo = false): Event => ({ type: "mark", id, upTo });
const opened = (...ids: number[]) => after(initialState("main", ME), page(ids.map((id) => aCard({ id }))));
const approved = (id: number) => aCard({ id, version: 2, state: "approved", decisions: [aDecision({ by: "ann" })], mine: true, publish_in_s: 10 });

describe("the queue", () => {
  test("the hand begins at the first card that this person may decide and nobody has", () => {
    const cards = [aCard({ id: 1, claimed_by: "bea" }), aCard({ id: 2, stage: 3, stages: 3, may_decide: false }), aCard({ id: 3 })];
    expect(inHand(after(initialState("main", ME), page(cards)))?.id).toBe(3);
  });

  test("goes on page by page", () => {
    const state = after(initialState("main", ME), page([aCard({ id: 1 })], true), page([aCard({ id: 2 })], false, 1));
    expect([state.list.ids, state.list.hasMore, state.loading]).toEqual([[1, 2], false, null]);
  });

  test("another view begins anew", () => {
    const state = after(opened(1, 2), { type: "view", view: { ...QUEUE, pile: "held" } });
    expect([state.list.ids, state.loading, inHand(state)]).toEqual([[], "anew", undefined]);
  });
});

test("the next page begins behind the last card in order, not behind one that came in early", () => {
  const gravest = after(opened(2, 4), { type: "view", view: { ...QUEUE, order: "gravest" } }, page([aCard({ id: 2 }), aCard({ id: 4 })], true), { type: "point", id: 4 });
  const state = after(gravest, push(aCard({ id: 9, verdict: "important" })));
  expect([state.list.ids, lastLoaded(state)]).toEqual([[2, 4, 9], 4]);
  expect(lastLoaded(initialState("main"))).toBe(0);
});

describe("pushes", () => {
  test("a new card comes in behind the hand; one of another pile does not", () => {
    expect(after(opened(2, 4), push(aCard({ id: 3 }), aCard({ id: 9, state: "blocked" }))).list.ids).toEqual([2, 3, 4]);
  });

  test("a graver card never moves the one under the hand", () => {
    const grave = aCard({ id: 9, verdict: "important", stages: 3 });
    const state = after(opened(2, 4), { type: "view", view: { ...QUEUE, order: "gravest" } }, page([aCard({ id: 2 }), aCard({ id: 4 })]));
    expect(after(state, push(grave)).list.ids).toEqual([2, 9, 4]);
  });

  test("a lease is seen, and lets the card be decided again when it ends", () => {
    const taken = after(opened(1, 2), push(aCard({ id: 2, claimed_by: "bea", may_decide: false })));
    expect(taken.cards.get(2)).toMatchObject({ claimed_by: "bea", may_decide: true });
  });

  test("what the console told of the same version for this person stands", () => {
    const state = after(initialState("main", ME), page([aCard({ may_decide: false })]), push(aCard({ may_decide: false, claimed_by: "bea" })));
    expect(state.cards.get(1)).toMatchObject({ may_decide: false, claimed_by: "bea" });
  });

  test("an older version changes nothing", () => {
    const state = after(initialState("main", ME), page([aCard({ version: 5 })]), push(aCard({ version: 4, state: "rejected" })));
    expect([state.cards.get(1)?.version, state.list.ids]).toEqual([5, [1]]);
  });

  test("a card that others decided leaves; under the hand it keeps its place until that moves", () => {
    const state = after(opened(1, 2, 3), push(aCard({ id: 1, version: 2, state: "rejected" }), aCard({ id: 3, version: 2, state: "rejected" })));
    expect([state.list.ids, [...state.list.gone], state.list.hand]).toEqual([[1, 2], [1], 1]);
    expect(after(state, { type: "step", by: 1 }).list.ids).toEqual([2]);
  });

  test("a marked card that leaves is marked no more", () => {
    const state = after(opened(1, 2), { type: "mark", id: 2, upTo: false }, push(aCard({ id: 2, version: 2, state: "rejected" })));
    expect(state.marked.size).toBe(0);
  });

  test("too many to tell: the list is to be asked for again, and says what came and went", () => {
    const many = after(opened(1, 2, 3), { type: "changed", message: changed([], { many: true, counts: someCounts({ held: 4 }) }), now: 0 });
    expect([many.stale, many.counts?.held]).toEqual([true, 4]);
    const answer = { cards: [aCard({ id: 1 }), aCard({ id: 3 }), aCard({ id: 4 })], counts: someCounts(), has_more: false };
    const state = after(many, { type: "renewed", after: 0, answer, now: 0 });
    expect([state.stale, state.list.ids]).toEqual([false, [1, 3, 4]]);
  });

  test("of another channel they are none of ours", () => {
    const state = opened(1);
    expect(after(state, { type: "changed", message: changed([aCard({ id: 2 })], { channel: "hall" }), now: 0 })).toBe(state);
  });

  test("a pile of the past counts what came and shows it when it is laid anew", () => {
    const pile: View = { ...QUEUE, pile: "published" };
    const shown = after(initialState("main", ME), { type: "view", view: pile }, page([aCard({ id: 1, state: "published" })]));
    const state = after(shown, push(aCard({ id: 2, state: "published" })));
    expect([state.list.ids, state.fresh]).toEqual([[1], 1]);
    expect(after(state, page([aCard({ id: 2, state: "published" }), aCard({ id: 1, state: "published" })])).fresh).toBe(0);
  });
});

describe("decisions", () => {
  test("the next card is in hand before the console has answered", () => {
    const state = after(opened(1, 2, 3), sent(1));
    expect([inHand(state)?.id, state.list.ids, state.flying.get(1)]).toEqual([2, [2, 3], "approve"]);
  });

  test("what is pushed of a card on its way does not bring it back", () => {
    const second = aCard({ id: 1, version: 2, stage: 2, stages: 2, decisions: [aDecision({ by: "ann" })] });
    const state = after(opened(1, 2), sent(1), push(second), decided({ ...second, mine: true, may_decide: false }), push(second));
    expect([state.list.ids, state.flying.size]).toEqual([[2], 0]);
  });

  test("a refusal brings the card back behind the hand, as it is now, with the sentence", () => {
    const state = after(opened(1, 2, 3), sent(1), refused(1, aCard({ id: 1, version: 3, count: 4 })));
    expect([state.list.ids, state.list.hand]).toEqual([[2, 1, 3], 2]);
    expect([state.cards.get(1)?.count, state.refusals.get(1), state.notice?.tone]).toEqual([4, NO, "bad"]);
    expect(after(state, sent(1)).refusals.size).toBe(0);
  });

  test("a refused card that is of this pile no more stays away", () => {
    expect(after(opened(1, 2), sent(1), refused(1, aCard({ id: 1, version: 3, state: "rejected" }))).list.ids).toEqual([2]);
  });

  test("an answer that never came brings the card back, too", () => {
    expect(after(opened(1), sent(1), refused(1, null)).list).toMatchObject({ ids: [1], hand: 1 });
  });

  test("an escalated card stays under the hand", () => {
    const state = after(opened(1, 2), sent(1, "escalate"), decided(aCard({ id: 1, version: 2, stages: 2, escalated: true }), "escalate"));
    expect([inHand(state)?.stages, state.list.ids, state.done]).toEqual([2, [1, 2], []]);
  });

  test("a held card goes to its pile", () => {
    const state = after(opened(1, 2), sent(1, "hold"), decided(aCard({ id: 1, version: 2, held: "ask" }), "hold"));
    expect(state.list.ids).toEqual([2]);
  });
});

describe("undo", () => {
  test("of an approval until it is published", () => {
    const state = after(opened(1, 2), sent(1), decided(approved(1)));
    expect(undoable(state, 9_000)).toMatchObject({ card: { id: 1 }, leftMs: 1_000 });
    expect(undoable(state, 10_000)).toBeNull();
    expect(undoable(after(state, push({ ...approved(1), version: 3, state: "published", publish_in_s: null })), 0)).toBeNull();
  });

  test("of a rejection within the window", () => {
    const rejected = aCard({ id: 1, version: 2, state: "rejected", decisions: [aDecision({ by: "ann", decision: "reject" })], mine: true });
    const state = after(opened(1), { type: "interaction", view: anInteraction({ window_s: 5 }) }, sent(1, "reject"), decided(rejected, "reject", 1_000));
    expect(undoable(state, 700)?.leftMs).toBe(5_000); // the page's clock ticks behind
    expect(undoable(state, 5_900)?.leftMs).toBe(100);
    expect(undoable(state, 6_000)).toBeNull();
  });

  test("of a first approval until the next stage has decided", () => {
    const second = aCard({ id: 1, version: 2, stage: 2, stages: 2, decisions: [aDecision({ by: "ann" })], mine: true, may_decide: false });
    const state = after(opened(1), sent(1), decided(second));
    expect(undoable(state, 1e9)?.leftMs).toBe(Infinity);
    const over = { ...second, version: 3, state: "approved" as const, decisions: [...second.decisions, aDecision({ by: "bea", stage: 2 })] };
    expect(undoable(after(state, push(over)), 0)).toBeNull();
  });

  test("the newest first; the card comes under the hand again", () => {
    const state = after(opened(1, 2, 3), sent(1), decided(approved(1)), sent(2), decided(approved(2)));
    expect(undoable(state, 0)?.done.id).toBe(2);
    const undone = after(state, sent(2, "undo"), decided(aCard({ id: 2, version: 3 }), "undo"));
    expect([undone.list.ids, undone.list.hand, undoable(undone, 0)?.done.id]).toEqual([[2, 3], 2, 1]);
  });
});

test("one's own pace is counted here", () => {
  const state = after(opened(1, 2, 3), sent(1), decided(approved(1), "approve", 1_000), sent(2), decided(approved(2), "approve", 50_000));
  expect([minePerMinute(state, 60_000), minePerMinute(state, 61_000)]).toEqual([2, 1]);
});

describe("many at once", () => {
  test("marks one, unmarks it, and marks a stretch", () => {
    const state = after(opened(1, 2, 3, 4), mark(2), mark(4, true));
    expect([...state.marked].toSorted()).toEqual([2, 3, 4]);
    expect([...after(state, mark(3)).marked].toSorted()).toEqual([2, 4]);
    expect(after(state, { type: "unmark" }).marked.size).toBe(0);
  });

  test("each is told by itself: the refused ones come back", () => {
    const outcomes: Outcome[] = [
      { id: 1, version: 2, state: "approved", failure: null },
      { id: 2, version: 1, state: "waiting", failure: NO },
    ];
    const state = after(opened(1, 2, 3), { type: "sent", ids: [1, 2], verb: "approve" }, { type: "batch", verb: "approve", outcomes, now: 0 });
    expect([state.list.ids, state.flying.size, state.refusals.get(2)]).toEqual([[3, 2], 0, NO]);
    expect(state.done.map(({ id }) => id)).toEqual([1]);
  });
});

describe("dealt cards", () => {
  const dealing = after(opened(1, 2), { type: "dealing", on: true });
  test("the hand is on the one that was dealt, listed or not, and empty until then", () => {
    expect(inHand(dealing)).toBeUndefined();
    expect(inHand(after(dealing, { type: "dealt", card: aCard({ id: 9 }), now: 0 }))?.id).toBe(9);
    expect(inHand(after(dealing, { type: "dealt", card: null, now: 0 }))).toBeUndefined();
  });
  test("deciding leaves the hand empty for the next one; undoing puts the card into it", () => {
    const state = after(dealing, { type: "dealt", card: aCard({ id: 1 }), now: 0 }, sent(1), decided(approved(1)));
    expect(inHand(state)).toBeUndefined();
    expect(inHand(after(state, sent(1, "undo"), decided(aCard({ id: 1, version: 3 }), "undo")))?.id).toBe(1);
  });
  test("one that somebody else decided leaves the hand empty", () => {
    const state = after(dealing, { type: "dealt", card: aCard({ id: 1 }), now: 0 }, push(aCard({ id: 1, version: 2, state: "rejected" })));
    expect(inHand(state)).toBeUndefined();
  });
  test("one that comes when nobody asks any more is not taken", () => {
    expect(after(opened(1), { type: "dealt", card: aCard({ id: 9 }), now: 0 }).dealt).toBeNull();
  });
});
