import { describe, expect, test } from "vitest";
import { asTold } from "./cards";
import { aCard, aHit } from "./fixtures";
import { codeOf, isSpan, menuOf, pickOf } from "./menu";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";

const card = asTold(aCard(), 0);
const rude = asTold(aCard({ hits: [aHit()] }), 0);

describe("why a card is rejected", () => {
  test("a digit each, and letters for the last two", () => {
    const menu = menuOf({ kind: "reject", cards: [card] }, en.review);
    expect(menu.picks.map(({ key }) => key).join("")).toBe("123456789QW0");
    expect(pickOf(menu, "D")).toBeUndefined();
    expect([codeOf("3"), codeOf("W"), codeOf("0")]).toEqual(["spam", "gambling-drugs", "other"]);
  });
  test("the key of the act once more takes what the hit speaks for", () => {
    expect(pickOf(menuOf({ kind: "reject", cards: [rude] }, zh.review), "D")).toMatchObject({ key: "1", label: "辱骂攻击" });
  });
  test("many are asked about as many, without a suggestion", () => {
    const menu = menuOf({ kind: "reject", cards: [rude, card] }, en.review);
    expect(menu.title).toBe("Why reject 2 cards?");
    expect(pickOf(menu, "D")).toBeUndefined();
  });
});

test("a ban asks for how long, then why", () => {
  const first = menuOf({ kind: "ban", card, span: null }, en.review);
  expect([first.words, first.picks.length]).toEqual([false, 4]);
  expect(first.picks.every(({ key }) => isSpan(key))).toBe(true);
  expect(menuOf({ kind: "ban", card, span: "2" }, en.review)).toMatchObject({ title: "1 hour: why?", words: true });
});
