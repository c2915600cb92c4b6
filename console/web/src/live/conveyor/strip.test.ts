import { describe, expect, test } from "vitest";
import type { StripMessage } from "../../api/types";
import { nextOffset } from "./clock";
import { NO_STRIP, takeMessage } from "./strip";

function message(changes: Partial<StripMessage>): StripMessage {
  return { t: "strip", server_time: 1_000, up: true, stills: [], level_at: [], level_db: [], ...changes };
}

const still = (at: number, change = 0) => ({ at, number: at * 1_000, change });

describe("the server's clock", () => {
  test("the message that took least time counts", () => {
    let offset: number | null = null;
    for (const [serverS, now] of [
      [1_000, 500_080],
      [1_001, 501_005],
      [1_002, 502_300],
    ] as const) offset = nextOffset(offset, serverS, now);
    expect(offset).toBeCloseTo(499_995 - 0.2, 1);
  });

  test("a clock that was set is believed", () => {
    expect(nextOffset(500_000, 990, 500_000)).toBe(490_000);
  });
});

describe("what came in", () => {
  test("is added in order, once, and forgotten after it has aired", () => {
    const first = takeMessage(NO_STRIP, message({ stills: [still(960), still(990)], level_at: [960.1, 990], level_db: [-20, -30] }), 30, 0);
    expect(first.stills.map(({ at }) => at)).toEqual([960, 990]);
    const again = takeMessage(first, message({ server_time: 1_010, stills: [still(990), still(1_008)], level_at: [1_000], level_db: [-9] }), 30, 0);
    expect(again.stills.map(({ at }) => at)).toEqual([990, 1_008]);
    expect([...again.levels]).toEqual([
      [9_900, -30],
      [10_000, -9],
    ]);
  });

  test("a child that is gone is known to be", () => {
    expect(takeMessage(NO_STRIP, message({ up: false }), 30, 0).up).toBe(false);
  });
});
