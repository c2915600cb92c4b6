import { describe, expect, test } from "vitest";
import { EMPTY, type FeedState, MOST, take } from "./feed";
import type { FeedEvent } from "./wire";

const OPEN: FeedEvent = { type: "open", goneMs: null };
const SWITCHES: FeedEvent = { type: "interaction", interaction: { comments: true, bullets: true, sharing: false } };

const publish = (seq: number, id = seq): FeedEvent => ({
  type: "publish",
  seq,
  comment: { id, author: "校友", text: `comment ${id}`, publishedAt: seq, bullet: false },
});
const retract = (seq: number, id: number): FeedEvent => ({ type: "retract", seq, id });
const ids = (state: FeedState): number[] => state.comments.map((comment) => comment.id);
const fresh = (state: FeedState, ...events: FeedEvent[]): number[] => take(state, events).fresh.map((one) => one.id);
const LIVE = take(EMPTY, [OPEN, SWITCHES]).state;

describe("the list", () => {
  test("what was published stands in its order", () => {
    expect(ids(take(LIVE, [publish(1), publish(2), publish(5)]).state)).toEqual([1, 2, 5]);
  });

  test("a comment that is taken back vanishes at once", () => {
    const before = take(LIVE, [publish(1), publish(2)]).state;
    const { state, gone } = take(before, [retract(3, 1)]);
    expect(ids(state)).toEqual([2]);
    expect(gone).toEqual([1]);
  });

  test("it holds the newest ones and no more, however many come", () => {
    const all = Array.from({ length: MOST * 3 }, (_, index) => publish(index + 1));
    const { state } = take(LIVE, all);
    expect(state.comments).toHaveLength(MOST);
    expect(ids(state).at(0)).toBe(MOST * 2 + 1);
    expect(ids(state).at(-1)).toBe(MOST * 3);
  });

  test("what a new connection tells again counts once", () => {
    const before = take(LIVE, [publish(1), publish(2), retract(3, 1)]).state;
    const { state, fresh: news, gone } = take(before, [publish(1), publish(2), retract(3, 1), publish(4)]);
    expect(ids(state)).toEqual([2, 4]);
    expect(news.map((comment) => comment.id)).toEqual([4]);
    expect(gone).toEqual([]);
    expect(state.seq).toBe(4);
  });

  test("a comment published anew under another number stands once", () => {
    expect(ids(take(LIVE, [publish(1, 9), publish(2, 9)]).state)).toEqual([9]);
  });

  test("a lost connection takes nothing away", () => {
    const { state } = take(take(LIVE, [publish(1)]).state, [{ type: "lost" }]);
    expect(state.link).toBe("lost");
    expect(ids(state)).toEqual([1]);
  });
});

describe("what crosses the picture", () => {
  test("each new comment, once", () => {
    expect(fresh(LIVE, publish(1), publish(2), publish(2))).toEqual([1, 2]);
  });

  test("not the comments that a page begins with", () => {
    expect(fresh(EMPTY, OPEN, publish(1), publish(2), SWITCHES, publish(3))).toEqual([3]);
  });

  test("what was missed during a short break, but not what an hour brought", () => {
    const before = take(LIVE, [publish(1), { type: "lost" }]).state;
    expect(fresh(before, { type: "open", goneMs: 2_000 }, publish(2), SWITCHES)).toEqual([2]);
    expect(fresh(before, { type: "open", goneMs: 3_600_000 }, publish(2), SWITCHES, publish(3))).toEqual([3]);
  });

  test("not what is taken back with the same breath", () => {
    expect(fresh(LIVE, publish(1), publish(2), retract(3, 1))).toEqual([2]);
  });
});

test("what is open is unknown until the feed says so, and then as it says last", () => {
  expect(EMPTY.interaction).toBeNull();
  const closed: FeedEvent = { type: "interaction", interaction: { comments: false, bullets: false, sharing: false } };
  expect(LIVE.interaction?.comments).toBe(true);
  expect(take(LIVE, [closed]).state.interaction?.comments).toBe(false);
});
