import { describe, expect, test } from "vitest";
import { FIRST_BOX } from "./box";
import { EMPTY_HAND, type Hand, type HandEvent, reduceHand } from "./hand";
import { handKeyOf } from "./keys";

const window = { now: 1_000, delayS: 30 };

const key = (name: string, shiftKey = false) => ({ key: name, code: "", shiftKey });

function after(...events: HandEvent[]): Hand {
  return events.reduce(reduceHand, EMPTY_HAND);
}

describe("a span is chosen", () => {
  test("by drawing, either way", () => {
    expect(after({ type: "draw", a: 990, b: 985 }).chosen).toEqual({ from: 985, to: 990, edge: "from", why: "drag" });
    expect(after({ type: "draw", a: 985, b: 990 }).chosen).toEqual({ from: 985, to: 990, edge: "to", why: "drag" });
  });

  test("by marks: each moves its own end, the other stays unless it lies behind", () => {
    expect(after({ type: "mark", edge: "from", at: 985, window }).chosen).toMatchObject({ from: 985, to: 987 });
    expect(after({ type: "mark", edge: "from", at: 985, window }, { type: "mark", edge: "to", at: 991, window }).chosen).toMatchObject({ from: 985, to: 991 });
    expect(after({ type: "mark", edge: "to", at: 985, window }, { type: "mark", edge: "from", at: 990, window }).chosen).toMatchObject({ from: 990, to: 992 });
    expect(after({ type: "mark", edge: "to", at: 985, window }).chosen).toMatchObject({ from: 983, to: 985 });
  });

  test("and nudged, within the window, never past its other end", () => {
    const hand = after({ type: "draw", a: 990, b: 985 });
    expect(reduceHand(hand, { type: "nudge", seconds: -1, window }).chosen).toMatchObject({ from: 984, to: 990 });
    expect(reduceHand(hand, { type: "nudge", seconds: 50, window }).chosen?.from).toBeCloseTo(989.9);
    expect(reduceHand(hand, { type: "nudge", seconds: -50, window }).chosen?.from).toBe(970);
    const end = reduceHand(hand, { type: "edge", edge: "to" });
    expect(reduceHand(end, { type: "put", at: 1_200, window }).chosen).toMatchObject({ from: 985, to: 1_000 });
  });

  test("until it has aired", () => {
    const hand = after({ type: "draw", a: 975, b: 972 });
    expect(reduceHand(hand, { type: "time", window }).chosen).not.toBeNull();
    expect(reduceHand(hand, { type: "time", window: { now: 1_006, delayS: 30 } }).chosen).toBeNull();
  });

  test("a condemned span and one being chosen are never both under the hand", () => {
    const hand = after({ type: "draw", a: 975, b: 972 }, { type: "pick", id: "s1" });
    expect([hand.chosen, hand.picked]).toEqual([null, "s1"]);
    expect(reduceHand(hand, { type: "draw", a: 975, b: 972 }).picked).toBeNull();
  });

  test("Escape leaves one thing at a time", () => {
    let hand = after({ type: "review", at: 980 }, { type: "draw", a: 975, b: 972 });
    hand = reduceHand(hand, { type: "drop" });
    expect([hand.chosen, hand.review?.at]).toEqual([null, 980]);
    expect(reduceHand(hand, { type: "drop" }).review).toBeNull();
  });

  test("the same moment asked for twice is asked for twice", () => {
    const once = after({ type: "review", at: 980 });
    expect(reduceHand(once, { type: "review", at: 980 }).review).not.toEqual(once.review);
  });
});

describe("the box on the review player's picture", () => {
  const open: HandEvent = { type: "review", at: 980 };

  test("is made by its key, which hands arrow keys to it and back", () => {
    const made = after(open, { type: "boxKey" });
    expect([made.box, made.boxing]).toEqual([FIRST_BOX, true]);
    const back = reduceHand(made, { type: "boxKey" });
    expect([back.box, back.boxing]).toEqual([FIRST_BOX, false]);
    expect(after({ type: "boxKey" }).box).toBeNull();
  });

  test("is moved and sized by arrow keys", () => {
    const hand = after(open, { type: "boxKey" }, { type: "boxArrow", x: -1, y: 1, size: false }, { type: "boxArrow", x: 1, y: 0, size: true });
    expect(hand.box?.x).toBeCloseTo(FIRST_BOX.x - 0.02);
    expect(hand.box?.y).toBeCloseTo(FIRST_BOX.y + 0.02);
    expect(hand.box?.w).toBeCloseTo(FIRST_BOX.w + 0.02);
  });

  test("goes with Escape before the span, with the player, and when it was used", () => {
    const hand = after(open, { type: "draw", a: 975, b: 972 }, { type: "boxKey" });
    const escaped = reduceHand(hand, { type: "drop" });
    expect([escaped.box, escaped.chosen === null, escaped.review === null]).toEqual([null, false, false]);
    expect(reduceHand(hand, { type: "review", at: null }).box).toBeNull();
    const done = reduceHand(hand, { type: "done" });
    expect([done.box, done.chosen, done.review?.at]).toEqual([null, null, 980]);
  });
});

describe("keys", () => {
  const nothing = { chosen: false, picked: false, open: false, boxing: false };

  test.each([
    [key("Enter"), nothing, null],
    [key("Enter"), { ...nothing, chosen: true }, { do: "condemn" }],
    [key("m"), nothing, null],
    [key("m"), { ...nothing, chosen: true }, { do: "redact", how: "mute" }],
    [key("T"), { ...nothing, chosen: true, open: true }, { do: "redact", how: "bleep" }],
    [{ key: "Process", code: "KeyM", shiftKey: false }, { ...nothing, chosen: true }, { do: "redact", how: "mute" }],
    [key("v"), { ...nothing, chosen: true }, { do: "redact", how: "mosaic" }],
    [key("t"), { ...nothing, picked: true }, null],
    [key("a"), nothing, null],
    [key("a"), { ...nothing, open: true }, { do: "box" }],
    [key("ArrowUp", true), { ...nothing, chosen: true, open: true, boxing: true }, { do: "boxArrow", x: 0, y: -1, size: true }],
    [key("Escape"), nothing, null],
    [key("Delete"), { ...nothing, picked: true }, { do: "lift" }],
    [key("ArrowLeft"), { ...nothing, chosen: true, open: true }, { do: "nudge", seconds: 0.1 }],
    [key("ArrowRight", true), { ...nothing, chosen: true }, { do: "nudge", seconds: -1 }],
    [key("ArrowLeft"), { ...nothing, open: true }, { do: "step", direction: 1 }],
    [key("."), { ...nothing, open: true }, { do: "step", direction: 1 }],
    [key("."), nothing, null],
    [key("ArrowDown"), { ...nothing, chosen: true }, { do: "moment", direction: -1 }],
    [key("d"), nothing, null],
    [key("D", true), nothing, { do: "back" }],
    [key("i"), nothing, { do: "mark", edge: "from" }],
    [key("k"), nothing, null],
    [key("k"), { ...nothing, open: true }, { do: "play" }],
    [{ key: "Process", code: "KeyO", shiftKey: false }, nothing, { do: "mark", edge: "to" }],
  ])("%j with %j does %j", (pressed, hand, does) => {
    expect(handKeyOf(pressed, hand)).toEqual(does);
  });
});
