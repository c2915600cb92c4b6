import { describe, expect, test } from "vitest";
import { channel } from "../api/fixtures";
import { columnsOf, movingOf, pageOf } from "./grid";

const sized = (name: string, width: number, height: number, fps = 30) =>
  channel({ name, ingest: { ...channel().ingest, width, height, fps } });
const named = (count: number) => Array.from({ length: count }, (_, at) => channel({ name: `c${at + 1}` }));
const names = (chosen: string) => pageOf(named(12), chosen).map(({ name }) => name);

describe("which channels are shown", () => {
  test("up to nine: all", () => {
    expect(pageOf(named(9), "c9")).toHaveLength(9);
  });

  test("more: the nine among which the chosen one is", () => {
    expect(names("c2").at(0)).toBe("c1");
    expect(names("c9").at(-1)).toBe("c9");
    expect(names("c10")).toEqual(["c10", "c11", "c12"]);
  });

  test("a chosen one that is gone: the first nine", () => {
    expect(pageOf(named(12), "gone")[0]?.name).toBe("c1");
  });
});

test("columns", () => {
  expect([0, 1, 2, 4, 5, 9].map(columnsOf)).toEqual([1, 1, 2, 2, 3, 3]);
});

describe("which pictures move", () => {
  test("all while they are small", () => {
    const small = [1, 2, 3].map((n) => sized(`c${n}`, 320, 180));
    expect(movingOf(small, "c2", 6_000_000)).toEqual(new Set(["c1", "c2", "c3"]));
  });

  test("the chosen one always, whatever it costs", () => {
    expect(movingOf([sized("a", 320, 180), sized("b", 3840, 2160, 60)], "b", 10)).toEqual(new Set(["b"]));
  });

  test("others in their order while the budget lasts", () => {
    const mixed = [sized("a", 1920, 1080), sized("b", 320, 180), sized("c", 320, 180), sized("d", 320, 180)];
    expect(movingOf(mixed, "c", 4_000_000)).toEqual(new Set(["c", "b"]));
  });

  test("a feed of unknown size counts as a large one", () => {
    expect(movingOf([sized("a", 0, 0), sized("b", 320, 180)], "b", 10_000_000)).toEqual(new Set(["b"]));
  });

  test("nothing is chosen: no exception from the budget", () => {
    expect(movingOf([sized("a", 1920, 1080)], "", 10)).toEqual(new Set());
  });
});
