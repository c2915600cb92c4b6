import { describe, expect, test } from "vitest";
import { age, asPushed, asTold, barOf, barOfBatch, type Card, compare, pileOf, toneOf, topStage, waitingS } from "./cards";
import { aCard, aDecision } from "./fixtures";
import type { CardView } from "./types";

const ME = { name: "ann", top: 1 };
const SENIOR = { name: "ann", top: 2 };
const told = (changes: Partial<CardView> = {}): Card => asTold(aCard(changes), 100_000);

describe("the highest stage of somebody's roles", () => {
  test.each([
    [["reviewer"], 1],
    [["reviewer", "chief-reviewer"], 3],
    [["senior-reviewer@main", "chief-reviewer@hall"], 2],
    [["operator", "administrator"], 0],
    [[], 0],
  ])("%j", (roles, top) => expect(topStage(roles, "main")).toBe(top));
});

function pushed(changes: Partial<CardView>, me = ME): { may_decide: boolean; mine: boolean } {
  const { may_decide, mine } = asPushed(aCard({ may_decide: false, mine: false, ...changes }), me, 0);
  return { may_decide, mine };
}

describe("a card of a push is seen with one's own eyes", () => {
  test("free", () => expect(pushed({})).toEqual({ may_decide: true, mine: false }));
  test("of a stage too high", () => {
    const second = { stage: 2, stages: 2, decisions: [aDecision()] };
    expect(pushed(second)).toEqual({ may_decide: false, mine: false });
    expect(pushed(second, SENIOR)).toEqual({ may_decide: true, mine: false });
  });
  test("decided by oneself in an earlier stage", () => {
    const second = { stage: 2, stages: 2, decisions: [aDecision({ by: "ann" })] };
    expect(pushed(second, SENIOR)).toEqual({ may_decide: false, mine: true });
  });
  test("held, or over", () => {
    expect(pushed({ held: "ask" }).may_decide).toBe(false);
    expect(pushed({ state: "published", decisions: [aDecision({ by: "ann" })] })).toEqual({ may_decide: false, mine: false });
  });
});

test("why somebody does not decide a card", () => {
  expect(barOf(told(), ME)).toBeNull();
  expect(barOf(told({ claimed_by: "ann" }), ME)).toBeNull();
  expect(barOf(told({ claimed_by: "bea" }), ME)).toBe("taken");
  expect(barOf(told({ held: "x" }), ME)).toBe("held");
  expect(barOf(told({ stage: 2, stages: 2, decisions: [aDecision({ by: "ann" })] }), SENIOR)).toBe("same_person");
  expect(barOf(told({ stage: 2, stages: 2, decisions: [aDecision()] }), ME)).toBe("not_entitled");
  expect(barOf(told({ state: "published" }), ME)).toBe("closed");
  expect(barOf(told(), { name: "olga", top: 0 })).toBe("none");
  expect(barOf(told({ held: "x", may_decide: false }), ME, "reject")).toBeNull();
  expect(barOf(told({ stages: 3 }), ME, "escalate")).toBe("most_stages");
  expect(barOf(told({ stage: 2, stages: 2, may_decide: false, decisions: [aDecision({ by: "ann" })] }), SENIOR, "escalate")).toBeNull();
  expect(barOf(told({ stage: 2, stages: 2, may_decide: false, decisions: [aDecision()] }), ME, "escalate")).toBe("not_entitled");
});

test("piles: a hold counts until it is over", () => {
  expect(pileOf({ state: "approved", held: "ask" })).toBe("held");
  expect(pileOf({ state: "blocked", held: "" })).toBe("blocked");
  expect(pileOf({ state: "rejected", held: "ask" })).toBe("rejected");
});

function ids(order: "oldest" | "gravest", ...cards: CardView[]): number[] {
  return cards.toSorted((a, b) => compare(a, b, order)).map(({ id }) => id);
}

describe("the order of the queue", () => {
  test("oldest first; a trusted author comes 30 s earlier", () => {
    const late = aCard({ id: 1, received_at: 1_020 });
    expect(ids("oldest", late, aCard({ id: 2, received_at: 1_010 }))).toEqual([2, 1]);
    expect(ids("oldest", { ...late, trusted: true }, aCard({ id: 2, received_at: 1_010 }))).toEqual([1, 2]);
  });
  test("gravest first, then oldest, then by number", () => {
    const cards = [
      aCard({ id: 4, received_at: 5 }),
      aCard({ id: 3, received_at: 5 }),
      aCard({ id: 2, received_at: 9, verdict: "sensitive" }),
      aCard({ id: 1, received_at: 8, verdict: "important" }),
    ];
    expect(ids("gravest", ...cards)).toEqual([1, 2, 3, 4]);
  });
});

test("waiting goes on from what was told, and gets a tone", () => {
  const card = told({ waiting_s: 41.5 });
  expect(waitingS(card, 100_000)).toBe(41);
  expect(waitingS(card, 120_000)).toBe(61);
  expect([29, 30, 59, 60].map(toneOf)).toEqual(["fresh", "slow", "slow", "late"]);
  expect([9, 72, 3_751].map(age)).toEqual(["00:09", "01:12", "1:02:31"]);
});

test("a batch: twenty clean ones to approve, any to reject", () => {
  const many = Array.from({ length: 21 }, (_, index) => told({ id: index + 1 }));
  expect(barOfBatch("approve", many)).toBe("too_many");
  expect(barOfBatch("approve", many.slice(1))).toBeNull();
  expect(barOfBatch("approve", [told({ verdict: "suspected" })])).toBe("not_clean");
  expect(barOfBatch("reject", [...many, told({ verdict: "block" })])).toBeNull();
});
