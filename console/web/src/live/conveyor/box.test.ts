import { describe, expect, test } from "vitest";
import { boxBetween, isTooSmall, moved, sized, wireOf } from "./box";

const BOX = { x: 0.5, y: 0.25, w: 0.25, h: 0.5 };

describe("a box", () => {
  test("lies between two corners, whichever way it was drawn, and in the picture", () => {
    expect(boxBetween({ x: 0.75, y: 0.75 }, { x: 0.5, y: 0.25 })).toEqual(BOX);
    expect(boxBetween({ x: 0.5, y: -3 }, { x: 7, y: 0.5 })).toEqual({ x: 0.5, y: 0, w: 0.5, h: 0.5 });
  });

  test("is moved whole, up to the edges", () => {
    expect(moved(BOX, { x: 1, y: -1 })).toEqual({ ...BOX, x: 0.75, y: 0 });
    expect(moved(BOX, { x: -0.25, y: 0 })).toEqual({ ...BOX, x: 0.25 });
  });

  test("is sized by its lower right corner, up to the edges, and never to nothing", () => {
    expect(sized(BOX, { x: 1, y: 1 })).toEqual({ ...BOX, w: 0.5, h: 0.75 });
    expect(sized(BOX, { x: -1, y: -1 })).toEqual({ ...BOX, w: 0.02, h: 0.02 });
    expect(isTooSmall({ ...BOX, w: 0.019 })).toBe(true);
    expect(isTooSmall(BOX)).toBe(false);
  });

  test.each([
    [{ x: 0.123_456, y: 0, w: 0.3, h: 1 }, [0.1234, 0, 0.3001, 1]],
    [{ x: 0.7, y: 0.1, w: 0.3, h: 0.2 }, [0.7, 0.1, 0.3, 0.2]],
    [{ x: 1 / 3, y: 2 / 3, w: 2 / 3, h: 1 / 3 }, [0.3333, 0.6666, 0.6667, 0.3334]],
  ])("%j goes out as %j: never smaller, never past the edge", (box, wire) => {
    const sent = wireOf(box);
    expect(sent).toEqual(wire);
    expect(sent[0] + sent[2]).toBeLessThanOrEqual(1 + 1e-9);
  });
});
