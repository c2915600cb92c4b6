import { describe, expect, test } from "vitest";
import { beginBefore, besideMoment, momentsOf } from "./moments";
import type { Strip } from "./strip";

/** Sound from 100 s on, ten levels a second. */
function strip(db: number[], scenes: [number, number][] = []): Strip {
  const levels = new Map(db.map((level, index) => [1_000 + index, level]));
  return { up: true, offsetMs: 0, levels, stills: scenes.map(([at, change]) => ({ at, number: at * 1_000, change })) };
}

const speech = (tenths: number): number[] => Array.from({ length: tenths }, (_, index) => -18 - (index % 3));
const pause = (tenths: number): number[] => Array.from({ length: tenths }, () => -45);

describe("where something may have begun", () => {
  test("a pause counts from two tenths of a second on, and stands where the sound begins again", () => {
    const found = momentsOf(strip([...speech(30), ...pause(1), ...speech(20), ...pause(4), ...speech(30)]), 200);
    expect(found).toEqual([{ at: 105.5, why: "pause" }]);
  });

  test("steady silence has no pauses, and neither has steady sound", () => {
    expect(momentsOf(strip(pause(50)), 200)).toEqual([]);
    expect(momentsOf(strip(speech(50)), 200)).toEqual([]);
  });

  test("a keyframe that differs much is another scene", () => {
    expect(momentsOf(strip([], [[100, 0], [102, 11], [104, 40]]), 200)).toEqual([{ at: 104, why: "scene" }]);
  });
});

describe("Shift+D", () => {
  const known = strip([...speech(40), ...pause(3), ...speech(60)], [[108, 30]]);

  test.each([
    [107, 104.3, "pause"],
    [110, 108, "scene"],
    [108.2, 104.3, "pause"], // nobody is that quick
  ])("pressed at %d begins at %d: %s", (pressed, at, why) => {
    expect(beginBefore(known, pressed, 80)).toEqual({ at, why });
  });

  test("with nothing to go by it begins 5 s ago, and never before the window", () => {
    expect(beginBefore(strip(speech(50)), 105, 80)).toEqual({ at: 100, why: "blind" });
    expect(beginBefore(known, 140, 130)).toEqual({ at: 135, why: "blind" });
    expect(beginBefore(strip([]), 132, 130)).toEqual({ at: 130, why: "blind" });
  });

  test("the arrows go to the moments beside", () => {
    expect(besideMoment(known, 104.3, 1, 110)).toBe(108);
    expect(besideMoment(known, 108, -1, 110)).toBe(104.3);
    expect(besideMoment(known, 104.3, -1, 110)).toBeNull();
  });
});
