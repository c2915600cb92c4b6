import { describe, expect, it } from "vitest";
import { exportAddress, localOf, NO_FILTERS, readSearch, secondsOf, sinceDay, toQuestion, toSearch } from "./filters";

describe("filters of the audit", () => {
  it("are in the address what they are on the page", () => {
    const filters = { ...NO_FILTERS, person: "alice", group: "all" as const, from: "2026-11-28T12:00", text: "=1 & 切断" };
    expect(toSearch(filters)).toEqual({ person: "alice", group: "all", from: "2026-11-28T12:00", text: "=1 & 切断" });
    expect(readSearch(toSearch(filters) as Record<string, unknown>)).toEqual(filters);
    expect(readSearch({})).toEqual(NO_FILTERS);
    expect(toSearch(NO_FILTERS)).toEqual({});
  });

  it("take nothing from an address that is none of theirs", () => {
    const odd = readSearch({ group: "others", outcome: ["x"], from: "yesterday", until: 5, text: 42, person: "p".repeat(999) });
    expect(odd).toEqual({ ...NO_FILTERS, text: "42", person: "p".repeat(128) });
  });

  it("ask the server in seconds, to the end of the last minute", () => {
    const from = new Date(2026, 10, 28, 12, 0).getTime() / 1_000;
    expect(toQuestion({ ...NO_FILTERS, from: "2026-11-28T12:00", until: "2026-11-28T12:01", person: " bob " })).toEqual({
      group: "decisions",
      person: "bob",
      from,
      until: from + 120,
    });
    expect(exportAddress({ ...NO_FILTERS, text: "a&b=切" })).toBe("/api/v1/audit/export?group=decisions&text=a%26b%3D%E5%88%87");
  });

  it("have quick picks that begin with a day", () => {
    const now = new Date(2026, 10, 28, 17, 45, 12);
    expect(localOf(now)).toBe("2026-11-28T17:45");
    expect(sinceDay(now, 0)).toBe("2026-11-28T00:00");
    expect(sinceDay(now, 6)).toBe("2026-11-22T00:00");
    expect(secondsOf("2026-13-45T99:99")).toBeUndefined();
  });
});
