import { describe, expect, test } from "vitest";
import { aHit } from "./fixtures";
import { gravest, kindsOf, namesOf, piecesOf, spanOf } from "./highlights";
import { en, zh } from "./strings";

const shape = (text: string, ...spans: [number, number][]) =>
  piecesOf(text, spans.map(([start, end]) => aHit({ start, end }))).map((piece) => [piece.text, piece.hits.length]);

describe("pieces of a comment", () => {
  test("without a hit there is one", () => {
    expect(shape("母校加油")).toEqual([["母校加油", 0]]);
  });
  test("of an empty text there are none", () => {
    expect(piecesOf("", [])).toEqual([]);
  });
  test("spans count code points: emoji and rare characters are one each", () => {
    expect(shape("🎉𠮷笨蛋👍", [2, 4])).toEqual([
      ["🎉𠮷", 0],
      ["笨蛋", 1],
      ["👍", 0],
    ]);
  });
  test("hits may overlap, touch and lie in each other", () => {
    expect(shape("abcdef", [0, 4], [2, 6], [2, 3])).toEqual([
      ["ab", 1],
      ["c", 3],
      ["d", 2],
      ["ef", 1],
    ]);
    expect(shape("abcd", [0, 2], [2, 4])).toEqual([
      ["ab", 1],
      ["cd", 1],
    ]);
  });
  test("a span that does not fit the text breaks nothing", () => {
    expect(shape("ab", [1, 9])).toEqual([
      ["a", 0],
      ["b", 1],
    ]);
    expect(shape("ab", [5, 9], [1, 1])).toEqual([["ab", 0]]);
  });
  test("together they are the text again, whatever the hits", () => {
    const text = "加\u200bV信👨‍👩‍👧\u202eabc";
    for (let start = 0; start < 12; start += 1) {
      const hits = [aHit({ start, end: start + 3 })];
      expect(piecesOf(text, hits).map((piece) => piece.text).join("")).toBe(text);
    }
  });
});

const named = (text: string) => piecesOf(text, []).map((piece) => piece.unseen).filter((name) => name !== "");

test("what cannot be seen has a name; what emoji are joined with has none", () => {
  expect(named("a\u202eb\u200bc\u{e0041}")).toEqual(["U+202E", "U+200B", "U+E0041"]);
  expect(named("👨‍👩‍👧❤️\tline\nline")).toEqual([]);
});

test("the gravest of hits that overlap gives the colour", () => {
  expect(gravest([aHit({ severity: "important" }), aHit({ severity: "suspected" })])).toBe("important");
  expect(gravest([])).toBe("");
});

test("a span's text, by code points", () => {
  expect(spanOf("🎉笨蛋", 1, 3)).toBe("笨蛋");
});

test("the same find three times is told once", () => {
  const twice = [aHit(), aHit({ start: 5, end: 7 }), aHit({ channel: "homophone" })];
  expect(kindsOf(twice).map(({ hit, times }) => [hit.channel, times])).toEqual([
    ["exact", 2],
    ["homophone", 1],
  ]);
});

test("a find is named in the page's words; a list that is not shipped as it is named", () => {
  const words = { lists: { scams: "诈骗广告", personal: "个人信息" }, kinds: { mobile: "手机号" } };
  expect(namesOf({ term: "加微信", list: "scams" }, words)).toEqual({ term: "加微信", list: "诈骗广告" });
  expect(namesOf({ term: "mobile", list: "personal" }, words)).toEqual({ term: "手机号", list: "个人信息" });
  expect(namesOf({ term: "mobile", list: "ours" }, words)).toEqual({ term: "mobile", list: "ours" });
});

test("what lint says of a term is said in both languages", () => {
  const values = { term: "a", left: "a", day: "2026-01-31", list: "own-x", severity: "block", words: "ab、ac", more: "3", times: "2.5" };
  for (const rule of Object.keys(en.term.findings)) {
    for (const words of [en, zh]) expect(words.term.findings[rule]?.(values)).toContain("“a”");
    expect(zh.term.findings[rule]?.(values)).toMatch(/[\u4e00-\u9fff]/);
  }
  expect(zh.term.findings["duplicate"]?.(values)).toContain("拦截");
  expect(zh.term.findings["compound"]?.({ ...values, more: "0" })).toBe("“a”也会在这些词语中命中：ab、ac");
});
