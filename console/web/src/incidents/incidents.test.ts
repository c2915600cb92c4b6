import { describe, expect, it } from "vitest";
import type { Incident } from "../api/types";
import { firstWords, joinable, playlist } from "./incidents";

const SPAN = { start: 0, end: 0 };
const draft: Incident = {
  id: "a",
  state: "draft",
  kind: "cut",
  channel: "main",
  broadcast: "",
  happened: 100,
  until: 100,
  actor: "console:ann",
  seconds: 0,
  delay_s: 30,
  words: "a stranger",
  words_zh: "",
  origin: "",
  opened_at: 101,
  pvw: SPAN,
  pgm: SPAN,
  held: SPAN,
  holds: [],
  category: null,
  level: null,
  aired: null,
  report: "",
  measures: "",
  completed_by: "",
  completed_at: 0,
  joined_into: "",
  members: [],
  reason: "",
  settled_by: "",
  settled_at: 0,
  escalation: null,
  log: [],
};

describe("the form", () => {
  it("begins with what was said then, in the language in force", () => {
    expect(firstWords(draft, "zh")).toEqual({ category: "picture", level: "minor", aired: "no", words: "a stranger", measures: "" });
    const gate: Incident = { ...draft, kind: "violation", words: "a packet", words_zh: "数据包" };
    expect(firstWords(gate, "zh").words).toBe("数据包");
    expect(firstWords(gate, "en")).toMatchObject({ words: "a packet", level: "grave", category: "technical" });
  });

  it("goes on with what was written up before", () => {
    const written: Incident = { ...draft, report: "better", measures: "cut", category: "speech", level: "serious", aired: "partly" };
    expect(firstWords(written, "en")).toEqual({ category: "speech", level: "serious", aired: "partly", words: "better", measures: "cut" });
  });
});

describe("joining", () => {
  it("offers what may take it, the nearest in time first", () => {
    const all: Incident[] = [
      draft,
      { ...draft, id: "far", happened: 500 },
      { ...draft, id: "near", happened: 90, state: "completed" },
      { ...draft, id: "gone", state: "dismissed" },
      { ...draft, id: "hall", channel: "hall" },
    ];
    expect(joinable(draft, all).map(({ id }) => id)).toEqual(["near", "far"]);
  });
});

it("asks the archive for a span", () => {
  expect(playlist("main", 1.5, 61.25, "aired")).toBe("/api/v1/archive/main/playlist.m3u8?from=1.500&to=61.250&as=aired");
});
