import { expect, test } from "vitest";
import { secondsLeft } from "./wait";

test("seconds are counted down and never say 0 too early", () => {
  expect([10_000, 10_001, 10_999, 11_000, 12_500, 13_000].map((now) => secondsLeft(13_000, now))).toEqual([
    3, 3, 3, 2, 1, 0,
  ]);
  expect(secondsLeft(0, 5_000)).toBe(0);
});
