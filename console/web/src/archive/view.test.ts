import { describe, expect, it } from "vitest";
import { barOf, cellsOf, firstView, fit, follow, neighbour, nextRecorded, pan, ticksOf, timeAt, zoom } from "./view";

const DAY = { start: 0, end: 86_400 };

describe("the window", () => {
  it("zooms around the pointer, which stays where it is", () => {
    const view = zoom(DAY, DAY, 0.5, 43_200 * 1.5);
    expect(view.end - view.start).toBe(43_200);
    expect((64_800 - view.start) / 43_200).toBeCloseTo(0.75);
  });
  it("never shows less than ten seconds, and never more than the day", () => {
    const close = zoom({ start: 100, end: 112 }, DAY, 0.01, 106);
    expect(close.end - close.start).toBe(10);
    expect(zoom({ start: 100, end: 200 }, DAY, 1e9, 150)).toEqual(DAY);
  });
  it("stops at the ends of the day", () => {
    expect(pan({ start: 0, end: 100 }, DAY, -50)).toEqual({ start: 0, end: 100 });
    expect(fit({ start: 86_350, end: 86_450 }, DAY)).toEqual({ start: 86_300, end: 86_400 });
  });
  it("turns the page with the playhead, and only then", () => {
    const view = { start: 1_000, end: 2_000 };
    expect(follow(view, DAY, 1_500)).toBe(view);
    expect(follow(view, DAY, 2_001)).toEqual({ start: 1_901, end: 2_901 });
  });
  it("begins with what is recorded", () => {
    expect(firstView(DAY, [])).toEqual(DAY);
    const view = firstView(DAY, [{ start: 1_000, end: 1_500 }, { start: 1_800, end: 2_000 }]);
    expect(view).toEqual({ start: 980, end: 2_020 });
  });
});

describe("places", () => {
  it("cut spans off at the edges", () => {
    expect(barOf({ start: 0, end: 100 }, { start: -50, end: 50 })).toEqual({ left: 0, width: 50 });
    expect(barOf({ start: 0, end: 100 }, { start: 100, end: 150 })).toBeNull();
    expect(barOf({ start: 0, end: 100 }, { start: -50, end: 0 })).toBeNull();
    expect(timeAt({ start: 0, end: 100 }, 2)).toBe(100);
  });
  it("have stills in the middle of their cells, where there is something", () => {
    expect(cellsOf({ start: 0, end: 40 }, 4, [{ start: 8, end: 26 }])).toEqual([9, 15, 25, null]);
  });
  it("have whole times above them", () => {
    const midnight = new Date(2026, 10, 28).getTime() / 1_000;
    const ticks = ticksOf({ start: midnight + 3_599, end: midnight + 3 * 3_600 + 1 }, 8);
    expect(ticks[0]).toBe(midnight + 3_600);
    expect(ticks.length).toBeLessThanOrEqual(9);
    expect(ticks.every((one) => (one - midnight) % 900 === 0)).toBe(true);
  });
});

describe("jumps", () => {
  const recorded = [{ start: 10, end: 20 }, { start: 50, end: 60 }];
  it("pass over what is not recorded", () => {
    expect(nextRecorded(recorded, 5)).toBe(10);
    expect(nextRecorded(recorded, 15)).toBe(15);
    expect(nextRecorded(recorded, 20)).toBe(50);
    expect(nextRecorded(recorded, 99)).toBe(60);
    expect(nextRecorded([], 5)).toBeNull();
  });
  it("go to the neighbour, not to where one stands", () => {
    expect(neighbour([10, 50], 10.2, 1)).toBe(50);
    expect(neighbour([10, 50], 50.2, -1)).toBe(10);
    expect(neighbour([10, 50], 50, 1)).toBeNull();
  });
});
