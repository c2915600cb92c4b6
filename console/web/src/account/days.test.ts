import { expect, test } from "vitest";
import { daysLeft } from "./days";

test("days are whole, and the last one is 0", () => {
  const day = 86_400;
  expect([3 * day, 3 * day - 1, day, day - 1, 0, -day].map((at) => daysLeft(at, 0))).toEqual([3, 2, 1, 0, 0, 0]);
});
