import { expect, test } from "vitest";
import { retryAfter, retryDelay } from "./retry";

test("each failure in a row doubles the wait, up to 15 s", () => {
  expect([1, 2, 3, 4, 5, 100].map((failures) => retryDelay(failures, 1, null))).toEqual([
    1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
  ]);
});

test("chance spreads an audience over half of the wait", () => {
  expect(retryDelay(1, 0, null)).toBe(500);
  expect(retryDelay(5, 0, null)).toBe(7_500);
});

test("nobody comes back before the server asked them to, nor later than a minute and a half", () => {
  for (const chance of [0, 0.3, 1]) {
    expect(retryDelay(1, chance, 20)).toBeGreaterThanOrEqual(20_000);
    expect(retryDelay(1, chance, 86_400)).toBeLessThanOrEqual(90_000);
  }
});

test("Retry-After counts in seconds", () => {
  expect(["5", "0", null, "", "Wed, 21 Oct 2026 07:28:00 GMT", "-3"].map(retryAfter)).toEqual([5, 0, null, null, null, null]);
});
