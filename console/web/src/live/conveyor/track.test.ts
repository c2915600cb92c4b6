import { describe, expect, test } from "vitest";
import { placesOf } from "./places";
import { binsOf } from "./peaks";
import { airsIn, atShare, between, isCoveredBy, snap, snapToGroups, unaired } from "./track";

const window = { now: 1_000, delayS: 30 };

describe("places", () => {
  test("the left edge is now, the right edge airs", () => {
    expect([atShare(window, 0), atShare(window, 0.5), atShare(window, 1), atShare(window, 7)]).toEqual([1_000, 985, 970, 970]);
    expect(airsIn(window, 985)).toBe(15);
  });

  test("what is newer lies further left on the film", () => {
    const places = placesOf(600, 30);
    expect(places.point(615)).toEqual({ left: "-50.0000%" });
    expect(places.span(606, 609)).toEqual({ left: "-30.0000%", width: "10.0000%" });
  });

  test("of a span only what has not aired counts", () => {
    expect(unaired(between(990, 960), window)).toEqual({ from: 970, to: 990 });
    expect(unaired({ from: 900, to: 969 }, window)).toBeNull();
  });
});

describe("what the gate makes of a span", () => {
  const keyframes = [980, 982, 984];

  test.each([
    [{ from: 980.3, to: 981 }, { from: 980.3, to: 982, openEnd: false }],
    [{ from: 980, to: 982 }, { from: 980, to: 984, openEnd: false }],
    [{ from: 983, to: 985 }, { from: 983, to: 1_000, openEnd: true }],
  ])("%j becomes %j", (span, snapped) => {
    expect(snap(span, keyframes, 1_000)).toEqual(snapped);
  });
});

describe("what a mosaic covers of a span", () => {
  test.each([
    [{ from: 981.3, to: 981.9 }, { from: 980, to: 982, openEnd: false }],
    [{ from: 982, to: 983 }, { from: 982, to: 984, openEnd: false }],
    [{ from: 979, to: 985 }, { from: 979, to: 1_000, openEnd: true }],
  ])("%j becomes %j", (span, snapped) => {
    expect(snapToGroups(span, [980, 982, 984], 1_000)).toEqual(snapped);
  });

  test.each([
    ["mosaic", 981.3, 981.9, [979.8, 979.95, 981.99, 982.2], [false, true, true, false]],
    ["mosaic", 983, 984.5, [981.8, 982, 999], [false, true, true]],
    ["mute", 981.3, 981.9, [981.5], [false]],
  ])("a %s from %f to %f lies over %j: %j", (kind, from_at, to_at, moments, covered) => {
    const span = { kind: kind as "mosaic" | "mute", from_at, to_at };
    expect(moments.map((moment) => isCoveredBy(span, [980, 982, 984], moment))).toEqual(covered);
  });
});

describe("comments", () => {
  test("a bin with many times the usual number is a peak", () => {
    const times = [0.1, 2.5, 3, 4.2, ...Array.from({ length: 9 }, (_, index) => 6 + index / 10)];
    expect(binsOf(times).map(({ from, count, peak }) => [from, count, peak])).toEqual([
      [0, 1, false],
      [2, 2, false],
      [4, 1, false],
      [6, 9, true],
    ]);
    expect(binsOf([])).toEqual([]);
  });
});
