import { describe, expect, it } from "vitest";
import { clockOf, dayOf, readTime, shiftDay, shiftMonth, spanOfDay, spanOfMonth, weeksOf } from "./days";

const at = (...parts: [number, number, number, number?, number?, number?]) => new Date(...parts).getTime() / 1_000;

describe("days", () => {
  it("go from midnight to midnight of whoever looks", () => {
    expect(spanOfDay("2026-11-28")).toEqual({ start: at(2026, 10, 28), end: at(2026, 10, 29) });
    expect(dayOf(at(2026, 10, 28, 23, 59, 59))).toBe("2026-11-28");
    expect(dayOf(at(2026, 10, 29))).toBe("2026-11-29");
  });
  it("are refused when there are none of the name", () => {
    expect(spanOfDay("2026-02-30")).toBeNull();
    expect(spanOfDay("yesterday")).toBeNull();
  });
  it("shift over the ends of months and years", () => {
    expect(shiftDay("2026-12-31", 1)).toBe("2027-01-01");
    expect(shiftDay("2026-03-01", -1)).toBe("2026-02-28");
    expect(shiftMonth("2026-01-31", 1)).toBe("2026-02-01");
    expect(shiftMonth("2026-01-31", -1)).toBe("2025-12-01");
    expect(spanOfMonth("2026-12-09")).toEqual({ start: at(2026, 11, 1), end: at(2027, 0, 1) });
  });
  it("stand in weeks that begin on Monday", () => {
    const weeks = weeksOf("2026-11-12"); // the first is a Sunday
    expect(weeks[0]).toEqual([null, null, null, null, null, null, "2026-11-01"]);
    expect(weeks.at(-1)).toEqual(["2026-11-30", null, null, null, null, null, null]);
    expect(weeks.flat().filter((day) => day !== null)).toHaveLength(30);
  });
});

describe("clockOf", () => {
  it("never shows what is to come", () => {
    expect(clockOf(at(2026, 10, 28, 14, 3, 9) + 0.999)).toBe("14:03:09");
    expect(clockOf(at(2026, 10, 28, 14, 3, 9) + 0.2, 2)).toBe("14:03:09.20");
    expect(clockOf(at(2026, 10, 28, 14, 3, 9) - 0.000_000_3, 2)).toBe("14:03:09.00");
    expect(clockOf(at(2026, 10, 28, 14, 3, 9) + 0.999, 2)).toBe("14:03:09.99");
  });
});

describe("readTime", () => {
  it("reads what people type", () => {
    expect(readTime("14:03", "2026-11-28")).toBe(at(2026, 10, 28, 14, 3));
    expect(readTime(" 9:05:07.5 ", "2026-11-28")).toBe(at(2026, 10, 28, 9, 5, 7) + 0.5);
    expect(readTime("2026-11-27 08:00", "2026-11-28")).toBe(at(2026, 10, 27, 8));
    expect(readTime("2026-11-27", "2026-11-28")).toBe(at(2026, 10, 27));
    expect(readTime("2026-11-27T00:00:00Z", "2026-11-28")).toBe(Date.UTC(2026, 10, 27) / 1_000);
    expect(readTime("1790000000", "2026-11-28")).toBe(1_790_000_000);
  });
  it("leaves words alone", () => {
    for (const text of ["", "cut", "25:00", "12:61", "2026-02-30", "12", "张三"]) expect(readTime(text, "2026-11-28")).toBeNull();
  });
});
