import { describe, expect, it } from "vitest";
import { type Airing, airingAt, countIn, delayAt, kindOfAiring, lastUntil, readSearch } from "./airing";

const span = (start: number, end: number, more: Partial<Airing> = {}): Airing => ({
  start,
  end,
  source: "live",
  filler: "",
  why: "",
  actor: "",
  delay_s: null,
  ...more,
});
const AIRED = [
  span(100, 200, { delay_s: 30 }),
  span(200, 220, { source: "filler", why: "cut", filler: "slate", actor: "console:ann" }),
  span(220, 400, { delay_s: 45 }),
];

describe("the delay", () => {
  it("is that with which it aired", () => {
    expect(delayAt(AIRED, 80)).toBe(30);
    expect(delayAt(AIRED, 300)).toBe(45);
  });
  it("is the broadcast's where it did not air, and thirty seconds without any", () => {
    expect(delayAt(AIRED, 171)).toBe(30);
    expect(delayAt(AIRED, 1_000)).toBe(45);
    expect(delayAt([], 5)).toBe(30);
  });
});

describe("what aired", () => {
  it("is found by its time", () => {
    expect(airingAt(AIRED, 205)?.actor).toBe("console:ann");
    expect(airingAt(AIRED, 400)).toBeNull();
  });
  it("has few colours", () => {
    expect(AIRED.map(kindOfAiring)).toEqual(["live", "cut", "live"]);
    expect(kindOfAiring({ source: "filler", why: "backup" })).toBe("backup");
    expect(kindOfAiring({ source: "filler", why: "no_input" })).toBe("filler");
    expect(kindOfAiring({ source: "filler", why: "dump" })).toBe("cut");
  });
});

describe("rows", () => {
  it("run along", () => {
    const rows = [{ at: 1 }, { at: 2 }, { at: 2 }, { at: 5 }];
    expect([0, 1, 2, 4, 9].map((at) => lastUntil(rows, at))).toEqual([-1, 0, 2, 2, 3]);
    expect(lastUntil([], 1)).toBe(-1);
  });
  it("are counted by cells", () => {
    expect(countIn({ start: 0, end: 10 }, 2, [-1, 0, 4.9, 5, 10, 11])).toEqual([2, 1]);
  });
});

describe("a search", () => {
  it("is for text, a person, an action", () => {
    expect(readSearch("  字幕 @ann #cut 有误 ")).toEqual({ text: "字幕 有误", person: "ann", action: "cut" });
    expect(readSearch("＠王芳")).toEqual({ text: "", person: "王芳", action: "" });
    expect(readSearch("@ #")).toEqual({ text: "@ #", person: "", action: "" });
  });
});
