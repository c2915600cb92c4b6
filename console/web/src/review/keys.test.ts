import { describe, expect, test } from "vitest";
import { actOf, actsOn, KEY_OF } from "./keys";
import type { Pile } from "./types";

const REVIEWER = { decide: true, terms: false, top: 1 };
const SENIOR = { decide: true, terms: true, top: 2 };
const AUDITOR = { decide: false, terms: false, top: 0 };
const PILES: Pile[] = ["waiting", "blocked", "held", "approved", "published", "rejected", "expired"];

test.each(PILES)("no key has two meanings on the pile %s", (pile) => {
  const keys = [...actsOn(pile, SENIOR), "deal", "order", "pile"].map((act) => KEY_OF[act as keyof typeof KEY_OF]);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).not.toContain("S");
});

describe("who has which keys", () => {
  test("a reviewer decides, and neither releases, restores nor adds terms", () => {
    expect(actsOn("waiting", REVIEWER)).not.toContain("term");
    expect(actsOn("held", REVIEWER)).toEqual(["reject", "ban", "reveal", "undo", "previous", "next"]);
    expect(actsOn("blocked", REVIEWER)).not.toContain("restore");
  });
  test("a senior does", () => {
    expect(actsOn("waiting", SENIOR)).toContain("term");
    expect(actsOn("held", SENIOR)[0]).toBe("release");
    expect(actsOn("rejected", SENIOR)[0]).toBe("restore");
  });
  test("who only reads moves about", () => {
    expect(PILES.flatMap((pile) => actsOn(pile, AUDITOR)).filter((act) => act !== "previous" && act !== "next")).toEqual([]);
  });
});

describe("a key pressed", () => {
  test.each([
    ["a", "A", "waiting", "approve"],
    ["h", "H", "waiting", "hold"],
    ["h", "H", "held", "release"],
    ["r", "R", "published", "retract"],
    ["r", "R", "rejected", "restore"],
    ["s", "S", "waiting", "next"],
    ["ArrowUp", "", "waiting", "previous"],
    ["n", "N", "waiting", "deal"],
    ["a", "A", "published", null],
    ["Enter", "", "waiting", null],
  ] as const)("%s (%s) on the pile %s: %s", (key, letter, pile, act) => {
    expect(actOf(key, letter, pile, SENIOR)).toBe(act);
  });
  test("of somebody without the right means nothing", () => {
    expect(actOf("a", "A", "waiting", AUDITOR)).toBeNull();
    expect(actOf("n", "N", "waiting", AUDITOR)).toBeNull();
    expect(actOf("j", "J", "waiting", AUDITOR)).toBe("next");
  });
});
