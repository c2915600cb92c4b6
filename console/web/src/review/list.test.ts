import { describe, expect, test } from "vitest";
import { append, change, EMPTY, lay, type List, pass, point, putBack, renew, step, take } from "./list";

const byNumber = (a: number, b: number) => a - b;
const anyFree = () => true;
const NONE: ReadonlySet<number> = new Set();
const a = (ids: number[], hand: number | null = ids[0] ?? null, hasMore = false): List => ({ ...EMPTY, ids, hand, hasMore });
const came = (list: List, ...ids: number[]) => change(list, ids, NONE, byNumber, anyFree);
const left = (list: List, ...ids: number[]) => change(list, [], new Set(ids), byNumber, anyFree);
/** How many rows stand above the hand: what must not change by itself. */
const above = ({ ids, hand }: List) => (hand === null ? 0 : ids.indexOf(hand));

describe("laid anew", () => {
  test("the hand goes to the first card that is free", () => {
    expect(lay([1, 2, 3], true, null, (id) => id > 1)).toEqual({ ...EMPTY, ids: [1, 2, 3], hand: 2, hasMore: true });
  });
  test("it stays where it was, if that is still there", () => {
    expect(lay([1, 2, 3], false, 3, anyFree).hand).toBe(3);
    expect(lay([1, 2, 3], false, 9, () => false).hand).toBe(1);
    expect(lay([], false, 3, anyFree)).toEqual(EMPTY);
  });
});

describe("the next page", () => {
  test("goes behind, without doubles", () => {
    expect(append(a([1, 2], 1, true), [2, 3, 4], false, anyFree)).toEqual(a([1, 2, 3, 4], 1));
  });
  test("gives an empty list its hand", () => {
    expect(append(EMPTY, [3, 4], true, anyFree)).toEqual(a([3, 4], 3, true));
  });
});

describe("cards that come", () => {
  test("behind the hand they take their place", () => {
    expect(came(a([2, 4, 6]), 5, 3).ids).toEqual([2, 3, 4, 5, 6]);
  });
  test("before the hand there is none: they are next", () => {
    const list = came(a([10, 20, 30], 20), 15, 5, 25);
    expect(list.ids).toEqual([10, 20, 5, 15, 25, 30]);
    expect(above(list)).toBe(1);
  });
  test("beyond what is loaded they wait for their page", () => {
    expect(came(a([1, 3], 1, true), 2, 9).ids).toEqual([1, 2, 3]);
    expect(came(a([1, 3], 1, false), 2, 9).ids).toEqual([1, 2, 3, 9]);
  });
  test("known ones change nothing", () => {
    const list = a([1, 2, 3], 2);
    expect(came(list, 1, 2)).toEqual(list);
    expect(change(list, [], NONE, byNumber, anyFree)).toBe(list);
  });
  test("into an empty list the first free one is the hand", () => {
    expect(change(EMPTY, [7, 5], NONE, byNumber, (id) => id === 7)).toEqual(a([5, 7], 7));
  });
});

describe("cards that leave", () => {
  test("behind the hand they go", () => {
    expect(left(a([1, 2, 3], 1), 2)).toEqual(a([1, 3], 1));
  });
  test("above and under the hand they keep their place until it moves", () => {
    const list = left(a([1, 2, 3, 4], 3), 1, 3);
    expect([list.ids, list.hand, [...list.gone]]).toEqual([[1, 2, 3, 4], 3, [1, 3]]);
    expect(step(list, 1)).toEqual(a([2, 4], 4));
    expect(step(list, -1)).toEqual(a([2, 4], 2));
    expect(point(list, 4)).toEqual(a([2, 4], 4));
  });
  test("one that comes again is no longer gone", () => {
    expect(came(left(a([1, 2], 2), 1), 1).gone.size).toBe(0);
  });
  test("the only card goes when the hand moves, though there is nowhere to go", () => {
    expect(step(left(a([1]), 1), 1)).toEqual(EMPTY);
  });
});

test("whatever others do, nothing above the hand comes or goes", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 300; round += 1) {
    const ids = Array.from(new Set(Array.from({ length: 12 }, () => random(60))));
    const list = a(ids, ids[random(ids.length)] ?? null, random(2) === 0);
    const news = [...new Set([random(60), random(60), random(60)])];
    const next = change(list, news, new Set([ids[random(ids.length)] ?? 0]), byNumber, anyFree);
    expect(next.hand).toBe(list.hand);
    expect(next.ids.slice(0, above(list) + 1)).toEqual(list.ids.slice(0, above(list) + 1));
    expect(new Set(next.ids).size).toBe(next.ids.length);
  }
});

const free = (id: number) => id !== 3;
const renewed = (list: List, after: number, page: number[], hasMore: boolean) =>
  renew(list, after, page, hasMore, byNumber, anyFree);

describe("deciding", () => {
  test("the next free card comes under the hand, in the same place", () => {
    const list = take(a([1, 2, 3, 4], 2), new Set([2]), free);
    expect(list).toEqual(a([1, 3, 4], 4));
  });
  test("at the end the hand goes back to the last one that is free", () => {
    expect(take(a([1, 2, 3], 2), new Set([2]), free).hand).toBe(1);
  });
  test("where none is free it takes what there is", () => {
    expect(take(a([1, 2, 3], 2), new Set([2]), () => false).hand).toBe(3);
    expect(take(a([1]), new Set([1]), anyFree)).toEqual(EMPTY);
  });
  test("a batch that leaves the hand's card leaves the hand", () => {
    expect(take(a([1, 2, 3], 3), new Set([1, 2]), anyFree)).toEqual(a([3], 3));
  });
});

describe("put back", () => {
  test("a refused card comes right behind the hand", () => {
    expect(putBack(a([1, 2, 3], 2), 9)).toEqual(a([1, 2, 9, 3], 2));
    expect(putBack(a([1, 2, 3], 2), 1)).toEqual(a([2, 1, 3], 2));
  });
  test("one whose decision was undone comes under it", () => {
    expect(putBack(a([1, 2, 3], 2), 9, true)).toEqual(a([1, 9, 2, 3], 9));
  });
  test("into an empty list it is the hand", () => {
    expect(putBack(EMPTY, 9)).toEqual(a([9], 9));
  });
  test("under the hand it stays, and is no longer gone", () => {
    expect(putBack(left(a([1, 2], 2), 2), 2)).toEqual(a([1, 2], 2));
  });
});

describe("the hand", () => {
  test("moves and stops at the ends", () => {
    expect([step(a([1, 2, 3]), 1).hand, step(a([1, 2, 3]), -1).hand, step(a([1, 2, 3]), 9).hand]).toEqual([2, 1, 3]);
    expect(step(EMPTY, 1)).toBe(EMPTY);
  });
  test("points at cards of the list only", () => {
    const list = a([1, 2, 3]);
    expect(point(list, 3).hand).toBe(3);
    expect(point(list, 9)).toBe(list);
  });
});

describe("a page asked for again", () => {
  test("says what has come and what has left in its stretch", () => {
    expect(renewed(a([1, 2, 3, 4, 5, 6], 1, true), 0, [1, 3, 4], true).ids).toEqual([1, 3, 4, 5, 6]);
    expect(renewed(a([1, 2, 3, 4, 5, 6], 1, true), 2, [3, 5], true).ids).toEqual([1, 2, 3, 5, 6]);
  });
  test("the last page ends the list", () => {
    expect(renewed(a([1, 2, 3, 4], 1, true), 0, [1, 2], false)).toEqual(a([1, 2], 1));
  });
  test("a stretch that ends with a card not known yet is told by its order", () => {
    expect(renewed(a([1, 2, 4, 7], 1, true), 0, [1, 4, 5], true).ids).toEqual([1, 4, 5, 7]);
  });
  test("the card under the hand keeps its place, gone or not", () => {
    const list = renewed(a([1, 2, 3], 2), 0, [1, 3], false);
    expect([list.ids, list.hand, [...list.gone]]).toEqual([[1, 2, 3], 2, [2]]);
  });
});

describe("the hand passes a card that is not to be had", () => {
  test("to the next free one behind it, else to the last before it", () => {
    expect(pass(a([1, 2, 3, 4], 1), (id) => id === 4)).toEqual(a([1, 2, 3, 4], 4));
    expect(pass(a([1, 2, 3, 4], 3), (id) => id < 3)).toEqual(a([1, 2, 3, 4], 2));
  });
  test("and stays where none is free", () => {
    expect(pass(a([1, 2], 1), () => false)).toEqual(a([1, 2], 1));
    expect(pass(EMPTY, anyFree)).toEqual(EMPTY);
  });
  test("what left goes with it", () => {
    expect(pass(left(a([1, 2, 3], 1), 1), (id) => id === 3)).toEqual(a([2, 3], 3));
    expect(pass(left(a([1], 1), 1), anyFree)).toEqual(EMPTY);
  });
});
