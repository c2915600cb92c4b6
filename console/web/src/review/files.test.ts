import { describe, expect, it } from "vitest";
import { fileAddress, isOpen, unreviewed } from "./files";

const row = { broadcast: "b", first_at: 1, last_at: 2, cards: {}, comments: {}, retracted: 0 };

describe("files of a broadcast", () => {
  it("have addresses that hold any name", () => {
    expect(fileAddress("main", "main-20251128T115500Z", "report")).toBe(
      "/api/v1/review/main/report?broadcast=main-20251128T115500Z&format=html",
    );
    expect(fileAddress("大厅", "", "pdf")).toBe("/api/v1/review/%E5%A4%A7%E5%8E%85/form?broadcast=&format=pdf");
    expect(fileAddress("main", "a&b=c", "csv")).toBe("/api/v1/review/main/export?broadcast=a%26b%3Dc&format=csv");
  });

  it("say how much nobody reviewed", () => {
    expect(unreviewed(row)).toBe(0);
    const ended = { ...row, comments: { expired: 3, published: 9, rejected: 2 } };
    expect([unreviewed(ended), isOpen(ended)]).toEqual([3, false]);
    const running = { ...row, comments: { waiting: 2, blocked: 1, expired: 1 } };
    expect([unreviewed(running), isOpen(running)]).toEqual([4, true]);
  });
});
