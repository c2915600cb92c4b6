import { describe, expect, test } from "vitest";
import { cellsOf, chunksOf, stillAt } from "./cells";

const still = (at: number) => ({ at, number: at * 1_000, change: 0 });

describe("stills on the film", () => {
  test("each reaches to the next, the newest as far as one is expected", () => {
    expect(cellsOf([still(10), still(12), still(14)], 1, 2)).toEqual([
      { number: 10_000, from: 10, to: 12 },
      { number: 12_000, from: 12, to: 14 },
      { number: 14_000, from: 14, to: 16 },
    ]);
  });

  test("of those too close together the same stand, whenever it is looked", () => {
    const all = Array.from({ length: 40 }, (_, index) => still(100 + index * 0.5));
    const shown = cellsOf(all, 2, 0.5).map(({ from }) => from);
    expect(shown).toEqual([100, 102, 104, 106, 108, 110, 112, 114, 116, 118]);
    expect(cellsOf(all.slice(8), 2, 0.5).map(({ from }) => from)).toEqual(shown.slice(2));
  });

  test("behind a gap nothing is shown", () => {
    expect(cellsOf([still(0), still(60)], 1, 2)[0]).toEqual({ number: 0, from: 0, to: 12 });
    expect(stillAt([still(0), still(60)], 30)).toBeNull();
    expect(stillAt([still(0), still(60)], 61)).toEqual(still(60));
    expect(stillAt([], 61)).toBeNull();
  });
});

describe("sound on the film", () => {
  test("lies in pieces of the clock; what is not known is left out", () => {
    const chunks = chunksOf(new Map([[123, 0], [161, -60]]), 11, 21);
    expect(chunks.map(({ from }) => from)).toEqual([10, 15, 20]);
    expect(chunks[0]?.path).toBe("M26.1 0h.8v100h-.8z");
    expect(chunks[1]?.path).toBe("M38.1 49h.8v2h-.8z");
    expect(chunks[2]?.path).toBe("");
  });
});
