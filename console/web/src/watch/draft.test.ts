import { describe, expect, test } from "vitest";
import { countChars, flawOf, freshName, isBullet, nameDraft } from "./draft";

test("characters are counted as the server counts them", () => {
  expect(["", "  ", "母校加油", " ab ", "🎉", "👨‍👩‍👧"].map(countChars)).toEqual([0, 0, 4, 2, 1, 5]);
});

describe("what stands in the way", () => {
  test("nothing", () => {
    expect(flawOf("母校加油", 4, 0, 0)).toBeNull();
  });

  test("no text, too much of it, slow mode: the text first, then the wait", () => {
    expect(flawOf(" ", 200, 99, 0)).toEqual({ kind: "empty" });
    expect(flawOf("母校加油", 3, 99, 0)).toEqual({ kind: "too_long", over: 1 });
    expect(flawOf("母校加油", 4, 3_000, 1)).toEqual({ kind: "wait", seconds: 3 });
    expect(flawOf("母校加油", 4, 3_000, 2_999)).toEqual({ kind: "wait", seconds: 1 });
    expect(flawOf("母校加油", 4, 3_000, 3_000)).toBeNull();
  });
});

test("what is written is a bullet where the viewer chose so and may, or where nothing else is open", () => {
  expect([true, false].map((wanted) => isBullet(wanted, { comments: true, bullets: true }))).toEqual([true, false]);
  expect([true, false].map((wanted) => isBullet(wanted, { comments: true, bullets: false }))).toEqual([false, false]);
  expect([true, false].map((wanted) => isBullet(wanted, { comments: false, bullets: true }))).toEqual([true, true]);
});

describe("the name of a draft", () => {
  const names = ["b", "c", "d"];
  const fresh = (): string => names.shift() ?? "?";

  test("stays while the text does", () => {
    const hello = { text: "hello", bullet: false, seenAt: 7 };
    const first = { clientId: "a", ...hello };
    expect(nameDraft(first, { ...hello, seenAt: 9 }, fresh)).toBe(first); // it speaks of the moment it was first sent at
    expect(nameDraft(first, { ...hello, text: "hello!" }, fresh)).toEqual({ ...hello, clientId: "b", text: "hello!" });
    expect(nameDraft(first, { ...hello, bullet: true }, fresh)).toEqual({ ...hello, clientId: "c", bullet: true });
    expect(nameDraft(null, hello, fresh)).toEqual({ ...hello, clientId: "d" });
  });

  test("is another one each time, of characters that the server takes", () => {
    const made = Array.from({ length: 100 }, freshName);
    expect(new Set(made).size).toBe(100);
    for (const name of made) expect(name).toMatch(/^[0-9a-f]{32}$/);
  });
});
