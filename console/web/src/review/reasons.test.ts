import { describe, expect, test } from "vitest";
import { aCard, aHit } from "./fixtures";
import { CODE_KEYS, suggestedCode } from "./reasons";

test("every code has a key of its own", () => {
  expect(new Set(CODE_KEYS.map(([key]) => key)).size).toBe(12);
  expect(new Set(CODE_KEYS.map(([, code]) => code)).size).toBe(12);
});

describe("the code that is suggested", () => {
  test("is that of the gravest hit", () => {
    const hits = [aHit({ category: "scams", severity: "suspected" }), aHit({ category: "harassment", severity: "sensitive" })];
    expect(suggestedCode(aCard({ hits }))).toBe("abuse");
  });
  test("personal data is known by its channel", () => {
    expect(suggestedCode(aCard({ hits: [aHit({ channel: "personal", category: "anything" })] }))).toBe("personal-data");
  });
  test("there is none for a clean card, or a list of one's own", () => {
    expect(suggestedCode(aCard())).toBeNull();
    expect(suggestedCode(aCard({ hits: [aHit({ category: "guests" })] }))).toBeNull();
  });
});
